"""What the audit service answers: entries by who, what, for whom and when; the state of the log; exports."""

import json
from datetime import datetime
from typing import Any, Final

import asyncpg

from services.audit.chain import SCHEMA, read_end
from services.audit.core import BEGINNING
from services.audit.reading import log_id_of
from shared.commands import (
    AuditCheck,
    AuditEntriesPage,
    AuditEntriesQuery,
    AuditEntryRow,
    AuditExport,
    AuditExportQuery,
    AuditFilter,
    AuditHead,
    AuditLink,
    AuditState,
    AuditStateQuery,
)
from shared.commands.common import Query
from shared.database import Pool
from shared.paging import Conditions, Key, Order, encode_cursor

#: Newest first.
_ORDER: Final = Order("number", (Key("e.number", int, descending=True),))
#: Entries that one part of an export holds at most, and bytes of contents that end it.
_LINKS = 1_000
_BYTES = 200_000

_COLUMNS = "e.number, e.event_id, e.recorded_at, e.kind, e.content_hash, e.hash, c.salt, c.content"
_FROM = f"{SCHEMA}.entries e left join {SCHEMA}.contents c on c.number = e.number"


async def list_entries(pool: Pool, query: AuditEntriesQuery) -> AuditEntriesPage:
    """Newest first. Raises `cursor_invalid`."""
    where = _wanted(query)
    if query.cursor is not None:
        where.add_after(_ORDER, query.cursor)
    rows = await pool.fetch(
        f"select {_COLUMNS} from {_FROM} where {where.sql} order by {_ORDER.sql}"  # noqa: S608
        f" limit {where.argument(query.limit + 1)}",
        *where.arguments,
    )
    more = len(rows) > query.limit
    shown = rows[: query.limit]
    return AuditEntriesPage(
        items=[_row(row) for row in shown],
        next_cursor=encode_cursor(_ORDER, [shown[-1]["number"]]) if more else None,
    )


async def read_state(pool: Pool, query: AuditStateQuery, *, signs: bool) -> AuditState:
    """How long the log is, what is signed of it, and what the last check came to. `signs`: with a key."""
    async with pool.acquire() as connection:
        end = await read_end(connection)
        newest = await connection.fetchval(
            f"select recorded_at from {SCHEMA}.entries where number = $1",  # noqa: S608
            end.number,
        )
        head = await connection.fetchrow("select * from heads order by ordinal desc limit 1")
        check = await connection.fetchrow("select * from checks order by finished_at desc limit 1")
        kinds = await connection.fetch(f"select distinct kind from {SCHEMA}.entries order by kind")  # noqa: S608
    return AuditState(
        log_id=end.log_id,
        entries=end.number,
        newest_at=newest,
        hash=end.hash.hex(),
        signs=signs,
        head=None if head is None else _head(head),
        check=None if check is None else AuditCheck(**dict(check)),
        kinds=[row["kind"] for row in kinds],
    )


async def export_entries(pool: Pool, query: AuditExportQuery) -> AuditExport:
    """A part of an export: the links behind `after`, with the contents of those that are wanted, up to the
    first head that covers them all. Heads come with the part that reaches them."""
    log_id = await log_id_of(pool)
    first, last = await _bounds(pool, query)
    start = max(query.after + 1, first)
    previous = await pool.fetchval(
        f"select hash from {SCHEMA}.entries where number = $1",  # noqa: S608
        start - 1,
    )
    where = _wanted(query)
    wanted = where.sql
    rows = await pool.fetch(
        f"select {_COLUMNS}, ({wanted}) as wanted from {_FROM}"  # noqa: S608
        f" where e.number between {where.argument(start)} and {where.argument(last)}"
        f" order by e.number limit {where.argument(_LINKS)}",
        *where.arguments,
    )
    links: list[AuditLink] = []
    size = 0
    for row in rows:
        link = _link(row)
        size += len(link.content or "")
        if links and size > _BYTES:
            break
        links.append(link)
    reached = links[-1].number if links else last
    heads = await pool.fetch(
        "select * from heads where number between $1 and $2 order by ordinal", start, reached
    )
    return AuditExport(
        log_id=log_id,
        first=first,
        last=last,
        previous=(previous or BEGINNING).hex(),
        links=links,
        heads=[_head(row) for row in heads],
        done=reached >= last,
    )


async def _bounds(pool: Pool, query: AuditExportQuery) -> tuple[int, int]:
    """The first and the last number of an export: from the first entry that is wanted to the head behind the
    last one, or to the end of the log where none is signed yet."""
    if query.last is not None:
        return query.first or 1, query.last
    where = _wanted(query)
    found = await pool.fetchrow(
        f"select min(e.number), max(e.number) from {_FROM} where {where.sql}",  # noqa: S608
        *where.arguments,
    )
    assert found is not None
    first, last = found
    if first is None:
        return 1, 0
    head = await pool.fetchval("select min(number) from heads where number >= $1", last)
    end = await pool.fetchval(f"select max(number) from {SCHEMA}.entries")  # noqa: S608
    return first, head or end


def _wanted(query: AuditFilter) -> Conditions:
    where = Conditions()
    _restrict(where, query)
    for column, value in (
        ("c.principal", query.principal),
        ("c.client", query.client),
        ("c.run_id", query.run_id),
        ("c.trace_id", query.trace_id),
    ):
        if value is not None:
            where.add(f"{column} = {{}}", value)
    if query.kind:
        where.add("e.kind = any({}::text[])", list(query.kind))
    if query.concern is not None:
        where.add("starts_with(c.concern, {})", query.concern)
    if query.since is not None:
        where.add("c.time >= {}", query.since)
    if query.until is not None:
        where.add("c.time < {}", query.until)
    return where


def _restrict(where: Conditions, query: Query) -> None:
    """Who does not act for every client sees what names none, and what names one of theirs."""
    clients = query.scope.clients
    if clients is not None:
        where.add(
            "c.number is not null and (c.client is null or c.client = any({}::text[]))", sorted(clients)
        )


def _row(row: asyncpg.Record) -> AuditEntryRow:
    content = row["content"]
    fields: dict[str, Any] = {} if content is None else json.loads(content)
    return AuditEntryRow(
        number=row["number"],
        event_id=row["event_id"],
        recorded_at=row["recorded_at"],
        kind=row["kind"],
        hash=row["hash"].hex(),
        removed=content is None,
        time=datetime.fromisoformat(fields["time"]) if fields else None,
        **{
            name: fields.get(name)
            for name in (
                "principal", "effective_principal", "client", "concern", "reason", "before", "after",
                "run_id", "trace_id",
            )
        },
    )  # fmt: skip


def _link(row: asyncpg.Record) -> AuditLink:
    told = row["wanted"] and row["content"] is not None
    return AuditLink(
        number=row["number"],
        event_id=row["event_id"],
        recorded_at=row["recorded_at"],
        kind=row["kind"],
        content_hash=row["content_hash"].hex(),
        hash=row["hash"].hex(),
        salt=row["salt"].hex() if told else None,
        content=row["content"].decode() if told else None,
    )


def _head(row: asyncpg.Record) -> AuditHead:
    return AuditHead(
        ordinal=row["ordinal"],
        number=row["number"],
        signed_at=row["signed_at"],
        statement=row["statement"],
        signature=row["signature"].hex(),
        key=row["key"].hex(),
        written_at=row["written_at"],
        posted_at=row["posted_at"],
    )
