"""The log as it lies in the database, in its order, and the heads from wherever they lie."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

import asyncpg

from services.audit.chain import SCHEMA, Connection
from services.audit.core import CONTENTS_REMOVED, Columns, Link
from services.audit.heads import SignedHead
from services.audit.verification import StoredEntry, removed_by
from shared.database import Pool

#: Entries that are read at once.
BATCH = 5_000

_ENTRIES = (
    "select e.number, e.event_id, e.recorded_at, e.kind, e.content_hash, e.hash, c.salt, c.content, c.time,"  # noqa: S608
    " c.principal, c.effective_principal, c.client, c.concern, c.run_id, c.trace_id"
    f" from {SCHEMA}.entries e left join {SCHEMA}.contents c on c.number = e.number"
)


async def log_id_of(pool: Pool) -> UUID:
    log_id: UUID = await pool.fetchval(f"select id from {SCHEMA}.log")  # noqa: S608
    return log_id


async def read_entries(
    pool: Pool | Connection, first: int = 1, last: int | None = None
) -> AsyncIterator[Sequence[StoredEntry]]:
    """Those from `first` to `last`, or to the end, in their order."""
    after = first - 1
    while True:
        rows = await pool.fetch(
            f"{_ENTRIES} where e.number > $1 and ($2::bigint is null or e.number <= $2)"
            " order by e.number limit $3",
            after,
            last,
            BATCH,
        )
        if not rows:
            return
        yield [stored_entry(row) for row in rows]
        after = rows[-1]["number"]


def stored_entry(row: asyncpg.Record) -> StoredEntry:
    number, event_id, recorded_at, kind, content_hash, hash, salt, content, time, *rest = row
    link = Link(number, event_id, recorded_at, kind, content_hash, hash)
    return StoredEntry(link, salt, content, None if time is None else Columns(time, *rest))


async def removed_ranges(pool: Pool) -> list[str]:
    """What entries about removed contents name. What cannot be read of them is found by the check itself."""
    rows = await pool.fetch(
        f"select e.kind, c.content from {SCHEMA}.entries e join {SCHEMA}.contents c on c.number = e.number"  # noqa: S608
        " where e.kind = $1",
        CONTENTS_REMOVED,
    )
    found = []
    for row in rows:
        try:
            ranges = removed_by(row["kind"], row["content"])
        except (ValueError, KeyError, TypeError):
            continue
        if ranges is not None:
            found.append(ranges)
    return found


async def heads_of_database(pool: Pool) -> list[SignedHead]:
    rows = await pool.fetch("select statement, signature, key from heads order by ordinal")
    return [SignedHead(*row) for row in rows]


def heads_of_folder(folder: Path) -> tuple[list[SignedHead], list[str]]:
    """The heads in a folder, and the names of files that are none."""
    heads, wrong = [], []
    for file in sorted(folder.glob("head-*.json")):
        try:
            heads.append(SignedHead.decode(file.read_bytes()))
        except ValueError:
            wrong.append(file.name)
    return heads, wrong
