"""The fold: from the messages of RUNS to the rows that tell what became of each run. Pure, no I/O.

The rules, in one place:

- The first `finished` in stream order ends a run; nothing after it changes its state.
- What an attempt says after a newer one has started is stale: kept in the archive, and without effect.
- An outcome is relative to the run (`services/status/outcomes.py`).
- Unknown event types have no effect; what cannot be decoded marks the run and becomes a dead letter.
- A decision settles the effect in doubt. It happened: its record is `updated`. Do it again: its record is
  `failed`, retryable, so that a rerun of the failed records does it.
"""

from collections.abc import Callable, Iterable, MutableMapping
from enum import Enum
from typing import Any
from uuid import UUID

from services.status.gist import gist_to_keep
from services.status.messages import Decoded
from services.status.outcomes import handle_record, replace_outcome, settled
from services.status.rows import (
    ArchiveEntry,
    CallEntry,
    Changes,
    DeadLetter,
    Ended,
    LogEntry,
    RunRow,
    model_json,
)
from shared.events import (
    AttemptFailed,
    Called,
    CancelRequested,
    Decided,
    Due,
    Finished,
    Logged,
    Progressed,
    Recorded,
    Requested,
    Started,
    UnknownEvent,
)
from shared.words import Outcome, RunState

#: Final states in which somebody has to do something, whatever the records say.
_NEEDS_SOMEBODY = (RunState.FAILED, RunState.PARTIALLY_FAILED, RunState.TIMED_OUT)


class Effect(Enum):
    """What an event did to its run."""

    APPLIED = "applied"
    #: Said too late, by an attempt that was superseded or after the end: no effect.
    STALE = "stale"


def fold(states: MutableMapping[UUID, RunRow], batch: Iterable[Decoded], changes: Changes) -> Changes:
    """Apply `batch`, in stream order, to the runs in `states`, and add what that changes to `changes`.

    `states` must hold every run of the batch that exists, with the records that the batch names
    (`missing_runs`, `missing_records`); new runs are added to it.
    """
    runs, archive = changes.runs, changes.archive
    for raw, run_id, job, event, reason in batch:
        archive.append(
            ArchiveEntry(
                raw.sequence,
                run_id,
                None if event is None else event.type,
                raw.subject,
                raw.time,
                raw.payload,
                gist_to_keep(event, raw.payload),
            )
        )
        changes.last = raw
        if event is None:
            changes.dead.append(DeadLetter(raw, reason or ""))
            if run_id is None:
                continue
        assert run_id is not None
        run = states.get(run_id)
        if run is None:
            if type(event) is UnknownEvent:
                continue
            run = states[run_id] = RunRow(run_id, job, raw.time, raw.sequence, raw.sequence)
            run.history_incomplete = type(event) is not Requested
        run.sequence = raw.sequence
        runs[run_id] = run
        if event is None:
            run.history_incomplete = True
        elif type(event) is not UnknownEvent:
            _APPLY[type(event)](run, event, raw.sequence, changes)
    return changes


def apply(run: RunRow, event: Any, sequence: int, changes: Changes) -> Effect:
    """Apply one event of a known type to its run; says whether it had an effect."""
    return _APPLY[type(event)](run, event, sequence, changes)


def superseded(run: RunRow, event: Recorded | Called | Logged) -> bool:
    """Whether a newer attempt had started when this one said what it had done."""
    return event.attempt < run.attempt


def missing_runs(states: MutableMapping[UUID, RunRow], batch: Iterable[Decoded]) -> set[UUID]:
    """Runs of `batch` that may exist in the database and are not in `states`.

    A run that begins with its request is taken for new: a request is published on the condition that the
    run has no event yet.
    """
    seen: set[UUID] = set()
    missing: set[UUID] = set()
    for message in batch:
        run_id = message.run_id
        if run_id is not None and run_id not in seen and run_id not in states:
            seen.add(run_id)
            if type(message.event) is not Requested:
                missing.add(run_id)
    return missing


def missing_records(states: MutableMapping[UUID, RunRow], batch: Iterable[Decoded]) -> list[tuple[UUID, str]]:
    """Records that `batch` may touch, of runs in `states` of which not all records are in memory."""
    missing: dict[tuple[UUID, str], None] = {}
    for message in batch:
        event = message.event
        if message.run_id is None or not isinstance(event, Recorded | Decided | Finished):
            continue
        run = states.get(message.run_id)
        if run is None or run.all_known:
            continue
        match event:
            case Recorded():
                keys = [record.key for record in event.records]
            case Finished():
                keys = [doubt.record for doubt in event.in_doubt if doubt.record is not None]
            case Decided():
                keys = [doubt.record for doubt in run.in_doubt if doubt.record is not None]
                keys += [event.record] if event.record is not None else []
        missing.update(((run.run_id, key), None) for key in keys if key not in run.known)
    return list(missing)


def _requested(run: RunRow, event: Requested, sequence: int, changes: Changes) -> Effect:
    if run.requested:
        return Effect.STALE
    run.requested = True
    run.request = event
    run.client = event.client
    run.requested_at = event.time
    run.dry_run = event.dry_run
    return Effect.APPLIED


