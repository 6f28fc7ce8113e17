"""The worker is killed in the middle of an import; nothing comes twice and nothing is lost."""

import asyncio
import signal
from collections import Counter

import asyncpg
import pytest

from shared.words import Outcome, RunState
from tests.integration.integrations.conftest import Installation
from tests.support.servers import PostgresServer

RATES = 90 * 30


@pytest.mark.parametrize(
    ("where", "batch"), [("before", 1), ("before", 4), ("inside", 3), ("after", 3), ("after", 6)]
)
async def test_an_import_that_is_killed_is_finished_by_another(
    installation: Installation, postgres: PostgresServer, database_name: str, where: str, batch: int
) -> None:
    dying = installation.spawn("-m", "tests.integration.integrations.dying_service", where, str(batch))
    run_id = await installation.request(since="2026-03-02", source="ecb")
    assert await asyncio.to_thread(dying.wait, 20) == -signal.SIGKILL
    connection = await asyncpg.connect(postgres.url("integrations", database_name))
    committed = batch if where == "after" else batch - 1
    assert await connection.fetchval("select count(*) from rates") == min(committed * 500, RATES)

    await installation.start()
    told = await installation.ended(run_id)
    assert told.end.state is RunState.SUCCEEDED
    assert told.attempts == [1, 2]
    assert await connection.fetchval("select count(*) from rates") == RATES
    assert await connection.fetchval("select count(*) from outbox") == 0
    await connection.close()
    assert {record.outcome for record in told.records} == {Outcome.CREATED}
    assert len({record.key for record in told.records}) == RATES
    named = Counter(
        (rate.currency, rate.day) for event in await installation.imported() for rate in event.rates
    )
    assert len(named) == RATES
    assert set(named.values()) == {1}, "each new rate is told to the others once"

    again = await installation.run(since="2026-03-02", source="ecb")
    assert {record.outcome for record in again.records} == {Outcome.UNCHANGED}
