"""What the audit log says, asked of the audit service."""

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from services.reporting.audit_log.content import Content, Entry, Proof
from services.reporting.day import Today
from shared.bus import Bus
from shared.commands import (
    AuditEntriesPage,
    AuditEntriesQuery,
    AuditEntryRow,
    AuditState,
    AuditStateQuery,
    Scope,
)
from shared.runner.context import RunContext
from shared.subjects import query

#: Entries of one answer.
_PAGE: Final = 500
#: Seconds that an answer may take.
_PATIENCE: Final = 15.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries."""

    since: date
    until: date
    principal: str | None
    kinds: list[str]
    at_most: int


class AuditLog(Protocol):
    """The audit log, as far as it concerns one run's client or none."""

    async def content(self, wanted: Wanted, language: str) -> Content:
        """What a report would say now. Raises what asking the audit service does."""


class AskedAuditLog:
    """Over the bus."""

    def __init__(self, bus: Bus, context: RunContext, zone: str, today: Today) -> None:
        self._bus = bus
        self._client = context.client
        self._zone = ZoneInfo(zone)
        self._today = today.day

    async def content(self, wanted: Wanted, language: str) -> Content:
        state = await self._bus.ask(query("audit", "state"), AuditStateQuery(), AuditState, timeout=_PATIENCE)
        found = await self._entries(wanted)
        return Content(
            client=self._client,
            as_of=self._today,
            since=wanted.since,
            until=wanted.until,
            language=language,
            principal=wanted.principal,
            kinds=wanted.kinds,
            entries=[self._entry(row) for row in found[: wanted.at_most] if row.time is not None],
            cut=len(found) > wanted.at_most,
            proof=self._proof(state),
        )

    async def _entries(self, wanted: Wanted) -> list[AuditEntryRow]:
        """The newest of the span, one more than are wanted if there are more."""
        found: list[AuditEntryRow] = []
        cursor: str | None = None
        while len(found) <= wanted.at_most:
            asked = AuditEntriesQuery(
                scope=Scope(clients=frozenset({self._client})),
                principal=wanted.principal,
                kind=wanted.kinds,
                since=datetime.combine(wanted.since, time(), self._zone),
                until=datetime.combine(wanted.until + timedelta(days=1), time(), self._zone),
                limit=min(_PAGE, wanted.at_most + 1 - len(found)),
                cursor=cursor,
            )
            page = await self._bus.ask(query("audit", "entries"), asked, AuditEntriesPage, timeout=_PATIENCE)
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        return found

    def _entry(self, row: AuditEntryRow) -> Entry:
        assert row.time is not None
        return Entry(
            number=row.number,
            time=row.time.astimezone(self._zone),
            principal=row.principal or "",
            kind=row.kind,
            concern=row.concern or "",
            effective_principal=row.effective_principal,
            client=row.client,
            reason=row.reason,
            run_id=str(row.run_id) if row.run_id else None,
            before=_json(row.before),
            after=_json(row.after),
        )

    def _proof(self, state: AuditState) -> Proof:
        check, head = state.check, state.head
        return Proof(
            checked_at=check.finished_at.astimezone(self._zone) if check else None,
            checked=check.entries if check else 0,
            broken=check.broken if check else None,
            cause=check.cause if check else None,
            signed=head.number if head else None,
            signed_at=head.signed_at.astimezone(self._zone) if head else None,
        )


def _json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
