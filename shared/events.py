"""The events of a run and the facts of the business, as they lie in the streams.

Every event carries a stable type string, a version, its own id, and the time at which it happened (UTC).
Readers ignore fields that they do not know and keep going on types that they do not know; what cannot be
decoded at all raises `Undecodable`. One golden JSON per version lies in `tests/contracts/`.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, TypeAdapter, ValidationError

from shared.errors import Failure
from shared.ids import new_id
from shared.words import CallOutcome, Decision, LogLevel, Outcome, RateSource, RunState, Trigger


def now() -> datetime:
    return datetime.now(UTC)


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = 1
    id: UUID = Field(default_factory=new_id)
    time: datetime = Field(default_factory=now)

    def encode(self) -> bytes:
        """JSON as it is published; fields that are None are left out."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)


# --- what events are made of -------------------------------------------------------------------------


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


# --- events of a run ---------------------------------------------------------------------------------


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
    reason: str | None = None
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


# --- facts of the business ---------------------------------------------------------------------------


class BusinessEventBase(Message):
    """A fact of the business. Published on the subject that is its type."""

    client: str
    #: Who caused it; runs that it triggers work as this principal.
    principal: str
    #: Keys of what it is about; runs that it triggers are about the same.
    about: list[str] = Field(default_factory=list)
    #: The run that caused it.
    run_id: UUID | None = None
    traceparent: str | None = None
    #: Whether a person waits for what this causes; it chooses the lane.
    interactive: bool = True


class DocumentUploaded(BusinessEventBase):
    """The original is stored and can be processed."""

    type: Literal["event.document.uploaded"] = "event.document.uploaded"
    document_id: UUID
    file_name: str
    media_type: str
    #: Bytes.
    size: int
    sha256: str


class DocumentTextRecognized(BusinessEventBase):
    """The text of a document can be read; `confidence` is the mean over its pages in percent, None if all
    pages had a text layer."""

    type: Literal["event.document.text_recognized"] = "event.document.text_recognized"
    document_id: UUID
    pages: int
    confidence: float | None = None


class InvoiceAnalysed(BusinessEventBase):
    """An invoice was found in a document, or what was found in it has changed."""

    type: Literal["event.invoice.analysed"] = "event.invoice.analysed"
    document_id: UUID
    #: `invoice` or `credit_note`.
    kind: str
    #: The most trusted source that it has: `e_invoice`, `qr_bill`, `girocode` or `text`.
    source: str
    #: Field -> value of every field that was found; amounts as `1234.50`, dates as `2026-03-31`.
    values: dict[str, str] = Field(default_factory=dict)
    #: Fields whose value a person has to confirm first: they are uncertain or contradicted.
    doubtful: list[str] = Field(default_factory=list)


#: Exact: in JSON a string without an exponent.
Exact = Annotated[Decimal, PlainSerializer(lambda value: f"{value:f}", return_type=str, when_used="json")]


class DailyRate(BaseModel):
    """One exchange rate: 1 `base` costs `rate` `quote`, on `day`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: The foreign currency, as seen by the source: the quote of the ECB, the base of the BAZG.
    currency: str
    day: date
    base: str
    quote: str
    rate: Exact


class RatesImported(BusinessEventBase):
    """Exchange rates are new or have changed: those that it names, up to 500."""

    type: Literal["event.rates.imported"] = "event.rates.imported"
    source: RateSource
    rates: list[DailyRate]


BusinessEvent = DocumentUploaded | DocumentTextRecognized | InvoiceAnalysed | RatesImported

# --- decoding ----------------------------------------------------------------------------------------


class UnknownEvent(Message):
    """An event of a type that this reader does not know: newer than the reader, kept, not interpreted."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str


class Undecodable(ValueError):
    """Not an event: no JSON, no type, or a known type with content that contradicts its contract."""


_RUN_EVENTS: TypeAdapter[RunEvent] = TypeAdapter(Annotated[RunEvent, Field(discriminator="type")])
_BUSINESS_EVENTS: TypeAdapter[BusinessEvent] = TypeAdapter(
    Annotated[BusinessEvent, Field(discriminator="type")]
)


def decode_run_event(data: bytes) -> RunEvent | UnknownEvent:
    """The event in `data`. Raises `Undecodable`."""
    try:
        return _RUN_EVENTS.validate_json(data)
    except ValidationError as error:
        return _unknown(data, error)


def decode_business_event(data: bytes) -> BusinessEvent | UnknownEvent:
    """The event in `data`. Raises `Undecodable`."""
    try:
        return _BUSINESS_EVENTS.validate_json(data)
    except ValidationError as error:
        return _unknown(data, error)


def _unknown(data: bytes, error: ValidationError) -> UnknownEvent:
    if error.errors(include_url=False, include_input=False)[0]["type"] == "union_tag_invalid":
        try:
            return UnknownEvent.model_validate(orjson.loads(data))
        except (ValidationError, orjson.JSONDecodeError) as broken:
            words = _violations(broken) if isinstance(broken, ValidationError) else str(broken)
            raise Undecodable(f"an event without the common fields: {words}") from broken
    raise Undecodable(_violations(error)) from error


def _violations(error: ValidationError) -> str:
    """`finished.state: Field required; …`, on one line."""
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, one["loc"])), one["msg"])))
        for one in error.errors(include_url=False, include_input=False)
    )


#: Business event type -> its model.
BUSINESS_EVENTS: dict[str, type[BusinessEventBase]] = {
    model.model_fields["type"].default: model for model in get_args(BusinessEvent)
}
