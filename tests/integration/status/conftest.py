"""A status service's parts on real servers, and its rows as text."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg
import nats
import pytest
from nats.aio.client import Client

from services.status.app import FOR_QUERIES, Parts, assemble
from services.status.store import PROJECTION
from shared.bus import Bus
from shared.database import Pool, open_pool
from shared.feed import RawMessage
from shared.provision import provision
from shared.subjects import RUNS
from tests.support.servers import PostgresServer


@pytest.fixture
def status_url(postgres: PostgresServer, database_name: str) -> str:
    return postgres.url("status", database_name)


@pytest.fixture
async def pool(status_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(status_url, settings=FOR_QUERIES)
    yield pool
    pool.terminate()


@pytest.fixture
async def bus(bus_url: str) -> AsyncIterator[Bus]:
    await provision(bus_url, [])
    async with connected(bus_url) as bus:
        yield bus


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Bus]:
    client: Client = await nats.connect(url, max_reconnect_attempts=-1, reconnect_time_wait=0.05)
    bus = Bus(client)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()
        await client.close()


@asynccontextmanager
async def projecting(bus: Bus, pool: Pool) -> AsyncIterator[Parts]:
    """The parts of a replica, with its background tasks running."""
    parts = assemble(bus, pool, lambda _: None)
    tasks = [
        asyncio.create_task(work)
        for work in (parts.projector.run(), parts.dead_letters.run(), parts.rebuilds.run())
    ]
    try:
        yield parts
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def publish(bus: Bus, messages: Iterable[tuple[str, bytes]]) -> int:
    """Store `messages` in RUNS in their order; returns the last sequence."""
    sequence = 0
    for subject, payload in messages:
        sequence = await bus.publish(subject, payload)
    return sequence


async def rows(pool: Pool) -> dict[str, list[str]]:
    """Every row of the projection as text, sorted."""
    return {
        table: sorted(row[0] for row in await pool.fetch(f"select t::text from {table} t"))
        for table in PROJECTION
    }


async def archived(pool: Pool) -> list[RawMessage]:
    found = await pool.fetch("select sequence, subject, time, payload from archive order by sequence")
    return [RawMessage(*row) for row in found]


async def eventually(pool: asyncpg.Pool, statement: str, wanted: object, seconds: float = 30) -> None:
    """Wait until `statement` gives `wanted`."""
    found = None
    for _ in range(int(seconds / 0.02)):
        found = await pool.fetchval(statement)
        if found == wanted:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{statement} gives {found}, not {wanted}")


__all__ = ["RUNS", "archived", "connected", "eventually", "projecting", "publish", "rows"]
