"""Spans on their way into the database, and out of it when their days are over.

They are told of work that is done or lost anyway: nothing waits for them, and where they come faster than
they can be kept, some are refused. A day is a partition, dropped as a whole.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import UTC, date, datetime, timedelta
from typing import Final

import asyncpg
import structlog

from services.status.spans.decoding import SpanRow
from shared.database import DATABASE_ERRORS, Pool

log = structlog.get_logger(__name__)

#: Spans that wait to be written at most; about 20 MB.
ROOM: Final = 20_000
#: Spans in one transaction, and seconds between two.
TOGETHER: Final = 2_000
EVERY: Final = 0.5
#: Seconds between two looks for days that are over.
TIDY_EVERY: Final = 600.0

_COLUMNS: Final = ("received", *(field.name for field in fields(SpanRow)))


class Spans:
    """Takes spans in at once, and writes them a little later."""

    def __init__(self, pool: Pool, *, days: int, room: int = ROOM) -> None:
        self._pool = pool
        self._days = days
        self._room = room
        self._waiting: deque[SpanRow] = deque()
        self._made: set[date] = set()

    def take(self, spans: Sequence[SpanRow]) -> bool:
        if len(self._waiting) + len(spans) > self._room:
            return False
        self._waiting.extend(spans)
        return True

    async def write(self) -> None:
        """For ever."""
        while True:
            try:
                while self._waiting:
                    await self._write(datetime.now(UTC).date())
            except (*DATABASE_ERRORS, OSError) as error:
                log.warning("spans wait for the database", error=str(error), waiting=len(self._waiting))
            await asyncio.sleep(EVERY)

    async def tidy(self) -> None:
        """For ever: drop the days that are over."""
        while True:
            try:
                await self.forget(datetime.now(UTC).date())
            except (*DATABASE_ERRORS, OSError) as error:
                log.warning("old spans could not be removed yet", error=str(error))
            await asyncio.sleep(TIDY_EVERY)

    async def _write(self, today: date) -> None:
        if today not in self._made:
            await self._make(today)
        batch = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("set local synchronous_commit = off")
                await connection.copy_records_to_table(
                    "spans", records=[(today, *astuple(span)) for span in batch], columns=_COLUMNS
                )
        except BaseException:
            self._waiting.extendleft(reversed(batch))
            raise

    async def _make(self, day: date) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await _alone(connection)
            await connection.execute(
                f"create table if not exists {_name(day)} partition of spans"
                f" for values from ('{day}') to ('{day + timedelta(days=1)}')"
            )
        self._made.add(day)

    async def forget(self, today: date) -> list[str]:
        """Drop what came before the days that are kept; names of the partitions."""
        oldest = _name(today - timedelta(days=self._days - 1))
        async with self._pool.acquire() as connection, connection.transaction():
            await _alone(connection)
            rows = await connection.fetch(
                "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid"
                " where i.inhparent = 'spans'::regclass and c.relname < $1 order by 1",
                oldest,
            )
            for row in rows:
                await connection.execute(f"drop table {row['relname']}")
        return [row["relname"] for row in rows]


async def _alone(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
    """Of several replicas one makes or drops a day at a time."""
    await connection.execute("select pg_advisory_xact_lock(hashtext('spans'), hashtext(current_schema()))")


def _name(day: date) -> str:
    return f"spans_{day:%Y%m%d}"
