"""PostgreSQL: a pool per service, and migrations that run once, in order, whoever starts first."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog

from shared.errors import TagwerkError

log = structlog.get_logger(__name__)

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    # The class takes no type arguments while running.
    Pool = asyncpg.Pool

#: Tables that every service with a database has: outbox, effects, fences.
SHARED_MIGRATIONS = Path(__file__).parent / "migrations"


#: What asyncpg raises of a statement or a connection; sockets raise `OSError` besides.
DATABASE_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # Where the server ends a connection at the moment at which a statement begins.
    asyncpg.InternalClientError,
)

_OUTSIDE: Final = "-- outside a transaction\n"
_CONTRACT: Final = "-- contract\n"
#: Seconds between two looks whether it is this replica's turn to migrate.
_TURN: Final = 0.2


class DatabaseUnavailable(TagwerkError, ConnectionError):
    """No connection came about; a `ConnectionError` too, for who waits for any of those."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            "database_unavailable",
            cause,
            concern="postgresql",
            next_step="Check that PostgreSQL runs; Tagwerk tries again by itself where that is safe.",
            retryable=True,
        )


async def open_pool(url: str, *, max_size: int = 8, settings: Mapping[str, str] | None = None) -> Pool:
    """A pool of at most `max_size` connections to the database at `url`, with these settings of PostgreSQL.

    Acquiring one raises `DatabaseUnavailable` where a bare socket error would not say what is away. What
    outlives a transaction (locks and settings of the session) belongs on a connection from `session` alone.
    """
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=max_size,
        connect=_connect,
        reset=_keep,
        server_settings=dict(settings or {}),
    )


@asynccontextmanager
async def session(pool: Pool) -> AsyncIterator["Connection"]:
    """A connection of the pool whose locks and settings end with the block, however it ends."""
    async with pool.acquire() as connection:
        try:
            yield connection
        finally:
            await _end_session(connection)


async def _end_session(connection: "Connection") -> None:
    try:
        await connection.reset()
    except (*DATABASE_ERRORS, OSError):
        _break_off(connection)
    except asyncio.CancelledError:
        _break_off(connection)
        raise


def _break_off(connection: "Connection") -> None:
    """The server ends the session with the connection."""
    # The pool may have dropped it already.
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


async def _keep(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nothing to reset: asyncpg rolls back an open transaction by itself, and clearing a session that nobody
    has changed would cost every query a second round trip."""


async def _connect(*arguments: Any, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":
    try:
        return await asyncpg.connect(*arguments, **options)
    except OSError as error:
        raise DatabaseUnavailable(str(error)) from error


async def migrate(
    url: str,
    schema: str,
    folder: Path,
    *,
    database: str | None = None,
    role: str | None = None,
    contract: bool = False,
) -> list[str]:
    """Run the files `NNNN_name.sql` of `folder` that this schema has not seen; returns their names. In the
    database that `url` names, or in `database`, as the role of `url`, or as `role`.

    A file that begins with the line `-- contract` takes away what an earlier version still uses, so it waits
    until `contract` says that none runs any more. A schema that has seen none of the files gets them all.

    Each runs in one transaction with its entry in `<schema>.migrations`; one that begins with the line
    `-- outside a transaction` runs statement by statement, so that it may build indexes while others read and
    write. It has to be repeatable from its beginning: killed half-way, it runs again. Replicas that start at
    the same time wait for each other on an advisory lock.
    """
    connection = await asyncpg.connect(url, database=database)
    try:
        if role is not None:
            await connection.execute(f'set role "{role}"')
        # Waiting within a statement would hold a snapshot, whose end a concurrent build of an index awaits.
        while not await connection.fetchval(  # noqa: ASYNC110  (nobody tells)
            "select pg_try_advisory_lock(hashtext($1))", f"tagwerk-migrate-{schema}"
        ):
            await asyncio.sleep(_TURN)
        # `create schema if not exists` asks for the right to create one even where it exists.
        if not await connection.fetchval("select to_regnamespace($1)", schema):
            await connection.execute(f'create schema "{schema}"')
        await connection.execute(f'set search_path to "{schema}"')
        await connection.execute(
            "create table if not exists migrations"
            " (name text primary key, applied_at timestamptz not null default now())"
        )
        known = {row["name"] for row in await connection.fetch("select name from migrations")}
        first = not any(name.startswith(f"{folder.parent.name}/") for name in known)
        applied = []
        for file in sorted(folder.glob("[0-9]*.sql")):
            name = f"{folder.parent.name}/{file.name}"
            if name in known:
                continue
            text = file.read_text()
            if text.startswith(_CONTRACT) and not (contract or first):
                continue
            text = text.removeprefix(_CONTRACT)
            done = "insert into migrations (name) values ($1)"
            if text.startswith(_OUTSIDE):
                for statement in text.strip().removesuffix(";").split(";\n"):
                    await connection.execute(statement)
                await connection.execute(done, name)
            else:
                async with connection.transaction():
                    await connection.execute(text)
                    await connection.execute(done, name)
            applied.append(name)
            log.info("applied a migration", schema=schema, migration=name)
        return applied
    finally:
        await connection.close()
