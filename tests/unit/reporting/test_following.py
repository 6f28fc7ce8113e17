"""What is kept of runs: only what went wrong."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.reporting.following.runs import KnownRun, fold, wanted_events
from shared.errors import Failure
from shared.events import (
    Decided,
    DoubtfulEffect,
    Finished,
    Progressed,
    Record,
    Recorded,
    Requested,
    RunEvent,
    Started,
)
from shared.feed import RawMessage
from shared.words import Decision, Outcome, RunState, Trigger

ONE, OTHER = UUID(int=1), UUID(int=2)
GONE = Failure(code="gone", cause="it is gone", next_step="look for it")


def requested(run_id: UUID = ONE, **changes: Any) -> Requested:
    return Requested(
        run_id=run_id, job="documents.ocr", client="acme", principal="ada", effective_principal="ada",
        trigger=Trigger.MANUAL, **changes,
    )  # fmt: skip


def recorded(attempt: int, *outcomes: tuple[str, Outcome], run_id: UUID = ONE) -> Recorded:
    records = [
        Record(key=key, outcome=outcome, failure=GONE if outcome is Outcome.FAILED else None)
        for key, outcome in outcomes
    ]
    return Recorded(run_id=run_id, attempt=attempt, records=records)


def folded(*events: RunEvent) -> dict[UUID, KnownRun | None]:
    runs: dict[UUID, KnownRun | None] = {}
    for event in events:
        fold(runs, event)
    return runs


def test_a_good_end_a_cancel_and_a_dry_run_leave_nothing() -> None:
    for state in (RunState.SUCCEEDED, RunState.CANCELLED):
        assert folded(requested(), Finished(run_id=ONE, state=state)) == {ONE: None}
    assert folded(requested(dry_run=True), Finished(run_id=ONE, state=RunState.FAILED)) == {ONE: None}
    # Of a request that nobody knows any more, nobody knows whose it was.
    assert folded(Finished(run_id=ONE, state=RunState.FAILED)) == {}


def test_what_a_later_attempt_mended_has_not_failed() -> None:
    run = folded(
        requested(),
        Started(run_id=ONE, attempt=1, worker="w"),
        recorded(1, ("a", Outcome.FAILED), ("b", Outcome.FAILED), ("c", Outcome.CREATED)),
        Started(run_id=ONE, attempt=2, worker="w"),
        recorded(1, ("stale", Outcome.FAILED)),
        recorded(2, ("a", Outcome.CREATED)),
        Finished(run_id=ONE, attempt=2, state=RunState.PARTIALLY_FAILED, failure=GONE),
        Finished(run_id=ONE, attempt=1, state=RunState.SUCCEEDED),
    )[ONE]
    assert run is not None
    assert (run.state, run.records, run.failed) == (RunState.PARTIALLY_FAILED, 3, {"b": "it is gone"})


def test_a_rerun_settles_it_and_a_decision_its_doubt() -> None:
    doubts = [DoubtfulEffect(effect=name, cause="it broke off") for name in ("mail:1", "mail:2")]
    runs = folded(
        requested(),
        Finished(run_id=ONE, state=RunState.INTERRUPTED, in_doubt=doubts),
        Decided(run_id=ONE, effect="mail:1", decision=Decision.HAPPENED, principal="ada", reason="seen"),
        requested(OTHER, rerun_of=ONE),
        Finished(run_id=OTHER, state=RunState.SUCCEEDED),
    )
    run = runs[ONE]
    assert run is not None
    assert [doubt.decision for doubt in run.doubts.values()] == ["happened", None]
    assert (run.mended_by, runs[OTHER]) == (OTHER, None)


def test_only_what_is_followed_is_read() -> None:
    base = f"run.documents.ocr.{ONE}"
    events: list[tuple[str, RunEvent]] = [
        (f"{base}.interactive.requested", requested()),
        (f"{base}.ev", Progressed(run_id=ONE, done=1)),
        (f"{base}.ev", Finished(run_id=ONE, state=RunState.FAILED)),
    ]
    time = datetime(2026, 11, 28, tzinfo=UTC)
    batch = [RawMessage(place, name, time, event.encode()) for place, (name, event) in enumerate(events)]
    broken = RawMessage(9, f"{base}.ev", time, b'{"type":"run.finished"')
    assert [event.type for event in wanted_events([*batch, broken])] == ["run.requested", "run.finished"]
