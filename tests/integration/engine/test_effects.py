"""The ledger when the job is broken off at its most awkward moments."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from shared.database import Pool, open_pool
from shared.effects import Effects, effect_slots
from shared.events import Record
from shared.runner.context import RunContext
from shared.words import Outcome
from tests.support.servers import PostgresServer

RUN = UUID(int=7)


@pytest.fixture
async def pool(postgres: PostgresServer, database_name: str) -> AsyncIterator[Pool]:
    url = postgres.url("gateway", database_name)
    pool = await open_pool(url)
    yield pool
    await pool.close()


def ledger(pool: Pool) -> Effects:
    return Effects(pool, RunContext(RUN, 1, "lab.send", "main", "ada"), effect_slots(pool))


async def state(pool: Pool) -> str | None:
    found: str | None = await pool.fetchval("select state from effects where effect = 'send:x'")
    return found


async def test_a_job_broken_off_at_a_yield_inside_an_effect_leaves_it_in_doubt(pool: Pool) -> None:
    effects = ledger(pool)

    async def job() -> AsyncIterator[Record]:
        async with effects.once("send:x", record="letter:x") as effect:
            yield effect.result(Record(key="letter:x", outcome=Outcome.CREATED))

    running = job()
    await anext(running)
    await running.aclose()  # type: ignore[attr-defined]
    assert [doubt.effect for doubt in effects.in_doubt] == ["send:x"]
    assert await state(pool) == "unknown"


async def test_a_cancel_while_the_end_of_an_effect_is_written_down_does_not_make_it_doubtful(
    pool: Pool, postgres: PostgresServer, database_name: str
) -> None:
    effects = ledger(pool)
    done = asyncio.Event()
    blocker = await asyncpg.connect(postgres.url("gateway", database_name))
    transaction = blocker.transaction()

    async def job() -> None:
        async with effects.once("send:x", record="letter:x"):
            await transaction.start()
            await blocker.execute("select * from effects for update")
            done.set()

    running = asyncio.create_task(job())
    await done.wait()
    await asyncio.sleep(0.2)
    running.cancel()
    await asyncio.sleep(0.2)
    await transaction.rollback()
    await blocker.close()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await state(pool) == "done"
    assert effects.in_doubt == []
