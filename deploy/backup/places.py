"""Where an installation keeps what it knows: bus, database, files."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import asyncpg
import nats
from nats.aio.client import Client

from deploy.local.postgres_home import wheel_binaries
from shared.errors import TagwerkError


@dataclass(frozen=True, slots=True)
class Places:
    #: Address of the bus for its administrator.
    nats_url: str
    #: Address of the database, for a role that may read all of it (backup) or make it (restore).
    database_url: str
    #: As the services have it: `file:///folder` or `s3://bucket/prefix`.
    files_url: str

    async def bus(self) -> Client:
        return await nats.connect(self.nats_url, name="tagwerk-backup", connect_timeout=10)

    async def database(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.database_url)


def postgres_program(name: str) -> str:
    """`pg_dump` or `pg_restore`: the wheel's, else the machine's. Raises `postgres_program_missing`."""
    try:
        return str(wheel_binaries() / "bin" / name)
    except TagwerkError:
        found = shutil.which(name)
    if found is None:
        raise TagwerkError(
            "postgres_program_missing",
            f"there is no {name} here",
            concern=name,
            next_step="Install PostgreSQL's client programs, of the server's version or newer.",
        )
    return found


def program_environment(url: str) -> dict[str, str]:
    """What tells a program of PostgreSQL where to connect: a command line could be read by everybody."""
    address = urlsplit(url)
    told = {
        "PGHOST": address.hostname or "",
        "PGPORT": str(address.port or ""),
        "PGUSER": unquote(address.username or ""),
        "PGPASSWORD": unquote(address.password or ""),
        "PGDATABASE": unquote(address.path.removeprefix("/")),
        **{f"PG{name.upper()}": value for name, value in parse_qsl(address.query)},
    }
    return {**os.environ, **{name: value for name, value in told.items() if value}}


def of_folder(path: Path) -> str:
    """A folder as the files port names it."""
    return path.absolute().as_uri()


def with_database(server_url: str, database: str) -> str:
    """The address of a database of that server."""
    return urlsplit(server_url)._replace(path=f"/{quote(database, safe='')}").geturl()
