"""Readers of streams: each message once, whoever leads, and places that an older version has left."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import nats
import pytest
from nats.aio.client import Client

from services.reporting.app import MIGRATIONS
from services.reporting.following.follower import Followed, Follower
from services.reporting.following.lead import keep_leading
from services.reporting.following.places import wait_until_read
from shared.database import Pool, migrate, open_pool
from shared.errors import TagwerkError
from shared.feed import RawMessage
from tests.integration.reporting.conftest import until
from tests.support.servers import PostgresServer

STREAM, READER = "NEWS", "alerts"


class Readers:
    """Processes that read a stream under one name, and what they write of it."""

    def __init__(self, nc: Client, url: str, pool: Pool) -> None:
        self.nc = nc
        self._url = url
        self.pool = pool
        #: What is stored of the place whenever a batch is read.
        self.places: list[int] = []
        self.refusals = 0

    async def publish(self, *messages: bytes) -> None:
        for message in messages:
            await self.nc.jetstream().publish("news.of", message)

    @asynccontextmanager
    async def reading(self, replicas: int = 1, *, unwritten: int = 0) -> AsyncIterator[None]:
        followed = Followed(STREAM, self._read, self._write, forget="delete from news")
        async with asyncio.TaskGroup() as tasks:
            begun = [
                tasks.create_task(
                    keep_leading(
                        self._url, READER, Follower(self.nc, READER, [followed], unwritten=unwritten).follow
                    )
                )
                for _ in range(replicas)
            ]
            yield
            for task in begun:
                task.cancel()

    async def knows(self, *texts: str) -> None:
        async def told() -> bool:
            return await self.known() == list(texts)

        await until(told)

    async def known(self) -> list[str]:
        return [row["text"] for row in await self.pool.fetch("select text from news order by sequence")]

    async def place(self) -> int:
        stored = "select sequence from followed where reader = $1 and stream = $2"
        return int(await self.pool.fetchval(stored, READER, STREAM))

    async def caught_up(self, seconds: float) -> None:
        await wait_until_read(self.nc, self.pool, READER, [STREAM], seconds)

    async def _read(self, batch: Sequence[RawMessage]) -> Sequence[RawMessage]:
        self.places.append(await self.place())
        return [raw for raw in batch if raw.payload != b"nothing"]

    async def _write(self, connection: Any, told: Sequence[RawMessage]) -> None:
        for raw in told:
            await connection.execute("insert into news values ($1, $2)", raw.sequence, raw.payload.decode())
        if self.refusals:
            self.refusals -= 1
            raise asyncpg.DiskFullError("no space left")


@pytest.fixture
async def readers(bus_url: str, postgres: PostgresServer, database_name: str) -> AsyncIterator[Readers]:
    nc = await nats.connect(bus_url)
    url = postgres.url("reporting", database_name)
    pool = await open_pool(url, max_size=2)
    await pool.execute("create table news (sequence bigint, text text)")
    await make_stream(nc)
    yield Readers(nc, url, pool)
    await pool.close()
    await nc.close()


async def make_stream(nc: Client) -> None:
    await nc.jetstream().add_stream(name=STREAM, subjects=["news.>"])


async def test_each_message_is_written_once_whoever_leads_and_whatever_fails(readers: Readers) -> None:
    readers.refusals = 1
    await readers.publish(b"one", b"two")
    async with readers.reading(replicas=2):
        await readers.knows("one", "two")
        assert readers.refusals == 0
        # The one that leads loses its connection: it or the other goes on from the place.
        assert await readers.pool.fetchval(
            "select count(pg_terminate_backend(pid)) from pg_locks where locktype = 'advisory' and granted"
            " and database = (select oid from pg_database where datname = current_database())"
        )
        await readers.publish(b"three")
        await readers.knows("one", "two", "three")
        await readers.caught_up(20)

    # While nobody reads, the stream is made anew.
    await readers.nc.jetstream().delete_stream(STREAM)
    await make_stream(readers.nc)
    await readers.publish(b"new")
    async with readers.reading():
        await readers.knows("new")


async def test_messages_that_tell_nothing_are_noted_with_the_next_that_does(readers: Readers) -> None:
    await readers.publish(b"one")
    async with readers.reading(unwritten=3):
        await readers.knows("one")
        await readers.publish(b"nothing", b"nothing")
        await readers.publish(b"two")
        await readers.knows("one", "two")
        assert set(readers.places) <= {0, 1}, "the two were noted for themselves"
        await readers.publish(*[b"nothing"] * 3)
        await until(partial(is_at, readers, 7))


async def is_at(readers: Readers, sequence: int) -> bool:
    return await readers.place() == sequence


async def test_nobody_waits_for_what_was_deleted_before_it_was_read(readers: Readers) -> None:
    await readers.publish(b"one")
    async with readers.reading():
        await readers.caught_up(20)
    await readers.publish(b"replayed")
    await readers.nc.jetstream().delete_msg(STREAM, 2)
    with pytest.raises(TagwerkError, match="has not read yet") as caught:
        await readers.caught_up(0.01)
    assert (caught.value.failure.code, caught.value.failure.concern) == ("exceptions_behind", STREAM)
    async with readers.reading():
        await readers.caught_up(20)
    assert await readers.known() == ["one"]


async def test_places_of_an_older_version_are_kept(
    postgres: PostgresServer, bare_database_name: str, tmp_path: Path
) -> None:
    url = postgres.url("reporting", bare_database_name)
    before = tmp_path / "reporting" / "migrations"
    before.mkdir(parents=True)
    for file in sorted(MIGRATIONS.glob("000[1-4]_*.sql")):
        shutil.copy(file, before)
    await migrate(url, "reporting", before)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("set search_path to reporting")
        await connection.execute("insert into followed values ('RUNS', 'monday', 7), ('DEAD', 'monday', 0)")
        await connection.execute("insert into alert_checkpoints values ('RUNS', 'monday', 5)")
        assert "reporting/0005_places_of_readers.sql" in await migrate(url, "reporting", MIGRATIONS)
        # Alerts of an earlier version go on until none of its replicas runs any more.
        assert await connection.fetchval("select count(*) from alert_checkpoints") == 1
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(
                "insert into followed (stream, created, sequence) values ('RUNS', 'monday', 8)"
                " on conflict (stream) do update set sequence = excluded.sequence"
            )
        await migrate(url, "reporting", MIGRATIONS, contract=True)
        assert await connection.fetchval("select to_regclass('alert_checkpoints')") is None
        rows = await connection.fetch("select reader, stream, created, sequence from followed order by 1, 2")
        assert [tuple(row) for row in rows] == [
            ("alerts", "RUNS", "monday", 5),
            ("reporting", "DEAD", "monday", 0),
            ("reporting", "RUNS", "monday", 7),
        ]
    finally:
        await connection.close()
