"""What is kept of runs: those under way, and those that ended badly, with what is in doubt. Pure."""

from collections.abc import Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.errors import Failure
from shared.events import (
    Decided,
    Finished,
    Recorded,
    Requested,
    RunEvent,
    Started,
    Undecodable,
    UnknownEvent,
    decode_run_event,
)
from shared.feed import RawMessage
from shared.words import Outcome, RunState

#: Ends that somebody should know of. A cancel was wanted.
BAD_ENDS: Final = frozenset(
    {RunState.FAILED, RunState.PARTIALLY_FAILED, RunState.TIMED_OUT, RunState.INTERRUPTED}
)
#: What is followed; everything else of a run is passed over without being read.
_WANTED: Final = (b'"run.started"', b'"run.recorded"', b'"run.decided"', b'"run.finished"')
_FAILED: Final = frozenset({Outcome.FAILED, Outcome.UNKNOWN})


@dataclass(slots=True)
class Doubt:
    """An effect of which nobody knows whether it happened."""

    effect: str
    cause: str
    record: str | None = None
    decision: str | None = None
    decided_at: datetime | None = None


@dataclass(slots=True)
class KnownRun:
    """A run that is under way, or that ended badly."""

    run_id: UUID
    job: str
    client: str
    principal: str
    requested_at: datetime
    rerun_of: UUID | None = None
    attempt: int = 0
    #: Records of the attempt with the most, and of the one under way.
    records: int = 0
    handled: int = 0
    #: Records that failed, by key, with the cause of each.
    failed: dict[str, str] = field(default_factory=dict)
    state: RunState | None = None
    ended_at: datetime | None = None
    failure: Failure | None = None
    doubts: dict[str, Doubt] = field(default_factory=dict)
    #: The run that did it again with success, and when.
    mended_by: UUID | None = None
    mended_at: datetime | None = None


#: Records that failed of which the causes are kept; more are only counted by those that are kept.
LARGEST_FAILED: Final = 1_000


def wanted_events(batch: Iterable[RawMessage]) -> Iterator[RunEvent]:
    """Those of a batch that are followed. What cannot be read is passed over: the projection keeps it as a
    dead letter, and that is told."""
    for raw in batch:
        if not raw.subject.endswith(".requested"):
            start = raw.payload[:400]
            if not raw.subject.endswith(".ev") or not any(word in start for word in _WANTED):
                continue
        try:
            event = decode_run_event(raw.payload)
        except (Undecodable, RecursionError):
            continue
        if not isinstance(event, UnknownEvent):
            yield event


def fold(runs: MutableMapping[UUID, KnownRun | None], event: RunEvent) -> None:
    """Let `runs` follow an event. None stands for a run that needs nobody any more; one of which the request
    is not known any more is passed over."""
    if isinstance(event, Requested):
        runs[event.run_id] = None if event.dry_run else _begun(event)
        return
    run = runs.get(event.run_id)
    if run is None:
        return
    match event:
        case Started() if run.state is None:
            run.attempt, run.handled = max(run.attempt, event.attempt), 0
        case Recorded() if run.state is None and event.attempt >= run.attempt:
            _take_records(run, event)
        case Finished() if run.state is None:
            _end(runs, run, event)
        case Decided():
            doubt = run.doubts.get(event.effect)
            if doubt is not None and doubt.decided_at is None:
                doubt.decision, doubt.decided_at = event.decision.value, event.time


def _begun(event: Requested) -> KnownRun:
    return KnownRun(
        run_id=event.run_id,
        job=event.job,
        client=event.client,
        principal=event.principal,
        requested_at=event.time,
        rerun_of=event.rerun_of,
    )


def _take_records(run: KnownRun, event: Recorded) -> None:
    run.handled += len(event.records)
    run.records = max(run.records, run.handled)
    for record in event.records:
        if record.outcome in _FAILED:
            if len(run.failed) < LARGEST_FAILED:
                run.failed[record.key] = record.failure.cause if record.failure else ""
        else:
            run.failed.pop(record.key, None)


def _end(runs: MutableMapping[UUID, KnownRun | None], run: KnownRun, event: Finished) -> None:
    if event.state is RunState.SUCCEEDED and run.rerun_of is not None:
        before = runs.get(run.rerun_of)
        if before is not None and before.mended_by is None:
            before.mended_by, before.mended_at = run.run_id, event.time
    if event.state not in BAD_ENDS:
        runs[run.run_id] = None
        return
    run.state, run.ended_at, run.failure = event.state, event.time, event.failure
    run.doubts = {one.effect: Doubt(one.effect, one.cause, one.record) for one in event.in_doubt}
