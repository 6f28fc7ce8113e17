"""Totals of runs: counted once, whatever comes between, and in whatever batches."""

import random
from collections.abc import Iterable

import pytest

from services.status.core import fold
from services.status.messages import decode
from services.status.rows import Changes, RunRow
from services.status.totals import EVERY, RECENT, Place, TotalsRow, count, touched
from shared.words import RunState
from tests.support.run_events import START, RunTeller, failure, in_stream

JOB = "documents.ocr"


def folded(runs: Iterable[RunTeller], sizes: Iterable[int] = (10_000,)) -> dict[Place, TotalsRow]:
    """The totals after the messages of `runs`, taken in batches of `sizes`."""
    messages = [decode(raw) for raw in in_stream([m for run in runs for m in run.messages])]
    states: dict[object, RunRow] = {}
    totals: dict[Place, TotalsRow] = {}
    for size in sizes:
        batch, messages = messages[:size], messages[size:]
        changes = fold(states, batch, Changes())  # type: ignore[arg-type]
        for place in touched(changes):
            totals.setdefault(place, TotalsRow(place))
        count(changes, totals.__getitem__)
        for run in changes.runs.values():
            run.counted = run.counts_as
    assert not messages
    return totals


def story() -> list[RunTeller]:
    good = RunTeller("good").requested().started().finished(1)
    bad = RunTeller("bad").requested().started().finished(1, "failed", failure=failure())
    waiting = RunTeller("waiting").requested(client="other").started().attempt_failed(1)
    cancelled = RunTeller("cancelled").requested(client="other").finished(0, "cancelled")
    return [good, bad, waiting, cancelled]


def test_each_run_counts_once_for_its_client_and_once_for_all() -> None:
    totals = folded(story())
    assert {place: row.states for place, row in totals.items()} == {
        Place(EVERY, JOB): {
            RunState.SUCCEEDED: 1, RunState.FAILED: 1, RunState.WAITING: 1, RunState.CANCELLED: 1
        },
        Place("muster-ag", JOB): {RunState.SUCCEEDED: 1, RunState.FAILED: 1},
        Place("other", JOB): {RunState.WAITING: 1, RunState.CANCELLED: 1},
    }  # fmt: skip
    assert totals[Place(EVERY, JOB)].action_required == 1
    assert totals[Place("other", JOB)].action_required == 0


def test_what_a_person_cancelled_says_nothing_about_the_job() -> None:
    row = folded(story())[Place(EVERY, JOB)]
    assert row.ends == [True, False]
    assert row.durations == [1.0]
    assert row.typical == 1.0


def test_the_last_run_is_the_one_requested_last_not_the_one_told_last() -> None:
    late = RunTeller("late", start=START.replace(day=9)).requested()
    early = RunTeller("early", start=START).requested()
    row = folded([late, early])[Place(EVERY, JOB)]
    assert row.last is not None
    assert row.last[1] == late.run_id


def test_a_dry_run_counts_and_tells_nothing_of_how_the_job_went() -> None:
    dry = RunTeller("dry").requested(dry_run=True).started().finished(1)
    row = folded([dry])[Place(EVERY, JOB)]
    assert row.states == {RunState.SUCCEEDED: 1}
    assert (row.last, row.ends, row.durations) == (None, [], [])


def test_only_the_last_runs_count_for_how_it_went() -> None:
    runs = [RunTeller(f"run {n}").requested().started().finished(1) for n in range(RECENT + 7)]
    runs.append(RunTeller("bad").requested().started().finished(1, "failed", failure=failure()))
    row = folded(runs)[Place(EVERY, JOB)]
    assert len(row.ends) == RECENT
    assert sum(row.ends) == RECENT - 1
    assert row.states[RunState.SUCCEEDED] == RECENT + 7


def test_a_run_without_its_request_is_nobodys_until_it_comes() -> None:
    run = RunTeller("orphan").requested().started()
    request, *rest = run.messages
    run.messages = rest
    totals = folded([run])
    assert list(totals) == [Place(EVERY, JOB)]
    assert totals[Place(EVERY, JOB)].last is None
    run.messages = [*rest, request]
    totals = folded([run])
    assert totals[Place("muster-ag", JOB)].states == {RunState.RUNNING: 1}
    assert totals[Place(EVERY, JOB)].states == {RunState.RUNNING: 1}


def test_a_client_without_a_name_is_not_counted_as_all_of_them() -> None:
    totals = folded([RunTeller("nameless").requested(client="").started()])
    assert {place: row.states for place, row in totals.items()} == {Place(EVERY, JOB): {RunState.RUNNING: 1}}


@pytest.mark.parametrize("seed", range(20))
def test_batches_make_no_difference(seed: int) -> None:
    draw = random.Random(seed)
    runs = story() + [RunTeller(f"more {n}").requested().started().finished(1) for n in range(5)]
    messages = sum(len(run.messages) for run in runs)
    sizes: list[int] = []
    while sum(sizes) < messages:
        sizes.append(draw.randint(1, 4))
    assert _plain(folded(runs, sizes)) == _plain(folded(runs))


def _plain(totals: dict[Place, TotalsRow]) -> dict[Place, object]:
    return {
        place: (
            {state: n for state, n in row.states.items() if n}, row.action_required, row.last, row.ends,
            row.durations,
        )
        for place, row in totals.items()
    }  # fmt: skip