def _started(run: RunRow, event: Started, sequence: int, changes: Changes) -> Effect:
    if run.state.final or event.attempt <= run.attempt:
        return Effect.STALE
    run.attempt = event.attempt
    run.state = RunState.RUNNING
    run.failure = None
    run.next_attempt_at = None
    if run.started_at is None:
        run.started_at = event.time
    return Effect.APPLIED


def _progressed(run: RunRow, event: Progressed, sequence: int, changes: Changes) -> Effect:
    if run.state.final or event.attempt < run.attempt:
        return Effect.STALE
    run.done = event.done
    if event.total is not None:
        run.total = event.total
    return Effect.APPLIED


def _recorded(run: RunRow, event: Recorded, sequence: int, changes: Changes) -> Effect:
    # Also after the end: outcomes leave with their rows, and a relay may be later than the run.
    if superseded(run, event):
        return Effect.STALE
    touched = changes.records[run.run_id]
    for record in event.records:
        touched[record.key] = handle_record(run, record, event.attempt, event.time)
        kind, colon, _ = record.key.partition(":")
        if colon:
            changes.kinds.add(kind)
    return Effect.APPLIED


def _called(run: RunRow, event: Called, sequence: int, changes: Changes) -> Effect:
    if superseded(run, event):
        return Effect.STALE
    changes.calls += [
        CallEntry(run.run_id, event.id, place, sequence, event.attempt, call)
        for place, call in enumerate(event.calls)
    ]
    return Effect.APPLIED


def _logged(run: RunRow, event: Logged, sequence: int, changes: Changes) -> Effect:
    if superseded(run, event):
        return Effect.STALE
    changes.logs += [
        LogEntry(run.run_id, event.id, place, sequence, event.attempt, line)
        for place, line in enumerate(event.lines)
    ]
    return Effect.APPLIED


def _attempt_failed(run: RunRow, event: AttemptFailed, sequence: int, changes: Changes) -> Effect:
    if run.state.final or event.attempt < run.attempt:
        return Effect.STALE
    if event.counts:
        run.state = RunState.WAITING
        run.failure = model_json(event.failure)
        run.next_attempt_at = event.next_attempt_at
    else:
        # Handed over by a worker that was asked to stop: the request lies in the queue again.
        run.state = RunState.QUEUED
    return Effect.APPLIED


def _due(run: RunRow, event: Due, sequence: int, changes: Changes) -> Effect:
    if run.state is not RunState.WAITING or 0 < event.attempt <= run.attempt:
        return Effect.STALE
    run.state = RunState.QUEUED
    run.next_attempt_at = None
    return Effect.APPLIED


def _cancel_requested(run: RunRow, event: CancelRequested, sequence: int, changes: Changes) -> Effect:
    if run.state.final:
        return Effect.STALE
    run.cancel_requested = True
    return Effect.APPLIED


def _finished(run: RunRow, event: Finished, sequence: int, changes: Changes) -> Effect:
    if run.state.final or event.attempt < run.attempt or not event.state.final:
        return Effect.STALE
    decided = {decision.effect for decision in run.decisions}
    run.state = event.state
    run.failure = model_json(event.failure)
    run.note = event.note
    run.in_doubt = [doubt for doubt in event.in_doubt if doubt.effect not in decided]
    run.finished_at = event.time
    run.next_attempt_at = None
    if run.started_at is not None:
        # Two machines, two clocks: never less than nothing.
        run.duration = max(0.0, (event.time - run.started_at).total_seconds())
    run.action_required = _action_required(run)
    if not run.dry_run:
        changes.ended.append(Ended(run.client, run.job, run.state, run.duration))
    return Effect.APPLIED


def _decided(run: RunRow, event: Decided, sequence: int, changes: Changes) -> Effect:
    if any(decision.effect == event.effect for decision in run.decisions):
        return Effect.STALE
    key = event.record
    for doubt in run.in_doubt:
        if doubt.effect == event.effect:
            key = key or doubt.record
    run.decisions = [*run.decisions, event]
    run.in_doubt = [doubt for doubt in run.in_doubt if doubt.effect != event.effect]
    run.action_required = _action_required(run)
    entry = run.known.get(key) if key is not None else None
    if entry is not None and entry.outcome is Outcome.UNKNOWN:
        replace_outcome(run, entry, settled(entry.key, event), entry.attempt, event.time)
        changes.records[run.run_id][entry.key] = entry
    return Effect.APPLIED


def _action_required(run: RunRow) -> bool:
    if run.dry_run:
        # Whatever became of it, nothing has happened.
        return False
    if run.state is RunState.INTERRUPTED:
        return bool(run.in_doubt)
    return run.state in _NEEDS_SOMEBODY


_APPLY: dict[type, Callable[[RunRow, Any, int, Changes], Effect]] = {
    Requested: _requested,
    Started: _started,
    Progressed: _progressed,
    Recorded: _recorded,
    Called: _called,
    Logged: _logged,
    AttemptFailed: _attempt_failed,
    Due: _due,
    CancelRequested: _cancel_requested,
    Decided: _decided,
    Finished: _finished,
}
