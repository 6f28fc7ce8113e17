"""Appending to the log: one writer at a time, by the lock on its one row, in the caller's transaction."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from services.audit.core import (
    BEGINNING,
    NewEntry,
    columns_of,
    content_hash,
    encoded,
    entry_hash,
)

if TYPE_CHECKING:
    Connection: TypeAlias = (
        asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]
    )
else:
    # The classes take no type arguments while running.
    Connection = asyncpg.Connection

#: Schema of the log, which the administrator owns.
SCHEMA: Final = "audit_log"
#: Bytes.
_SALT = 16

_ENTRY_COLUMNS = ("number", "event_id", "recorded_at", "kind", "content_hash", "hash")
_CONTENT_COLUMNS = (
    "number", "salt", "content", "time", "principal", "effective_principal", "client", "concern", "run_id",
    "trace_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class End:
    """Where the log ends."""

    log_id: UUID
    #: 0 for an empty log.
    number: int
    hash: bytes


async def read_end(connection: Connection) -> End:
    row = await connection.fetchrow(
        f"select l.id, coalesce(e.number, 0) as number, e.hash from {SCHEMA}.log l"  # noqa: S608
        f" left join lateral (select number, hash from {SCHEMA}.entries order by number desc limit 1) e"
        " on true"
    )
    assert row is not None
    return End(row["id"], row["number"], row["hash"] or BEGINNING)


async def append(connection: Connection, entries: Sequence[NewEntry]) -> int:
    """Write down those of `entries` whose event is not in the log yet; how many there were.

    Within the caller's transaction, which is the only one that appends until it ends.
    """
    await connection.execute(f"select from {SCHEMA}.log for update")
    known = await connection.fetch(
        f"select event_id from {SCHEMA}.entries where event_id = any($1::uuid[])",  # noqa: S608
        [entry.event_id for entry in entries],
    )
    seen = {row["event_id"] for row in known}
    end = await read_end(connection)
    number, previous = end.number, end.hash
    recorded_at = datetime.now(UTC)
    links: list[tuple[Any, ...]] = []
    contents: list[tuple[Any, ...]] = []
    for entry in entries:
        if entry.event_id in seen:
            continue
        seen.add(entry.event_id)
        number += 1
        salt, content = secrets.token_bytes(_SALT), encoded(entry.content.text)
        hashed = content_hash(salt, content)
        previous = entry_hash(end.log_id, number, entry.event_id, recorded_at, entry.kind, hashed, previous)
        links.append((number, entry.event_id, recorded_at, entry.kind, hashed, previous))
        columns = columns_of(entry.content.fields)
        contents.append(
            (number, salt, content, columns.time, columns.principal, columns.effective_principal,
             columns.client, columns.concern, columns.run_id, columns.trace_id)
        )  # fmt: skip
    if links:
        await connection.copy_records_to_table(
            "entries", schema_name=SCHEMA, records=links, columns=_ENTRY_COLUMNS
        )
        await connection.copy_records_to_table(
            "contents", schema_name=SCHEMA, records=contents, columns=_CONTENT_COLUMNS
        )
    return len(links)
