"""Named queries: SQLite and PostgreSQL, reading only, with a time-out and a limit of rows."""

import asyncio
import sqlite3
import time
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.mqtt_bridge.agent.core import Result, Unfinished, numbered, rows_as_items
from services.mqtt_bridge.agent.registry import SqlAction
from services.mqtt_bridge.agent.registry_file import read_secret


async def run_query(action: SqlAction, values: Mapping[str, Any]) -> Result:
    """Raises `Unfinished`; nothing was changed then, nor otherwise."""
    address = read_secret(action.database)
    if address.startswith("sqlite:///"):
        columns, rows = await asyncio.to_thread(_sqlite, action, Path(address[10:]), values)
    elif address.startswith(("postgresql://", "postgres://")):
        columns, rows = await _postgres(action, address, values)
    else:
        raise Unfinished(
            "agent_database_unknown",
            "the address of the database begins neither with sqlite:/// nor with postgresql://",
            "Correct it on the agent's machine.",
        )
    if not columns:
        raise _failed("the query gives no columns")
    more = len(rows) > action.row_limit
    return Result(items=rows_as_items(columns, rows[: action.row_limit], action.key), more=more)


def _sqlite(
    action: SqlAction, path: Path, values: Mapping[str, Any]
) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    deadline = time.monotonic() + action.timeout
    try:
        database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=min(action.timeout, 10))
    except sqlite3.Error as error:
        raise _failed(f"the database {path} cannot be opened: {error}") from error
    try:
        database.execute("pragma query_only = on")
        # A query that computes for ever is ended by this, which is asked every so many steps.
        database.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        cursor = database.execute(action.query, {name: _bound(value) for name, value in values.items()})
        rows = cursor.fetchmany(action.row_limit + 1)
        return [column[0] for column in cursor.description or ()], rows
    except sqlite3.Error as error:
        if time.monotonic() > deadline:
            raise _failed(f"it took longer than {action.timeout:g} s") from error
        raise _failed(str(error)) from error
    finally:
        database.close()


def _bound(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


async def _postgres(
    action: SqlAction, address: str, values: Mapping[str, Any]
) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    # Only where it is needed: many agents have no PostgreSQL.
    import asyncpg

    query, names = numbered(action.query)
    try:
        async with asyncio.timeout(action.timeout):
            connection = await asyncpg.connect(address)
            try:
                async with connection.transaction(readonly=True):
                    statement = await connection.prepare(query)
                    cursor = await statement.cursor(*(values[name] for name in names))
                    rows = await cursor.fetch(action.row_limit + 1)
                    return [attribute.name for attribute in statement.get_attributes()], rows_of(rows)
            finally:
                connection.terminate()
    except TimeoutError as error:
        raise _failed(f"it took longer than {action.timeout:g} s") from error
    except (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        OSError,
    ) as error:
        raise _failed(str(error)) from error


def rows_of(rows: Sequence[Any]) -> Sequence[Sequence[Any]]:
    return [tuple(row.values()) for row in rows]


def _failed(cause: str) -> Unfinished:
    return Unfinished(
        "agent_query_failed",
        f"the query failed: {cause}",
        "Check the database and the query in the agent's file.",
    )
