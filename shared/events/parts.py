"""What events are made of: records, calls, log lines, causes, doubts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import Failure
from shared.words import CallOutcome, LogLevel, Outcome


class Record(BaseModel):
    """One business item that a run handled, and what became of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: Globally meaningful (`invoice:INV-4711`, `document:<id>/page:3`): runs are found by it.
    key: str = Field(min_length=1, max_length=500)
    outcome: Outcome
    #: What a person calls it: `scan.pdf, page 3`.
    label: str | None = None
    #: One sentence about the outcome: `recognized, confidence 93 %`.
    message: str | None = None
    #: Set if and only if the outcome is `failed` or `unknown`.
    failure: Failure | None = None
    #: Field -> [before, after], where data was changed.
    changes: dict[str, tuple[Any, Any]] | None = None


class Call(BaseModel):
    """One call of a system outside, recorded by the client that made it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    system: str
    operation: str
    outcome: CallOutcome
    started_at: datetime
    duration_ms: float
    #: What was answered or what went wrong, without credentials and payload: `200`, `timeout after 10 s`.
    detail: str | None = None
    failure: Failure | None = None


class LogLine(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    time: datetime
    level: LogLevel
    message: str
    fields: dict[str, Any] = Field(default_factory=dict)


class Cause(BaseModel):
    """What led to a run: an event, another run, an occurrence of a schedule."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: UUID | None = None
    event_type: str | None = None
    run_id: UUID | None = None
    occurrence: str | None = None


class DoubtfulEffect(BaseModel):
    """An effect of which nobody knows whether it happened."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    effect: str
    cause: str
    #: The record that waits for the answer, if it is one.
    record: str | None = None
