"""The database into a file and back, by PostgreSQL's own programs."""

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg

from deploy.backup.manifest import Stream
from deploy.backup.places import postgres_program, program_environment
from shared.errors import TagwerkError


async def save_database(url: str, snapshot: str, path: Path) -> None:
    """Write what `snapshot` sees. Raises `TagwerkError` (`database_not_saved`)."""
    arguments = ["--format=custom", f"--snapshot={snapshot}", f"--file={path}"]
    failed = await _run("pg_dump", arguments, url)
    if failed:
        raise TagwerkError(
            "database_not_saved",
            f"pg_dump failed: {failed}",
            next_step="Check the room on the disk, and that the role may read every table.",
        )


async def restore_database(url: str, path: Path) -> None:
    """Into a database without tables. All or nothing. Raises `TagwerkError` (`database_not_restored`)."""
    arguments = [f"--dbname={urlsplit(url).path[1:]}", "--exit-on-error", "--single-transaction", str(path)]
    failed = await _run("pg_restore", arguments, url)
    if failed:
        raise TagwerkError(
            "database_not_restored",
            f"pg_restore failed: {failed}",
            next_step="Check the room on the disk, and that every role exists which the message names.",
        )


async def _run(program: str, arguments: list[str], url: str) -> str:
    """What it said if it failed, else nothing."""
    process = await asyncio.create_subprocess_exec(
        postgres_program(program), *arguments,
        env=program_environment(url), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
        raise
    if process.returncode == 0:
        return ""
    return said.decode(errors="replace").strip() or f"exit code {process.returncode}"


async def count_rows(connection: asyncpg.Connection) -> dict[str, int]:
    """`<schema>.<table>` -> rows, as the connection's transaction sees them; partitions with their table."""
    tables = await connection.fetch(_TABLES)
    return {
        name: await connection.fetchval(f"select count(*) from {name}")  # noqa: S608  (quoted by the server)
        for (name,) in tables
    }


_TABLES: Final = """
    select format('%I.%I', n.nspname, c.relname)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    order by 1
"""


async def refuse_used_database(connection: asyncpg.Connection) -> None:
    """Raises `TagwerkError` (`database_in_use`) if it has rows, other than that migrations were made."""
    rows = await count_rows(connection)
    used = sorted(name for name, count in rows.items() if count and not name.endswith(".migrations"))
    if used:
        raise TagwerkError(
            "database_in_use",
            f"the database holds rows already, in {', '.join(used[:5])}",
            concern=used[0],
            next_step="Restore to a new database; or drop this one first, if nobody needs it any more.",
        )


async def follow_restored_streams(
    connection: asyncpg.Connection, created: dict[str, str], streams: list[Stream]
) -> list[str]:
    """Tell whoever follows a stream that the restored one is the one that it followed.

    `created`: stream -> when it was made, as the server spells it. Readers keep that with their position, to
    notice a stream that is another one. The tables that were found.
    """
    tables = [name for (name,) in await connection.fetch(_FOLLOWING)]
    made_before = {stream.name for stream in streams}
    async with connection.transaction():
        for table in tables:
            for stream in made_before:
                await connection.execute(
                    f"update {table} set created = $1 where stream = $2",  # noqa: S608  (quoted by the server)
                    created[stream],
                    stream,
                )
    return tables


#: Tables with the position of a reader: `stream`, `created` and `sequence`.
_FOLLOWING: Final = """
    select format('%I.%I', table_schema, table_name)
    from information_schema.columns
    where column_name in ('stream', 'created', 'sequence') and table_schema !~ '^pg_'
    group by table_schema, table_name having count(*) = 3
    order by 1
"""
