"""Queries about runs, which the status service answers, and commands to it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.commands.common import PagedQuery, Query
from shared.errors import Failure
from shared.events import Call, Cause, DoubtfulEffect, LogLine, Record
from shared.words import Decision, LogLevel, Outcome, RunState, Trigger

RunSort = Literal[
    "-requested_at", "requested_at", "-finished_at", "finished_at", "-duration", "duration", "job"
]


class RunsQuery(PagedQuery):
    """`query.status.runs` -> `RunsPage`."""

    job: str | None = None
    #: Any of these states.
    state: list[RunState] = Field(default_factory=list)
    client: str | None = None
    principal: str | None = None
    trigger: Trigger | None = None
    requested_after: datetime | None = None
    requested_before: datetime | None = None
    rerun_of: UUID | None = None
    caused_by_run: UUID | None = None
    caused_by_event: UUID | None = None
    #: A key of what the run is about (`document:<id>`).
    about: str | None = None
    #: A record key: every run that touched it.
    record_key: str | None = None
    #: Only runs that need somebody (True) or do not (False).
    action_required: bool | None = None
    sort: RunSort = "-requested_at"


class RunQuery(Query):
    """`query.status.run` -> `RunDetail`, or `run_not_found`."""

    run_id: UUID
    #: Seconds to wait for a final state before answering with what there is (at most 30).
    wait: float = Field(default=0, ge=0, le=30)
    #: Also the timeline, which a run that did much has much of.
    timeline: bool = True


class RecordsQuery(PagedQuery):
    """`query.status.records` -> `RecordsPage`. At least one of `run_id`, `key`, `key_prefix`."""

    run_id: UUID | None = None
    key: str | None = None
    key_prefix: str | None = None
    outcome: list[Outcome] = Field(default_factory=list)
    sort: Literal["position", "key", "outcome", "-time"] = "position"


class CallsQuery(PagedQuery):
    """`query.status.calls` -> `CallsPage`, in the order in which they were recorded."""

    run_id: UUID


class ChangesQuery(PagedQuery):
    """`query.status.changes` -> `RecordsPage` of the records that changed data."""

    run_id: UUID


class LogsQuery(PagedQuery):
    """`query.status.logs` -> `LogsPage`."""

    run_id: UUID
    #: This level and those above.
    level: LogLevel = LogLevel.DEBUG


class EventsQuery(PagedQuery):
    """`query.status.events` -> `EventsPage`, in stream order."""

    run_id: UUID
    #: Only events after this sequence of RUNS.
    after: int = 0
    #: Any of these types: `run.decided`; all if there is none.
    types: list[str] = Field(default_factory=list)


class Answer(BaseModel):
    """One of the seven answers: in words, and as data."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: `started`, `finished`, `records`, `failures`, `data_changed`, `external_calls`, `retry`.
    question: str
    #: The question as a person asks it: `Did it start?`
    title: str
    words: str
    data: dict[str, Any] = Field(default_factory=dict)


class RunSummary(BaseModel):
    """One row of a list of runs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: UUID
    job: str
    client: str
    principal: str
    effective_principal: str
    trigger: Trigger
    state: RunState
    #: The state in one sentence.
    sentence: str
    action_required: bool
    requested_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    #: Seconds from the first start to the end.
    duration: float | None = None
    attempt: int = 0
    #: Outcome -> number of records.
    counts: dict[str, int] = Field(default_factory=dict)
    done: int | None = None
    total: int | None = None
    calls: int = 0
    failure: Failure | None = None
    about: list[str] = Field(default_factory=list)
    rerun_of: UUID | None = None
    cause: Cause | None = None
    cancel_requested: bool = False
    #: It only told what it would do; nothing was written.
    dry_run: bool = False
    #: An event of this run could not be decoded; the raw one lies with the dead letters.
    history_incomplete: bool = False
    #: Sequence of the last event of RUNS that this row includes.
    sequence: int = 0


class Attempt(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    attempt: int
    worker: str
    started_at: datetime
    ended_at: datetime | None = None
    #: `running`, `failed`, `handed_over`, `crashed`, or the final state that it ended with.
    outcome: str
    failure: Failure | None = None
    next_attempt_at: datetime | None = None


class TimelineEntry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    sequence: int
    time: datetime
    attempt: int
    type: str
    words: str
    #: Said by an attempt that another one had already superseded; it changed nothing.
    stale: bool = False


class RunDetail(RunSummary):
    """Everything about one run but its lists, which have queries of their own."""

    parameters: dict[str, Any] = Field(default_factory=dict)
    reason: str | None = None
    idempotency_key: str | None = None
    only_records: list[str] | None = None
    traceparent: str | None = None
    note: str | None = None
    in_doubt: list[DoubtfulEffect] = Field(default_factory=list)
    #: The expected runtime that the job declares, in seconds, if the catalogue knows it.
    expected_runtime: float | None = None
    answers: list[Answer] = Field(default_factory=list)
    attempts: list[Attempt] = Field(default_factory=list)
    timeline: list[TimelineEntry] = Field(default_factory=list)
    #: Runs that this one caused, and reruns of it.
    caused_runs: list[UUID] = Field(default_factory=list)
    reruns: list[UUID] = Field(default_factory=list)


class RecordRow(Record):
    run_id: UUID
    job: str
    attempt: int
    time: datetime
    #: Order of first appearance within the run, from 1.
    position: int


class CallRow(Call):
    run_id: UUID
    attempt: int


class LogRow(LogLine):
    run_id: UUID
    attempt: int


class EventRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    sequence: int
    subject: str
    event: dict[str, Any]


class RunsPage(BaseModel):
    items: list[RunSummary]
    next_cursor: str | None = None


class RecordsPage(BaseModel):
    items: list[RecordRow]
    next_cursor: str | None = None


class CallsPage(BaseModel):
    items: list[CallRow]
    next_cursor: str | None = None


class LogsPage(BaseModel):
    items: list[LogRow]
    next_cursor: str | None = None


class EventsPage(BaseModel):
    items: list[EventRow]
    next_cursor: str | None = None


class Rebuild(BaseModel):
    """`command.status.rebuild` -> `RebuildReport`: make the projection anew from archive and stream."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    principal: str


class RebuildReport(BaseModel):
    events: int
    runs: int
    seconds: float


class Decide(BaseModel):
    """`command.<service>.decide` -> `Published`: a person answers for an effect in doubt."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: UUID
    job: str
    effect: str
    decision: Decision
    principal: str
    reason: str = Field(min_length=3)
    traceparent: str | None = None
