"""The database's roles: one per service, each the owner of its own schema and a stranger in the others.

The audit log lies in a schema that none of them owns: the audit service may read and append, `audit_keeper`
may besides remove contents whose time is over, and nobody may change anything.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import asyncpg

from shared.database import migrate

#: The role through which contents of the audit log are removed.
AUDIT_KEEPER: Final = "audit_keeper"
#: The service whose log that is, the schema of the log, and what it is made of.
_AUDIT: Final = "audit"
_AUDIT_LOG: Final = "audit_log"
#: Databases that each server has, for its administrators.
_OF_THE_SERVER: Final = ("postgres", "template1")
_AUDIT_TABLES: Final = Path(__file__).parents[1] / "services" / "audit" / "log"


async def provision_database(server_url: str, roles: Mapping[str, str], database: str) -> None:
    """Create the database and a role with a schema for each of `roles` (name -> password), or mend them.

    `server_url` is that of a role which may create databases and roles. Idempotent, so a start killed in
    between is mended by the next one.
    """
    server = await asyncpg.connect(server_url)
    try:
        if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            await server.execute(f"CREATE DATABASE {_identifier(database)}")
    finally:
        await server.close()
    connection = await asyncpg.connect(server_url, database=database)
    try:
        async with connection.transaction():
            await _provision_roles(connection, roles)
            await _let_in_only(connection, database, roles)
    finally:
        await connection.close()
    if {_AUDIT, AUDIT_KEEPER} <= set(roles):
        await migrate(server_url, _AUDIT_LOG, _AUDIT_TABLES, database=database)


async def empty_database(
    server_url: str,
    roles: Mapping[str, str],
    database: str,
    refuse: Callable[[asyncpg.Connection], Awaitable[None]],
) -> None:
    """Create the database without schemas, for a backup to bring them, and its roles, or mend them.

    One that is there is made anew, unless `refuse` raises, which is given a connection to it.
    """
    server = await asyncpg.connect(server_url)
    try:
        if await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
            connection = await asyncpg.connect(server_url, database=database)
            try:
                await refuse(connection)
            finally:
                await connection.close()
            await server.execute(f"DROP DATABASE {_identifier(database)}")
        await server.execute(f"CREATE DATABASE {_identifier(database)}")
        for role, password in roles.items():
            await _ensure_role(server, role, password)
    finally:
        await server.close()
    connection = await asyncpg.connect(server_url, database=database)
    try:
        await _let_in_only(connection, database, roles)
    finally:
        await connection.close()


async def _provision_roles(connection: asyncpg.Connection, roles: Mapping[str, str]) -> None:
    for role, password in roles.items():
        await _ensure_role(connection, role, password)
        if role == AUDIT_KEEPER:
            continue
        name = _identifier(role)
        await connection.execute(f"ALTER ROLE {name} SET search_path = {name}")
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name} AUTHORIZATION {name}")


async def _ensure_role(connection: asyncpg.Connection, role: str, password: str) -> None:
    name = _identifier(role)
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(f"CREATE ROLE {name}")
    # The server hashes it (scram-sha-256); a utility statement takes no parameters.
    literal = await connection.fetchval("SELECT quote_literal($1::text)", password)
    await connection.execute(f"ALTER ROLE {name} LOGIN PASSWORD {literal}")


async def _let_in_only(connection: asyncpg.Connection, database: str, roles: Mapping[str, str]) -> None:
    """Besides, everybody may enter the databases that each server has."""
    name = _identifier(database)
    await connection.execute(f"REVOKE ALL ON DATABASE {name}, {', '.join(_OF_THE_SERVER)} FROM PUBLIC")
    for role in roles:
        await connection.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {_identifier(role)}")


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
