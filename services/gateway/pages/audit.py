"""The audit log: who did what, with what was before and after, and whether the log can be trusted."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.gateway.context import TheGateway
from services.gateway.fields import Text
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.audit_words import KINDS, TOLD_BY_SERVICES
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import AUDIT
from services.gateway.pages.rendering import link
from services.gateway.routes.audit import (
    EntriesFilter,
    list_audit_entries,
    read_audit_state,
)
from shared.commands import AuditEntriesPage, AuditEntryRow, AuditState

router = APIRouter(include_in_schema=False)

#: Entries on a page.
ROWS = 50
#: Characters of a value that are shown at once, and at most.
SHORT, LONGEST = 100, 20_000
#: What proves something and tells a reader nothing; exports have it.
_UNSEEN = frozenset({"parameters_sha256"})
#: Time after which an entry should be covered by a signed head.
HEAD_WITHIN = timedelta(hours=2)

#: What links ask for besides the form, and in which words.
_GIVEN: Mapping[str, str] = {"run_id": N_("belong to the run"), "trace_id": N_("belong to the trace")}

_Empty = BeforeValidator(lambda value: None if isinstance(value, str) and not value.strip() else value)
#: As far as clocks and zones reach.
_Day = Annotated[date, Field(ge=date(1970, 1, 1), lt=date(3000, 1, 1))]
Words = Annotated[Text | None, _Empty]


class Wanted(BaseModel):
    """The query string: the form, and what links ask for besides."""

    model_config = ConfigDict(extra="ignore")

    principal: Words = None
    kind: Words = None
    client: Words = None
    concern: Words = None
    #: Days in the reader's zone; both belong to the period.
    since: Annotated[_Day | None, _Empty] = None
    until: Annotated[_Day | None, _Empty] = None
    run_id: Annotated[UUID | None, _Empty] = None
    trace_id: Annotated[str | None, _Empty, Field(pattern="^[0-9a-f]{32}$")] = None
    cursor: Words = None

    @property
    def filtered(self) -> bool:
        return bool(self.model_dump(exclude_defaults=True, exclude={"cursor"}))

    def link(self, **changes: Any) -> str:
        """This list with something changed, from its beginning."""
        given = self.model_dump(mode="json", exclude_defaults=True, exclude={"cursor"})
        return link(AUDIT.path, **(given | changes))

    def filter(self, zone: ZoneInfo) -> EntriesFilter:
        asked = self.model_dump(exclude={"since", "until", "kind"}, exclude_none=True)
        if self.since is not None:
            asked["since"] = _begin(self.since, zone)
        if self.until is not None:
            asked["until"] = _begin(self.until + timedelta(days=1), zone)
        return EntriesFilter(**asked, kind=[self.kind] if self.kind else [], limit=ROWS)

    def export(self, zone: ZoneInfo) -> str:
        """Where these entries are exported."""
        asked = self.filter(zone).model_dump(mode="json", exclude={"limit", "cursor"}, exclude_none=True)
        return link("/api/v1/audit/export", **asked)


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and after, as text; None where there was nothing."""

    name: str
    before: str | None
    after: str | None

    @property
    def long(self) -> bool:
        """Whether it is shown only to who opens it."""
        return max(len(self.before or ""), len(self.after or "")) > SHORT


@dataclass(frozen=True, slots=True)
class EntryRow:
    entry: AuditEntryRow
    #: A message; None for a kind that no page knows by name.
    title: str | None
    changes: Sequence[Change]
    #: Where it leads: to the run, the document or the account that it concerns.
    path: str | None


@dataclass(frozen=True, slots=True)
class Given:
    """A filter that came with a link, and how it is taken away."""

    name: str
    words: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class AuditView:
    wanted: Wanted
    state: AuditState
    rows: Sequence[EntryRow]
    #: Name and message of the kinds to choose from, by message.
    kinds: Sequence[tuple[str, str | None]]
    given: Sequence[Given]
    export: str
    #: Entries wait for longer than they should to be covered by a signed head.
    unsigned: bool
    #: A signed head waits to be handed over.
    waiting: bool
    next: str | None
    first: str | None


def audit_view(
    wanted: Wanted, page: AuditEntriesPage, state: AuditState, zone: ZoneInfo, now: datetime
) -> AuditView:
    head = state.head
    names = sorted({*state.kinds, *([wanted.kind] if wanted.kind else [])})
    behind = state.entries > (head.number if head else 0)
    return AuditView(
        wanted=wanted,
        state=state,
        rows=[_row(entry) for entry in page.items],
        kinds=[(name, KINDS.get(name)) for name in names],
        given=[
            Given(name, words, str(value), wanted.link(**{name: None}))
            for name, words in _GIVEN.items()
            if (value := getattr(wanted, name)) is not None
        ],
        export=wanted.export(zone),
        unsigned=state.signs
        and behind
        and (head is None or now - head.signed_at > HEAD_WITHIN)
        and state.newest_at is not None
        and now - state.newest_at > HEAD_WITHIN,
        waiting=head is not None and not (head.written_at or head.posted_at),
        next=wanted.link(cursor=page.next_cursor) if page.next_cursor else None,
        first=wanted.link() if wanted.cursor else None,
    )


def _row(entry: AuditEntryRow) -> EntryRow:
    before, after = entry.before or {}, entry.after or {}
    changes = [
        Change(name, _text(before.get(name)), _text(after.get(name)))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name) and name not in _UNSEEN
    ]
    return EntryRow(entry, KINDS.get(entry.kind), changes, _path(entry))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _path(entry: AuditEntryRow) -> str | None:
    concern = entry.concern or ""
    if entry.run_id is not None:
        return f"/runs/{entry.run_id}"
    kind, _, id = concern.partition(":")
    if kind == "document":
        return f"/approvals/{id}"
    return f"/users/{id}" if kind == "principal" else None


@router.get("/audit")
async def read_audit_page(
    wanted: Annotated[Wanted, Query()], visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> HTMLResponse:
    zone = visit.preferences.zone
    page, state = await asyncio.gather(
        list_audit_entries(wanted.filter(zone), asking, gateway), read_audit_state(asking, gateway)
    )
    view = audit_view(wanted, page, state, zone, datetime.now(UTC))
    return visit.page("audit.html", trail=(AUDIT,), view=view, told_by_services=TOLD_BY_SERVICES)
