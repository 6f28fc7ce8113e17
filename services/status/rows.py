"""The rows that the projection keeps, as they live in memory between two transactions."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import pydantic_core
from pydantic import BaseModel

from shared.events import Call, Decided, DoubtfulEffect, LogLine, Requested
from shared.feed import RawMessage
from shared.words import Outcome, RunState


@dataclass(slots=True, eq=False)
class RecordRow:
    """The current outcome of one record of a run."""

    key: str
    #: Order of first appearance within the run, from 1.
    position: int
    outcome: Outcome
    #: Whether the run ever created, updated or deleted it, whatever came later.
    changed: bool
    attempt: int
    time: datetime
    label: str | None
    message: str | None
    #: JSON, as all structured columns.
    failure: str | None
    changes: str | None
    stored: bool = False


class Counted(NamedTuple):
    """What totals count a run as."""

    client: str | None
    state: RunState
    action_required: bool


@dataclass(slots=True, eq=False)
class RunRow:
    """One run. What its request said stays in `request` until it is stored."""

    run_id: UUID
    job: str
    requested_at: datetime
    #: First and last sequence of RUNS that belong to it; its archived events lie between.
    first_sequence: int
    sequence: int
    request: Requested | None = None
    #: Whether `requested` has been seen, now or before it was loaded.
    requested: bool = False
    #: None as long as it has not.
    client: str | None = None
    state: RunState = RunState.QUEUED
    action_required: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    #: Seconds from the first start to the end.
    duration: float | None = None
    attempt: int = 0
    next_attempt_at: datetime | None = None
    #: System -> outcome -> number of calls.
    calls: dict[str, dict[str, int]] = field(default_factory=dict)
    #: Outcome -> number of records.
    counts: dict[str, int] = field(default_factory=dict)
    #: Number of distinct records.
    records: int = 0
    #: Number of records that the run ever changed.
    changed: int = 0
    done: int | None = None
    total: int | None = None
    failure: str | None = None
    note: str | None = None
    in_doubt: list[DoubtfulEffect] = field(default_factory=list)
    decisions: list[Decided] = field(default_factory=list)
    cancel_requested: bool = False
    dry_run: bool = False
    history_incomplete: bool = False
    #: Whether the row exists in the database.
    stored: bool = False
    #: Records by key: all of them, or only those that were looked up.
    known: dict[str, RecordRow] = field(default_factory=dict)
    all_known: bool = True
    #: As what the stored totals count it; None if they do not yet.
    counted: Counted | None = None

    @property
    def counts_as(self) -> Counted:
        return Counted(self.client, self.state, self.action_required)


class CallEntry(NamedTuple):
    run_id: UUID
    event_id: UUID
    #: Place within the event, from 0.
    place: int
    sequence: int
    attempt: int
    call: Call


class LogEntry(NamedTuple):
    run_id: UUID
    event_id: UUID
    place: int
    sequence: int
    attempt: int
    line: LogLine


class ArchiveEntry(NamedTuple):
    sequence: int
    run_id: UUID | None
    #: The event's type; None if it could not be decoded.
    type: str | None
    subject: str
    time: datetime
    payload: bytes
    #: What a timeline tells of it, if the payload is large (services/status/gist.py).
    gist: str | None


class Ended(NamedTuple):
    """A run that has come to its end."""

    client: str | None
    job: str
    state: RunState
    duration: float | None


class DeadLetter(NamedTuple):
    raw: RawMessage
    reason: str


@dataclass(slots=True, eq=False)
class Changes:
    """What a batch changes: the rows touched, with their new values, and what is only added."""

    archive: list[ArchiveEntry] = field(default_factory=list)
    runs: dict[UUID, RunRow] = field(default_factory=dict)
    #: By run and key.
    records: defaultdict[UUID, dict[str, RecordRow]] = field(default_factory=lambda: defaultdict(dict))
    calls: list[CallEntry] = field(default_factory=list)
    logs: list[LogEntry] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    #: Runs that ended, in stream order.
    ended: list[Ended] = field(default_factory=list)
    #: What stands before the colon of the keys of records.
    kinds: set[str] = field(default_factory=set)
    last: RawMessage | None = None


def to_json(value: Any) -> str | None:
    """`value` as JSON for a column; nothing for nothing. A number that JSON does not know becomes null."""
    return pydantic_core.to_json(value, inf_nan_mode="null").decode() if value else None


def model_json(model: BaseModel | None) -> str | None:
    """A model as JSON for a column, without its empty fields."""
    return None if model is None else model.__pydantic_serializer__.to_json(model, exclude_none=True).decode()
