"""Rows of the projection as the answers of queries. No I/O."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from services.status.course import sentence_of
from services.status.facts import CallCount
from shared.commands import CallRow, EventRow, LogRow, RecordRow, RunGlance, RunSummary
from shared.errors import Failure
from shared.events import Cause, DoubtfulEffect
from shared.words import CallOutcome, Outcome, RunState, Trigger

#: What a summary needs of `runs r`.
SUMMARY = (
    "r.run_id, r.job, r.client, r.principal, r.effective_principal, r.trigger, r.state, r.action_required,"
    " r.requested_at, r.started_at, r.finished_at, r.duration, r.attempt, r.counts, r.done, r.total,"
    " r.failure, r.rerun_of, r.request, r.cancel_requested, r.dry_run, r.history_incomplete, r.sequence,"
    " r.in_doubt, r.calls"
)
#: What a detail needs besides.
DETAIL = (
    f"{SUMMARY}, r.parameters, r.reason, r.idempotency_key, r.note, r.first_sequence, r.changed, r.requested"
)
RECORD = (
    "c.run_id, c.key, c.position, c.outcome, c.changed, c.attempt, c.time, c.label, c.message, c.failure,"
    " c.changes, r.job"
)

_OUTCOMES = tuple(outcome.value for outcome in Outcome)


def summary(row: asyncpg.Record) -> RunSummary:
    request = loads(row["request"], {})
    run = RunSummary(
        run_id=row["run_id"],
        job=row["job"],
        # Of a run whose request was never seen.
        client=row["client"] or "unknown",
        principal=row["principal"] or "unknown",
        effective_principal=row["effective_principal"] or "unknown",
        trigger=Trigger(row["trigger"]) if row["trigger"] else Trigger.EVENT,
        state=RunState(row["state"]),
        sentence="",
        action_required=row["action_required"],
        requested_at=row["requested_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        duration=row["duration"],
        attempt=row["attempt"],
        counts=in_order(loads(row["counts"], {})),
        done=row["done"],
        total=row["total"],
        calls=sum(call.count for call in call_counts(row)),
        failure=failure(row["failure"]),
        about=request.get("about", []),
        rerun_of=row["rerun_of"],
        cause=Cause.model_validate(request["cause"]) if "cause" in request else None,
        cancel_requested=row["cancel_requested"],
        dry_run=row["dry_run"],
        history_incomplete=row["history_incomplete"],
        sequence=row["sequence"],
    )
    return run.model_copy(update={"sentence": sentence_of(run, len(doubts(row)))})


def glance(row: asyncpg.Record) -> RunGlance:
    return RunGlance(
        run_id=row["run_id"],
        job=row["job"],
        state=row["state"],
        requested_at=row["requested_at"],
        counts=in_order(loads(row["counts"], {})),
        sequence=row["sequence"],
    )


def call_counts(row: asyncpg.Record) -> list[CallCount]:
    return [
        CallCount(system, CallOutcome(outcome), count)
        for system, outcomes in loads(row["calls"], {}).items()
        for outcome, count in outcomes.items()
    ]


def doubts(row: asyncpg.Record) -> list[DoubtfulEffect]:
    return [DoubtfulEffect.model_validate(doubt) for doubt in loads(row["in_doubt"], [])]


def record(row: asyncpg.Record) -> RecordRow:
    return RecordRow(
        run_id=row["run_id"],
        job=row["job"],
        attempt=row["attempt"],
        time=row["time"],
        position=row["position"],
        key=row["key"],
        outcome=Outcome(row["outcome"]),
        label=row["label"],
        message=row["message"],
        failure=failure(row["failure"]),
        changes=loads(row["changes"], None),
    )


def call(row: asyncpg.Record) -> CallRow:
    return CallRow(
        run_id=row["run_id"],
        attempt=row["attempt"],
        system=row["system"],
        operation=row["operation"],
        outcome=row["outcome"],
        started_at=row["started_at"],
        duration_ms=row["duration_ms"],
        detail=row["detail"],
        failure=failure(row["failure"]),
    )


def log_line(row: asyncpg.Record) -> LogRow:
    return LogRow(
        run_id=row["run_id"],
        attempt=row["attempt"],
        time=row["time"],
        level=row["level"],
        message=row["message"],
        fields=loads(row["fields"], {}),
    )


def event(row: asyncpg.Record) -> EventRow:
    """A stored event; what is no JSON object comes as `{"undecodable": <text>}`."""
    payload: bytes = row["payload"]
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        body = {"undecodable": payload.decode("utf-8", "backslashreplace")}
    return EventRow(sequence=row["sequence"], subject=row["subject"], event=body)


def in_order(counts: dict[str, int]) -> dict[str, int]:
    """Counts in the order of the vocabulary."""
    return {outcome: counts[outcome] for outcome in _OUTCOMES if outcome in counts}


def failure(text: str | None) -> Failure | None:
    return None if text is None else Failure.model_validate_json(text)


def loads(text: str | None, otherwise: Any) -> Any:
    return otherwise if text is None else orjson.loads(text)


def aware(time: datetime | None) -> datetime | None:
    """A time without a zone in a query is meant as UTC."""
    if time is None or time.tzinfo is not None:
        return time
    return time.replace(tzinfo=UTC)
