"""The list of runs: by any filter, in any order, within what the asker may see, page by page.

Statements are put together from the literals below; whatever comes from a request is an argument.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.status import reading
from services.status.run_sizes import Bounds, add_period, measure
from services.status.ways import Way, choose
from shared.commands import RunsPage, RunsQuery
from shared.database import Pool
from shared.paging import Conditions, Key, Order, decode_cursor, encode_cursor

_RUN_ID = Key("r.run_id", UUID)
_RUN_ID_DOWN = Key("r.run_id", UUID, descending=True)


def _order(name: str, type: type, *, nullable: bool = False) -> Order:
    down = name.startswith("-")
    first = Key(f"r.{name.lstrip('-')}", type, descending=down, nullable=nullable)
    return Order(f"runs:{name}", (first, _RUN_ID_DOWN if down else _RUN_ID))


ORDERS = {
    "-requested_at": _order("-requested_at", datetime),
    "requested_at": _order("requested_at", datetime),
    "-finished_at": _order("-finished_at", datetime, nullable=True),
    "finished_at": _order("finished_at", datetime, nullable=True),
    "-duration": _order("-duration", float, nullable=True),
    "duration": _order("duration", float, nullable=True),
    "job": Order(
        "runs:job", (Key("r.job", str), Key("r.requested_at", datetime, descending=True), _RUN_ID_DOWN)
    ),
}
#: Of runs with one value of a column.
_NEWEST = (Key("r.requested_at", datetime, descending=True), _RUN_ID_DOWN)

#: Jobs that are read first in the order of jobs.
FIRST_JOBS = 2
#: By how much the clocks of two machines may differ.
CLOCKS_APART = timedelta(hours=1)

#: Filters that leave few runs, whatever else is asked for.
_FEW = ("rerun_of", "caused_by_run", "caused_by_event", "about", "record_key")


async def list_runs(pool: Pool, query: RunsQuery) -> RunsPage:
    query = query.model_copy(
        update={name: reading.aware(getattr(query, name)) for name in ("requested_after", "requested_before")}
    )
    order = ORDERS[query.sort]
    after = None if query.cursor is None else decode_cursor(order, query.cursor)
    bounds = Bounds.of(query)
    way = None if bounds.nothing else await _way(pool, query, bounds)
    rows: list[asyncpg.Record] = []
    for step in [] if way is None else _steps(order, way, after):
        statement, arguments = _statement(query, bounds, step, query.limit + 1 - len(rows))
        rows += await pool.fetch(statement, *arguments)
        if len(rows) > query.limit:
            break
    items = [reading.summary(row) for row in rows[: query.limit]]
    if len(rows) <= query.limit:
        return RunsPage(items=items)
    last = rows[query.limit - 1]
    values = [last[key.column.removeprefix("r.")] for key in order.keys]
    return RunsPage(items=items, next_cursor=encode_cursor(order, values))


async def _way(pool: Pool, query: RunsQuery, bounds: Bounds) -> Way | None:
    if any(getattr(query, name) is not None for name in _FEW):
        return Way()
    return choose(query.sort, await measure(pool, query, bounds), query.limit + 1)


class _Step(NamedTuple):
    """A part of the list, all of which comes before the next part."""

    way: Way
    #: Its order, for runs of the same job in the order of jobs.
    keys: Sequence[Key]
    #: Where the page begins, in the order of `keys`.
    after: Sequence[Any] | None
    condition: str = "true"


def _steps(order: Order, way: Way, after: Sequence[Any] | None) -> Iterator[_Step]:
    first, *rest = order.keys
    if first.nullable:
        # Runs that have a value, then those without; both are in the order of an index.
        if after is None or after[0] is not None:
            keys = (Key(first.column, first.type, first.descending), *rest)
            yield _Step(way, keys, after, f"{first.column} is not null")
        behind = after[1:] if after is not None and after[0] is None else None
        yield _Step(Way(), rest, behind, f"{first.column} is null")
    elif order is ORDERS["job"] and not way.sort and way.column == "job":
        # The first job mostly has all that is needed.
        jobs = [job for job in way.values if after is None or job > after[0]]
        if after is not None:
            yield _Step(Way("job", (after[0],)), _NEWEST, after[1:])
        number = FIRST_JOBS
        while jobs:
            yield _Step(Way("job", tuple(jobs[:number])), _NEWEST, None)
            jobs, number = jobs[number:], number * 4
    else:
        yield _Step(way, order.keys, after)


def _statement(query: RunsQuery, bounds: Bounds, step: _Step, limit: int) -> tuple[str, list[Any]]:
    way, where = step.way, _conditions(query, bounds, step)
    within = ", ".join(key.order for key in step.keys)
    order = within if step.keys is not _NEWEST else f"r.job, {within}"
    first = where.argument(limit)
    keys = ", ".join({"r.run_id": None, "r.job": None, **{key.column: None for key in step.keys}})
    if way.sort:
        found = (
            f"with found as materialized (select {keys} from runs r where {where.sql})"  # noqa: S608
            f" select r.run_id from found r order by {order} limit {first}"
        )
    elif way.column is not None and way.values:
        values = where.argument(list(way.values))
        down = " desc" if step.keys[0].descending else ""
        found = (
            f"select r.run_id from unnest({values}::text[]) as way (value) cross join lateral"  # noqa: S608
            f" (select {keys} from runs r where {where.sql}"
            f" order by r.{way.column}{down}, {within} limit {first}) r order by {order} limit {first}"
        )
    else:
        found = f"select r.run_id from runs r where {where.sql} order by {order} limit {first}"  # noqa: S608
    statement = (
        f"select {reading.SUMMARY} from ({found}) found join runs r on r.run_id = found.run_id"  # noqa: S608
        f" order by {order}"
    )
    return statement, where.arguments


def _conditions(query: RunsQuery, bounds: Bounds, step: _Step) -> Conditions:
    """All filters. What is not the way is written so that no index is taken for it."""
    where, way = Conditions(), step.way
    where.add(step.condition)
    for column in ("rerun_of", "caused_by_run", "caused_by_event"):
        value = getattr(query, column)
        if value is not None:
            where.add(f"r.{column.replace('caused_by', 'cause')} = {{}}", value)
    if query.about is not None:
        where.add("r.run_id in (select run_id from run_about where key = {})", query.about)
    if query.record_key is not None:
        where.add("r.run_id in (select run_id from records where key = {})", query.record_key)
    columns = {"client": bounds.clients, "job": bounds.jobs, "state": bounds.states}
    for column in ("principal", "trigger"):
        value = getattr(query, column)
        columns[column] = None if value is None else (value,)
    for column, values in columns.items():
        if values is not None and column != way.column:
            where.add(f"(r.{column} = any({{}})) is true", list(values))
    if query.action_required is not None:
        wanted = "r.action_required" if query.action_required else "not r.action_required"
        where.add(wanted if way.column == "action_required" else f"({wanted}) is true")
    if way.sort or way.column is None or not way.values:
        if way.values:
            where.add(f"r.{way.column} = any({{}})", list(way.values))
        add_period(where, query)
        if step.after is not None:
            where.add_behind(step.keys, step.after)
        if step.condition == "r.finished_at is not null" and query.requested_after is not None:
            # Follows, and lets the index begin there.
            where.add("r.finished_at > {}", query.requested_after - CLOCKS_APART)
    else:
        _add_range(where, query, step)
    return where


def _add_range(where: Conditions, query: RunsQuery, step: _Step) -> None:
    """Of the index of the way what lies between the first and the last run wanted for one value.

    As a range, and in an order that begins with the column, although there is one value only: so no other
    index can be taken.
    """
    first = step.keys[0]
    value = 'way.value collate "C"' if step.way.column == "job" else "way.value"
    column = f"r.{step.way.column}"
    ends = {">": f"{column} >= {value}", "<": f"{column} <= {value}"}
    if first.column == "r.requested_at":
        for sign, bound in ((">", query.requested_after), ("<", query.requested_before)):
            if bound is not None:
                ends[sign] = f"({column}, r.requested_at) {sign} ({value}, {where.argument(bound)})"
    else:
        add_period(where, query)
        if first.column == "r.finished_at" and query.requested_after is not None:
            began = where.argument(query.requested_after - CLOCKS_APART)
            ends[">"] = f"({column}, r.finished_at) > ({value}, {began})"
    if step.after is not None:
        # Lies within the period.
        columns = ", ".join([column, *(key.column for key in step.keys)])
        values = ", ".join([value, *(where.argument(one) for one in step.after)])
        sign = "<" if first.descending else ">"
        where.add(ends[sign])
        ends[sign] = f"({columns}) {sign} ({values})"
    for end in ends.values():
        where.add(end)
