"""Runs of each job, counted by state, and how its last runs went. Pure.

For each client there is a row, and one for all of them. A run whose request was never seen counts in that one
only: nobody knows for which client it is. A dry run counts, but tells nothing of how the job went.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.status.rows import Changes, Counted, RunRow
from shared.words import RunState

#: Client of the row that counts the runs of all of them.
EVERY = ""
#: Runs from which it is told how it went lately.
RECENT = 50


class Place(NamedTuple):
    client: str
    job: str


@dataclass(slots=True, eq=False)
class TotalsRow:
    place: Place
    states: dict[RunState, int] = field(default_factory=dict)
    action_required: int = 0
    #: The run that was requested last.
    last: tuple[datetime, UUID] | None = None
    #: Of the last runs that ended by themselves, in the order in which they ended: whether each succeeded.
    ends: list[bool] = field(default_factory=list)
    #: Seconds of the last successful ones, in the same order.
    durations: list[float] = field(default_factory=list)

    @property
    def typical(self) -> float | None:
        return statistics.median(self.durations) if self.durations else None


def touched(changes: Changes) -> set[Place]:
    """The rows that `changes` may change."""
    places = {place for run in changes.runs.values() if _moved(run) for place in _places(run.client, run.job)}
    for ended in changes.ended:
        places.update(_places(ended.client, ended.job))
    return places


def count(changes: Changes, row: Callable[[Place], TotalsRow]) -> None:
    """Change the rows that `touched` names as `changes` says. `row` gives the one of a place."""
    for run in changes.runs.values():
        if not _moved(run):
            continue
        if run.counted is not None:
            for place in _places(run.counted.client, run.job):
                _add(row(place), run.counted, -1)
        for place in _places(run.client, run.job):
            _add(row(place), run.counts_as, 1)
            if run.requested and not run.dry_run:
                # A run is requested once; which of two is the last one depends on no order.
                here = (run.requested_at, run.run_id)
                last = row(place).last
                row(place).last = here if last is None else max(last, here)
    for ended in changes.ended:
        if ended.state is RunState.CANCELLED:
            continue
        good = ended.state is RunState.SUCCEEDED
        for place in _places(ended.client, ended.job):
            totals = row(place)
            totals.ends = [*totals.ends, good][-RECENT:]
            if good and ended.duration is not None:
                totals.durations = [*totals.durations, ended.duration][-RECENT:]


def typical_of(medians: Sequence[float], weights: Sequence[int]) -> float | None:
    """The median of medians, each of which counts as often as there are values behind it."""
    half, seen = sum(weights) / 2, 0
    for median, weight in sorted(zip(medians, weights, strict=True)):
        seen += weight
        if seen >= half:
            return median
    return None


def _moved(run: RunRow) -> bool:
    return run.counted != run.counts_as


def _add(totals: TotalsRow, counted: Counted, number: int) -> None:
    totals.states[counted.state] = totals.states.get(counted.state, 0) + number
    totals.action_required += number * counted.action_required


def _places(client: str | None, job: str) -> Iterable[Place]:
    return (Place(EVERY, job), Place(client, job)) if client else (Place(EVERY, job),)
