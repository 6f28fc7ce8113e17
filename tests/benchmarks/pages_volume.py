"""A status database as it is after two years of an installation, made with set-based SQL."""

from dataclasses import dataclass
from pathlib import Path

import asyncpg

_SCRIPT = Path(__file__).with_name("installation_of_years.sql")
_FILLED = ("runs", "run_about", "records", "calls", "totals")


@dataclass(frozen=True, slots=True)
class Installation:
    jobs: int = 200
    runs: int = 1_000_000
    records: int = 10_000_000


async def fill(url: str, size: Installation) -> None:
    """Fill the empty status database at `url`. Indexes are made afterwards, at once."""
    script = _SCRIPT.read_text()
    for name in ("jobs", "runs", "records"):
        script = script.replace(f":{name}", str(getattr(size, name)))
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("set work_mem = '256MB'; set maintenance_work_mem = '512MB'")
        await connection.execute("set synchronous_commit = off; set jit = off")
        # The same installation each time.
        await connection.execute("select setseed(0.4)")
        again = await _drop_indexes(connection)
        await connection.execute(script)
        for statement in again:
            await connection.execute(statement)
        for table in _FILLED:
            await connection.execute(f"vacuum analyze {table}")
    finally:
        await connection.close()


async def _drop_indexes(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Drop the indexes of the tables that are filled; returns what makes them again."""
    constraints = await connection.fetch(
        "select conrelid::regclass::text as table, conname as name, pg_get_constraintdef(oid) as definition"
        " from pg_constraint where conrelid = any($1::regclass[]) and contype = 'p'",
        list(_FILLED),
    )
    indexes = await connection.fetch(
        "select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index"
        " where indrelid = any($1::regclass[]) and not indisprimary",
        list(_FILLED),
    )
    for row in constraints:
        await connection.execute(f"alter table {row['table']} drop constraint {row['name']}")
    for row in indexes:
        await connection.execute(f"drop index {row['name']}")
    return [
        *(
            f"alter table {row['table']} add constraint {row['name']} {row['definition']}"
            for row in constraints
        ),
        *(row["definition"] for row in indexes),
    ]
