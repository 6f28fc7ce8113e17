"""Removing contents whose time is over: by a role of the database that may do that and nothing else.

What is removed is told by an entry of the log in the same transaction, with the numbers, so that the check
knows it from what somebody made disappear. Links stay.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from services.audit.chain import SCHEMA, append
from services.audit.core import CONTENTS_REMOVED, NewEntry, canonical, moment, ranges
from services.audit.retention import Hold, Retention
from shared.audit import trace_id_of
from shared.errors import TagwerkError
from shared.ids import new_id
from shared.paging import Conditions
from shared.runner.context import RunContext

#: Contents that one transaction removes at most.
BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Due:
    """The contents of one kind whose time is over."""

    kind: str
    days: int
    #: How many are removed, and how many a hold keeps.
    expired: int
    held: int


class Expiry:
    """The work of one run. `url` is that of the role that may remove contents."""

    def __init__(self, url: str | None, retention: Retention, context: RunContext) -> None:
        self._url = url
        self._retention = retention
        self._context = context
        #: The same for the whole run.
        self._now = datetime.now(UTC)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Removing"]:
        """Raises `audit_keeper_missing`."""
        if self._url is None:
            raise TagwerkError(
                "audit_keeper_missing",
                "this service has no address of the database with the role that may remove contents",
                concern="TAGWERK_AUDIT_KEEPER_URL",
                next_step="Set it, with the role audit_keeper; docs/operations.md tells more.",
            )
        connection = await asyncpg.connect(self._url)
        try:
            yield Removing(connection, self._retention, self._context, self._now)
        finally:
            await connection.close()


class Removing:
    def __init__(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        retention: Retention,
        context: RunContext,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._retention = retention
        self._context = context
        self._now = now

    async def due(self) -> list[Due]:
        """What is to be removed, by kind; kinds of which nothing is due are left out."""
        kinds = await self._connection.fetch(
            f"select distinct kind from {SCHEMA}.entries where kind <> $1 order by kind",  # noqa: S608
            CONTENTS_REMOVED,
        )
        found = []
        for row in kinds:
            kind = row["kind"]
            expired, held = await self._count(kind, held=False), await self._count(kind, held=True)
            if expired or held:
                found.append(Due(kind, self._retention.days_for(kind), expired, held))
        return found

    async def remove(self, kind: str) -> int:
        """Remove up to `BATCH` contents of the kind; how many there were. Durable when it returns."""
        where = self._where(kind, held=False)
        async with self._connection.transaction():
            # First: whoever else removes waits for its turn.
            await self._connection.execute(f"select from {SCHEMA}.log for update")
            rows = await self._connection.fetch(
                f"select e.number from {SCHEMA}.entries e join {SCHEMA}.contents c on c.number = e.number"  # noqa: S608
                f" where {where.sql} order by e.number limit {BATCH}",
                *where.arguments,
            )
            numbers = [row["number"] for row in rows]
            if numbers:
                await append(self._connection, [self._entry(kind, numbers)])
                await self._connection.execute(
                    f"delete from {SCHEMA}.contents where number = any($1::bigint[])",  # noqa: S608
                    numbers,
                )
        return len(numbers)

    async def _count(self, kind: str, *, held: bool) -> int:
        where = self._where(kind, held=held)
        number: int = await self._connection.fetchval(
            f"select count(*) from {SCHEMA}.entries e join {SCHEMA}.contents c on c.number = e.number"  # noqa: S608
            f" where {where.sql}",
            *where.arguments,
        )
        return number

    def _where(self, kind: str, *, held: bool) -> Conditions:
        where = Conditions()
        where.add("e.kind = {}", kind)
        where.add("e.recorded_at < {}", self._now - timedelta(days=self._retention.days_for(kind)))
        held_by = [_held(where, hold) for hold in self._retention.holds]
        any_hold = " or ".join(held_by) if held_by else "false"
        where.add(any_hold if held else f"not coalesce({any_hold}, false)")
        return where

    def _entry(self, kind: str, numbers: list[int]) -> NewEntry:
        context = self._context
        return NewEntry(
            new_id(),
            CONTENTS_REMOVED,
            canonical(
                {
                    "action": CONTENTS_REMOVED,
                    "time": moment(datetime.now(UTC)),
                    "principal": context.principal,
                    "concern": f"audit:{kind}",
                    "reason": f"kept for {self._retention.days_for(kind)} days",
                    "after": {"entries": ranges(numbers), "contents": len(numbers)},
                    "run_id": str(context.run_id),
                    "trace_id": trace_id_of(context.traceparent),
                }
            ),
        )


def _held(where: Conditions, hold: Hold) -> str:
    """The condition of a hold, its values added to the arguments."""
    parts = []
    wanted: list[tuple[str, Any]] = [
        ("c.client = {}", hold.client),
        ("c.principal = {}", hold.principal),
        ("starts_with(c.concern, {})", hold.concern),
        ("e.kind = any({}::text[])", list(hold.kinds) or None),
        ("c.time >= {}", None if hold.since is None else _day(hold.since)),
        ("c.time < {}", None if hold.until is None else _day(hold.until) + timedelta(days=1)),
    ]
    for template, value in wanted:
        if value is not None:
            parts.append(template.format(where.argument(value)))
    return f"({' and '.join(parts) if parts else 'true'})"


def _day(day: Any) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
