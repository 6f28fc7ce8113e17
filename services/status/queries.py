"""The queries of the status service: lists by filter, keyset-paged, within what the asker may see.

Statements are put together from the literals below; whatever comes from a request is an argument.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.status import reading
from services.status.progress import Progress
from services.status.run_list import list_runs
from shared.commands import (
    CallsPage,
    CallsQuery,
    ChangesQuery,
    EventsPage,
    EventsQuery,
    LogsPage,
    LogsQuery,
    PagedQuery,
    RecordsPage,
    RecordsQuery,
    RunsPage,
    RunsQuery,
    Scope,
)
from shared.database import Pool
from shared.errors import TagwerkError
from shared.paging import Conditions, Key, Order, encode_cursor
from shared.words import LogLevel, Outcome

_POSITION = (Key("c.position", int), Key("c.run_id", UUID))
_RECORD_ORDERS = {
    "position": Order("records:position", _POSITION),
    "key": Order("records:key", (Key("c.key", str), Key("c.run_id", UUID))),
    "outcome": Order("records:outcome", (Key("c.outcome", str), *_POSITION)),
    "-time": Order(
        "records:-time",
        (
            Key("c.time", datetime, descending=True),
            Key("c.run_id", UUID, descending=True),
            Key("c.key", str),
        ),
    ),
}
_SAID = Order("said", (Key("c.sequence", int), Key("c.place", int)))
_EVENTS = Order("events", (Key("a.sequence", int),))


class Queries:
    def __init__(self, pool: Pool, progress: Progress) -> None:
        self._pool = pool
        self._progress = progress

    async def runs(self, query: RunsQuery) -> RunsPage:
        await self._progress.reach(query.at_least)
        return await list_runs(self._pool, query)

    async def records(self, query: RecordsQuery) -> RecordsPage:
        """Over several runs the position says nothing: then the newest come first."""
        await self._progress.reach(query.at_least)
        if query.run_id is None and query.key is None and query.key_prefix is None:
            raise TagwerkError(
                "query_invalid",
                "records are asked for by run, by key or by the beginning of a key",
                next_step="Give run_id, key or key_prefix.",
            )
        if query.run_id is not None:
            await self.run_row(query.run_id, query.scope, "r.run_id")
            if query.key is None and query.key_prefix is None and query.sort == "position":
                return await self._records_of_run(query, query.run_id, query.outcome or list(Outcome))
        where = Conditions()
        within(where, query.scope)
        if query.run_id is not None:
            where.add("c.run_id = {}", query.run_id)
        if query.key is not None:
            where.add("c.key = {}", query.key)
        if query.key_prefix is not None:
            where.add("starts_with(c.key, {})", query.key_prefix)
        if query.outcome:
            where.add("c.outcome = any({})", query.outcome)
        sort = "-time" if query.sort == "position" and query.run_id is None else query.sort
        order = _RECORD_ORDERS[sort]
        tables = "records c join runs r on r.run_id = c.run_id"
        rows, cursor = await self._page(reading.RECORD, tables, where, order, query)
        return RecordsPage(items=[reading.record(row) for row in rows], next_cursor=cursor)

    async def changes(self, query: ChangesQuery) -> RecordsPage:
        await self._progress.reach(query.at_least)
        run = await self.run_row(query.run_id, query.scope, "r.counts, r.changed")
        counts = reading.loads(run["counts"], {})
        changing = [outcome for outcome in Outcome if outcome.changed_data]
        # What a run changed may have failed since: then it is looked for among all records.
        whole = sum(counts.get(outcome, 0) for outcome in changing) == run["changed"]
        return await self._records_of_run(
            query, query.run_id, changing if whole else list(Outcome), "c.changed"
        )

    async def _records_of_run(
        self, query: PagedQuery, run_id: UUID, outcomes: Sequence[Outcome], condition: str = "true"
    ) -> RecordsPage:
        """In their order: that of each outcome is an index, and they are merged."""
        order = _RECORD_ORDERS["position"]
        where = Conditions()
        where.add("c.run_id = {}", run_id)
        where.add("c.outcome = way.outcome")
        where.add(condition)
        if query.cursor is not None:
            where.add_after(order, query.cursor)
        limit = where.argument(query.limit + 1)
        rows = await self._pool.fetch(
            f"select {reading.RECORD} from (select c.* from"  # noqa: S608
            f" unnest({where.argument(outcomes)}::text[]) as way (outcome) cross join lateral"
            f" (select * from records c where {where.sql} order by c.position limit {limit}) c"
            f" order by c.position limit {limit}) c join runs r on r.run_id = c.run_id order by {order.sql}",
            *where.arguments,
        )
        shown, cursor = _cut(rows, order, query)
        return RecordsPage(items=[reading.record(row) for row in shown], next_cursor=cursor)

    async def calls(self, query: CallsQuery) -> CallsPage:
        rows, cursor = await self._said("calls c", query, Conditions())
        return CallsPage(items=[reading.call(row) for row in rows], next_cursor=cursor)

    async def logs(self, query: LogsQuery) -> LogsPage:
        levels = list(LogLevel)
        where = Conditions()
        where.add("c.level = any({})", levels[levels.index(query.level) :])
        rows, cursor = await self._said("logs c", query, where)
        return LogsPage(items=[reading.log_line(row) for row in rows], next_cursor=cursor)

    async def events(self, query: EventsQuery) -> EventsPage:
        await self._progress.reach(query.at_least)
        run = await self.run_row(query.run_id, query.scope, "r.first_sequence, r.sequence")
        where = Conditions()
        where.add("a.run_id = {}", query.run_id)
        # Names the partitions that can hold them.
        where.add(
            "a.sequence between {} and {}", max(run["first_sequence"], query.after + 1), run["sequence"]
        )
        if query.types:
            where.add("a.type = any({})", query.types)
        rows, cursor = await self._page(
            "a.sequence, a.subject, a.payload", "archive a", where, _EVENTS, query
        )
        return EventsPage(items=[reading.event(row) for row in rows], next_cursor=cursor)

    async def run_row(self, run_id: UUID, scope: Scope, columns: str) -> asyncpg.Record:
        """`columns` of the run. Raises `run_not_found`, also for one that the asker may not see."""
        where = Conditions()
        where.add("r.run_id = {}", run_id)
        within(where, scope)
        row = await self._pool.fetchrow(
            f"select {columns} from runs r where {where.sql}",  # noqa: S608
            *where.arguments,
        )
        if row is None:
            raise TagwerkError(
                "run_not_found",
                f"there is no run {run_id} that you may see",
                concern=str(run_id),
                next_step="Check the id, and whether you act for the client of the run.",
            )
        return row

    async def _said(
        self, table: str, query: CallsQuery | LogsQuery, where: Conditions
    ) -> tuple[list[asyncpg.Record], str | None]:
        await self._progress.reach(query.at_least)
        await self.run_row(query.run_id, query.scope, "r.run_id")
        where.add("c.run_id = {}", query.run_id)
        return await self._page("c.*", table, where, _SAID, query)

    async def _page(
        self, columns: str, tables: str, where: Conditions, order: Order, query: PagedQuery
    ) -> tuple[list[asyncpg.Record], str | None]:
        """At most `query.limit` rows, and the cursor of the next page if there is one."""
        if query.cursor is not None:
            where.add_after(order, query.cursor)
        limit = where.argument(query.limit + 1)
        rows = await self._pool.fetch(
            f"select {columns} from {tables} where {where.sql} order by {order.sql} limit {limit}",  # noqa: S608
            *where.arguments,
        )
        return _cut(rows, order, query)


def _cut(
    rows: list[asyncpg.Record], order: Order, query: PagedQuery
) -> tuple[list[asyncpg.Record], str | None]:
    """The rows of the page, and the cursor of the next one if there is one."""
    if len(rows) <= query.limit:
        return rows, None
    return rows[: query.limit], encode_cursor(order, _values(order, rows[query.limit - 1]))


def _values(order: Order, row: asyncpg.Record) -> Sequence[Any]:
    return [row[key.column.split(".")[1]] for key in order.keys]


def within(where: Conditions, scope: Scope) -> None:
    """Only runs `r` that the asker may see."""
    if scope.clients is not None:
        where.add("r.client = any({})", sorted(scope.clients))
    if scope.jobs is not None:
        where.add("r.job = any({})", sorted(scope.jobs))
