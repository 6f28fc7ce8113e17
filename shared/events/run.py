"""The events of a run."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from shared.errors import Failure
from shared.events.message import Message
from shared.events.parts import Call, Cause, DoubtfulEffect, LogLine, Record
from shared.words import Decision, RunState, Trigger


class RunEventBase(Message):
    run_id: UUID
    #: 0 before the first attempt and for what no attempt said (a cancel, a decision).
    attempt: int = 0


class Requested(RunEventBase):
    """Somebody or something asks for a run. At once the first event of the run and the work item."""

    type: Literal["run.requested"] = "run.requested"
    job: str
    client: str
    #: Who asks.
    principal: str
    #: As whom the run works: the principal itself, or the job's service user.
    effective_principal: str
    trigger: Trigger
    parameters: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: str | None = None
    #: Keys of what the run is about, as far as the request knows it: `document:<id>`.
    about: list[str] = Field(default_factory=list)
    cause: Cause | None = None
    rerun_of: UUID | None = None
    #: A rerun of some records only: their keys.
    only_records: list[str] | None = None
    #: Only tell what would be done: the engine keeps the run from writing anything.
    dry_run: bool = False
    reason: str | None = None
    #: Whether the one who asks typed the job's id, as a dangerous or risky job wants it.
    confirmed: bool = False
    #: W3C trace context of the request.
    traceparent: str | None = None


class Started(RunEventBase):
    """A worker began attempt `attempt`. Published on the condition that nothing happened to the run since."""

    type: Literal["run.started"] = "run.started"
    #: `<host>:<pid>`.
    worker: str
    #: How many attempts before this one ended without a word, by a crash.
    crashes: int = 0
    #: The delivery that led to it: sequence of the work item in RUNS, and how often it was delivered.
    work_item: int = 0
    delivery: int = 1


class Progressed(RunEventBase):
    type: Literal["run.progressed"] = "run.progressed"
    done: int
    total: int | None = None
    message: str | None = None


class Recorded(RunEventBase):
    """Up to 500 records or 256 kB."""

    type: Literal["run.recorded"] = "run.recorded"
    records: list[Record]


class Called(RunEventBase):
    type: Literal["run.called"] = "run.called"
    calls: list[Call]


class Logged(RunEventBase):
    type: Literal["run.logged"] = "run.logged"
    lines: list[LogLine]


class AttemptFailed(RunEventBase):
    """The attempt ended without the run ending: another one follows at `next_attempt_at`."""

    type: Literal["run.attempt_failed"] = "run.attempt_failed"
    failure: Failure
    next_attempt_at: datetime
    #: Whether it uses up one of the job's attempts; a worker that was asked to stop hands over for free.
    counts: bool = True


class CancelRequested(RunEventBase):
    type: Literal["run.cancel_requested"] = "run.cancel_requested"
    principal: str
    reason: str | None = None
    traceparent: str | None = None


class Due(RunEventBase):
    """The wait for attempt `attempt` is over. The work item of a retry."""

    type: Literal["run.due"] = "run.due"


class Decided(RunEventBase):
    """A person's answer to an effect in doubt."""

    type: Literal["run.decided"] = "run.decided"
    effect: str
    decision: Decision
    principal: str
    reason: str
    record: str | None = None
    traceparent: str | None = None


class Finished(RunEventBase):
    """The end of a run; the first one in stream order counts."""

    type: Literal["run.finished"] = "run.finished"
    state: RunState
    failure: Failure | None = None
    #: What else a person should know: `cancel came too late`.
    note: str | None = None
    in_doubt: list[DoubtfulEffect] = Field(default_factory=list)


RunEvent = (
    Requested
    | Started
    | Progressed
    | Recorded
    | Called
    | Logged
    | AttemptFailed
    | CancelRequested
    | Due
    | Decided
    | Finished
)
