"""The bus, the database and the scheduler go away in the middle of work, and come back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared.events import AttemptFailed, Due, Started
from shared.words import Outcome, RunState
from tests.conftest import MakeNatsServer
from tests.support.engine import Engine
from tests.support.servers import NatsServer, PostgresServer


@pytest.fixture
def server(make_nats_server: MakeNatsServer) -> NatsServer:
    """A nats-server of the test's own, which it may kill."""
    return make_nats_server()


@pytest.fixture
async def on_its_own(server: NatsServer, database_url: str, tmp_path: Path) -> AsyncIterator[Engine]:
    async with Engine(server.url(), database_url, tmp_path) as engine:
        yield engine


async def test_nats_killed_while_attempts_work_and_a_retry_waits(
    server: NatsServer, on_its_own: Engine
) -> None:
    engine = on_its_own
    await engine.start()
    working = await engine.request("lab.store", keys=[f"k{n}" for n in range(30)], pause=0.05)
    waiting = await engine.request("lab.patient", fails=1)
    await engine.until("lab.store", working.request.run_id, lambda told: len(told.records) > 2)
    await engine.until("lab.patient", waiting.request.run_id, lambda told: "attempt_failed" in told.types)
    server.kill()
    await asyncio.sleep(0.5)
    server.start()
    stored = await engine.ended("lab.store", working.request.run_id)
    assert stored.end.state is RunState.SUCCEEDED
    assert sorted(r.key for r in stored.records if r.outcome is Outcome.CREATED) == sorted(
        f"k{n}" for n in range(30)
    )
    retried = await engine.ended("lab.patient", waiting.request.run_id)
    assert retried.types == [
        "requested", "started", "attempt_failed", "due", "started", "recorded", "finished",
    ]  # fmt: skip
    (failed,) = (event for event in retried.events if isinstance(event, AttemptFailed))
    (due,) = (event for event in retried.events if isinstance(event, Due))
    assert due.time >= failed.next_attempt_at


async def test_postgresql_restarted_while_a_job_stores(engine: Engine, postgres: PostgresServer) -> None:
    await engine.start()
    keys = [f"k{n}" for n in range(40)]
    run = await engine.request("lab.store", keys=keys, pause=0.05)
    await engine.until("lab.store", run.request.run_id, lambda told: len(told.records) > 2)
    # In this thread: the server dies with the thread that started it.
    postgres.stop()
    await asyncio.sleep(0.7)
    postgres.start()
    told = await engine.ended("lab.store", run.request.run_id)
    assert told.end.state is RunState.SUCCEEDED
    failed = [event.failure for event in told.events if isinstance(event, AttemptFailed)]
    assert failed
    assert {failure.code for failure in failed} == {"database_unavailable"}
    assert all(failure.retryable for failure in failed)
    assert not any(event.crashes for event in told.events if isinstance(event, Started))
    created = [record.key for record in told.records if record.outcome is Outcome.CREATED]
    assert sorted(created) == sorted(keys)


async def test_a_killed_scheduler_s_retries_are_released_by_the_next(engine: Engine) -> None:
    await engine.start("lab")
    scheduler = await engine.spawn("scheduler")
    runs = [await engine.request("lab.patient", fails=1) for _ in range(5)]
    for run in runs:
        await engine.until("lab.patient", run.request.run_id, lambda told: "attempt_failed" in told.types)
    await scheduler.end()
    await engine.start("scheduler")
    for run in runs:
        told = await engine.ended("lab.patient", run.request.run_id)
        assert told.end.state is RunState.SUCCEEDED
        assert told.types.count("due") == 1
        assert told.attempts == [1, 2]


async def test_a_cancel_while_the_outbox_is_blocked_ends_the_run_once_it_is_free(
    engine: Engine, database_url: str
) -> None:
    await engine.start()
    blocker = await asyncpg.connect(database_url)
    run = await engine.request("lab.store", keys=[f"k{n}" for n in range(200)], pause=0.05)
    await engine.until("lab.store", run.request.run_id, lambda told: len(told.records) > 2)
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("lock table lab.outbox in access exclusive mode")
    await engine.cancel("lab.store", run.request.run_id)
    await asyncio.sleep(1)
    assert (await engine.told("lab.store", run.request.run_id)).finished is None
    await transaction.rollback()
    await blocker.close()
    told = await engine.ended("lab.store", run.request.run_id)
    assert told.end.state is RunState.CANCELLED
    await asyncio.sleep(0.3)
    told = await engine.told("lab.store", run.request.run_id)
    # Every outcome stands before the end, and nothing after it.
    assert told.types.count("finished") == 1
    assert told.types[-1] == "finished"
    assert told.attempts == [1]


async def test_effects_that_store_something_do_not_wait_for_each_other_s_connections(
    engine: Engine,
) -> None:
    await engine.start()
    runs = [await engine.request("lab.send-and-store", letter=f"l{n}", pause=0.3) for n in range(24)]
    for run in runs:
        told = await engine.ended("lab.send-and-store", run.request.run_id)
        assert told.end.state is RunState.SUCCEEDED
        assert told.attempts == [1]
