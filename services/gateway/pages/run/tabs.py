"""What a run did, in lists: one tab of its page each, read through the routes of the API."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

import orjson
import structlog
from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.gateway.context import QUERY_TIMEOUT, Gateway
from services.gateway.fields import Sequence as StreamSequence
from services.gateway.fields import Text
from services.gateway.identity.asker import Asker
from services.gateway.lists import FreshPageFilter
from services.gateway.pages.languages import N_
from services.gateway.pages.schema import Parameter, parameters_of
from services.gateway.pages.waterfall import Waterfall, waterfall_of
from services.gateway.routes import records
from services.gateway.routes.traces import read_run_trace
from services.gateway.tracing import Trace
from shared import subjects
from shared.commands import (
    AuditEntriesPage,
    AuditEntriesQuery,
    CallRow,
    EventRow,
    EventsPage,
    EventsQuery,
    LogRow,
    RecordRow,
    RunDetail,
)
from shared.commands import Trace as SpansOfRun
from shared.errors import TagwerkError
from shared.events import CancelRequested, Decided, Requested, decode_run_event
from shared.jobs import CatalogueEntry
from shared.words import LogLevel, Outcome

log = structlog.get_logger(__name__)

Name = Literal["records", "calls", "changes", "logs", "events", "parameters", "audit", "trace"]

#: In their order.
TABS: Mapping[Name, str] = {
    "records": N_("Records"),
    "calls": N_("External calls"),
    "changes": N_("Changes"),
    "logs": N_("Log"),
    "events": N_("Events"),
    "parameters": N_("Parameters"),
    "audit": N_("Who did what"),
    "trace": N_("Trace"),
}

#: Rows of a page of each list.
ROWS = 50
EVENT_ROWS = 25
#: Characters of an event, of a value, and keys that a page shows; the API has all of it.
EVENT_LIMIT = 2_500
VALUE_LIMIT = 600
KEYS_SHOWN = 50
#: Seconds that the page waits for the audit log.
AUDIT_TIMEOUT = 2.0
#: Deeds of people that are shown.
DEEDS = 200
Deed = Requested | CancelRequested | Decided
_DEEDS = ["run.requested", "run.cancel_requested", "run.decided"]


class Asked(BaseModel):
    """The query string of a run's page."""

    model_config = ConfigDict(extra="ignore")

    tab: Name = "records"
    #: Of the tab's list.
    cursor: Text | None = None
    outcome: list[Outcome] = Field(default_factory=list)
    #: How a record's key begins.
    key: Text | None = None
    level: LogLevel = LogLevel.DEBUG
    at_least: StreamSequence = 0
    #: Only the part of the page that changes while a run works.
    fragment: bool = False

    @field_validator("cursor", "key", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        """As a form sends what nobody filled in."""
        return value.strip() or None if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it was published."""

    row: EventRow
    #: Indented JSON, at most `EVENT_LIMIT` characters of it.
    text: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter that the run was given, or a default that it used."""

    name: str
    #: As JSON.
    text: str
    given: bool
    #: None for one that the job does not declare any more.
    declared: Parameter | None


@dataclass(frozen=True, slots=True)
class Tab:
    """The rows of the chosen tab; of the others there are none."""

    name: Name
    asked: Asked
    records: Sequence[RecordRow] = ()
    calls: Sequence[CallRow] = ()
    logs: Sequence[LogRow] = ()
    events: Sequence[Event] = ()
    values: Sequence[Value] = ()
    #: What people did to the run, as its events tell it.
    deeds: Sequence[Deed] = ()
    #: Event id -> number of its entry in the audit log, as far as they are written down there.
    entries: Mapping[UUID, int] = field(default_factory=dict)
    trace_id: str | None = None
    #: None where the status service does not say.
    trace: SpansOfRun | None = None
    waterfall: Waterfall | None = None
    next_cursor: str | None = None


async def read_tab(
    gateway: Gateway, asking: Asker, run: RunDetail, entry: CatalogueEntry | None, asked: Asked
) -> Tab:
    id, page = run.run_id, FreshPageFilter(limit=ROWS, cursor=asked.cursor)
    match asked.tab:
        case "records":
            wanted = records.RecordsFilter(
                limit=ROWS, cursor=asked.cursor, outcome=asked.outcome, key_prefix=asked.key
            )
            found = await records.list_records(id, wanted, asking, gateway)
            return Tab("records", asked, records=found.items, next_cursor=found.next_cursor)
        case "calls":
            calls = await records.list_calls(id, page, asking, gateway)
            return Tab("calls", asked, calls=calls.items, next_cursor=calls.next_cursor)
        case "changes":
            found = await records.list_changes(id, page, asking, gateway)
            return Tab("changes", asked, records=found.items, next_cursor=found.next_cursor)
        case "logs":
            lines = records.LogsFilter(limit=ROWS, cursor=asked.cursor, level=asked.level)
            logs = await records.list_logs(id, lines, asking, gateway)
            return Tab("logs", asked, logs=logs.items, next_cursor=logs.next_cursor)
        case "events":
            history = records.HistoryFilter(limit=EVENT_ROWS, cursor=asked.cursor)
            events = await records.list_history(id, history, asking, gateway)
            shown = [event_of(row) for row in events.items]
            return Tab("events", asked, events=shown, next_cursor=events.next_cursor)
        case "parameters":
            return Tab("parameters", asked, values=values_of(run, entry))
        case "audit":
            deeds, entries = await asyncio.gather(_deeds(gateway, asking, run), _entries(gateway, run))
            return Tab("audit", asked, deeds=deeds, entries=entries)
        case "trace":
            spans = await _spans(gateway, asking, run)
            drawn = None if spans is None else waterfall_of(spans)
            return Tab("trace", asked, trace_id=trace_id_of(run), trace=spans, waterfall=drawn)


def event_of(row: EventRow) -> Event:
    text = orjson.dumps(row.event, option=orjson.OPT_INDENT_2).decode()
    return Event(row, text[:EVENT_LIMIT], len(text) > EVENT_LIMIT)


def values_of(run: RunDetail, entry: CatalogueEntry | None) -> list[Value]:
    """Every parameter: as the run was given it, else the default that the job declares."""
    declared = {p.name: p for p in parameters_of(entry.parameters)} if entry else {}
    values = []
    for name in dict.fromkeys([*declared, *run.parameters]):
        parameter = declared.get(name)
        if name in run.parameters:
            values.append(Value(name, as_json(run.parameters[name]), True, parameter))
        elif parameter is not None:
            values.append(Value(name, parameter.default or "null", False, parameter))
    return values


def as_json(value: object) -> str:
    """One value on one line, at most `VALUE_LIMIT` characters of it; a plain text without its quotes."""
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text if len(text) <= VALUE_LIMIT else f"{text[:VALUE_LIMIT]}…"


def trace_id_of(run: RunDetail) -> str | None:
    return Trace.of(run.traceparent).trace_id if run.traceparent else None


async def _deeds(gateway: Gateway, asking: Asker, run: RunDetail) -> list[Deed]:
    query = EventsQuery(run_id=run.run_id, types=_DEEDS, limit=DEEDS, **await gateway.gate.scope(asking))
    subject = subjects.query("status", "events")
    found = await gateway.bus.ask(subject, query, EventsPage, timeout=QUERY_TIMEOUT)
    events = [decode_run_event(orjson.dumps(row.event)) for row in found.items]
    return [event for event in events if isinstance(event, Requested | CancelRequested | Decided)]


async def _spans(gateway: Gateway, asking: Asker, run: RunDetail) -> SpansOfRun | None:
    """The page does not fail because its spans cannot be read."""
    try:
        return await read_run_trace(run.run_id, asking, gateway)
    except TagwerkError as error:
        log.info("the spans of a run cannot be read", cause=error.failure.cause)
        return None


async def _entries(gateway: Gateway, run: RunDetail) -> dict[UUID, int]:
    """Where the deeds stand in the audit log. The page does not wait for a log that does not answer."""
    query = AuditEntriesQuery(run_id=run.run_id, limit=DEEDS)
    subject = subjects.query("audit", "entries")
    try:
        found = await gateway.bus.ask(subject, query, AuditEntriesPage, timeout=AUDIT_TIMEOUT)
    except TagwerkError as error:
        log.info("the audit log does not answer", cause=error.failure.cause)
        return {}
    return {entry.event_id: entry.number for entry in found.items}
