"""A pool's connections carry nothing from one who used them to the next."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.database import Pool, open_pool, session
from tests.support.servers import PostgresServer

LOCK = "select pg_try_advisory_lock(4711)"


@pytest.fixture
async def pools(postgres: PostgresServer, database_name: str) -> AsyncIterator[tuple[Pool, Pool]]:
    """Two processes of one service, with one connection each."""
    url = postgres.url("gateway", database_name)
    one, other = await open_pool(url, max_size=1), await open_pool(url, max_size=1)
    yield one, other
    await asyncio.gather(one.close(), other.close())


async def test_locks_and_settings_end_with_the_session(pools: tuple[Pool, Pool]) -> None:
    one, other = pools
    async with session(one) as connection:
        assert await connection.fetchval(LOCK)
        await connection.execute("set statement_timeout = '7s'")
        assert not await other.fetchval(LOCK)
    assert await other.fetchval(LOCK)
    assert await one.fetchval("show statement_timeout") == "0"


async def test_a_session_that_is_broken_off_leaves_no_lock(pools: tuple[Pool, Pool]) -> None:
    one, other = pools
    locked = asyncio.Event()

    async def hold() -> None:
        async with session(one) as connection:
            await connection.fetchval(LOCK)
            locked.set()
            await connection.execute("select pg_sleep(60)")

    holding = asyncio.create_task(hold())
    await locked.wait()
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    # The server ends the session when it hears of it.
    await other.execute("select pg_advisory_lock(4711)", timeout=20)
    assert await one.fetchval("select 1") == 1


async def test_a_transaction_that_was_left_open_is_rolled_back(pools: tuple[Pool, Pool]) -> None:
    one, other = pools
    async with one.acquire() as connection:
        await connection.execute("create table left_behind (x int)")
        await connection.execute("begin")
        await connection.execute("insert into left_behind values (1)")
    assert await other.fetchval("select count(*) from left_behind") == 0
    assert not await one.fetchval("select count(*) from left_behind")
