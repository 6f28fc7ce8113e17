"""The status service as a process of its own: asked over the bus, killed at any moment."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import pytest

from shared import subjects
from shared.bus import Bus
from shared.commands import (
    CallsPage,
    CallsQuery,
    ChangesQuery,
    EventsPage,
    EventsQuery,
    LogsPage,
    LogsQuery,
    Rebuild,
    RebuildReport,
    RecordsPage,
    RecordsQuery,
    RunDetail,
    RunQuery,
    RunsPage,
    RunsQuery,
)
from shared.database import Pool
from shared.errors import TagwerkError
from shared.settings import Settings
from tests.integration.status.conftest import archived, publish, rows
from tests.integration.status.test_projector import shuffled, whole_run
from tests.support.nursery import Newborn, Nursery, environment_of
from tests.support.run_events import RunTeller

#: Messages that wait for the projector at most: some of its largest batches.
AHEAD = 4_000


class StartStatus(Protocol):
    def __call__(self) -> AbstractAsyncContextManager[Newborn]: ...


@pytest.fixture
def status_process(nursery: Nursery, bus_url: str, status_url: str) -> StartStatus:
    """The service as a process of its own, within a block."""

    @asynccontextmanager
    async def start() -> AsyncIterator[Newborn]:
        settings = Settings(
            nats_url=bus_url, database_url=status_url, files_url="memory:///", log_level="warning"
        )
        process = await nursery.start("status", environment_of(settings))
        try:
            yield process
        finally:
            await process.end()

    return start


async def until_ready(bus: Bus) -> None:
    for _ in range(1500):
        try:
            await bus.nc.request("health.status", b"", timeout=1)
            return
        except Exception:
            await asyncio.sleep(0.02)
    raise TimeoutError("the status service is not ready")


async def beyond(pool: Pool, sequence: int) -> int:
    """The checkpoint, once it has left `sequence` behind."""
    for _ in range(4000):
        found: int = await pool.fetchval("select sequence from checkpoint") or 0
        if found > sequence:
            return found
        await asyncio.sleep(0.005)
    raise TimeoutError(f"the projection stays at {sequence}")


async def test_every_query_is_answered_over_the_bus(
    bus: Bus, pool: Pool, status_process: StartStatus
) -> None:
    run = whole_run("a")
    async with status_process() as process:
        await until_ready(bus)
        at = await publish(bus, run.messages)
        id = run.run_id
        ask = bus.ask
        page = await ask(subjects.query("status", "runs"), RunsQuery(at_least=at), RunsPage)
        assert [item.run_id for item in page.items] == [id]
        detail = await ask(subjects.query("status", "run"), RunQuery(run_id=id), RunDetail)
        assert len(detail.answers) == 7
        records = await ask(subjects.query("status", "records"), RecordsQuery(run_id=id), RecordsPage)
        assert [(r.key, r.outcome, r.position) for r in records.items] == [
            ("a/1", "created", 1), ("a/2", "updated", 2), ("a/3", "updated", 3),
        ]  # fmt: skip
        changes = await ask(subjects.query("status", "changes"), ChangesQuery(run_id=id), RecordsPage)
        assert len(changes.items) == 3
        calls = await ask(subjects.query("status", "calls"), CallsQuery(run_id=id), CallsPage)
        assert [call.system for call in calls.items] == ["mail-server"]
        logs = await ask(subjects.query("status", "logs"), LogsQuery(run_id=id), LogsPage)
        assert [line.fields for line in logs.items] == [{"seconds": 3}]
        events = await ask(subjects.query("status", "events"), EventsQuery(run_id=id), EventsPage)
        assert len(events.items) == len(run.messages)
        report = await ask(subjects.REBUILD, Rebuild(principal="ada"), RebuildReport)
        assert (report.events, report.runs) == (len(run.messages), 1)
        with pytest.raises(TagwerkError) as refused:
            await ask(subjects.query("status", "runs"), RunsQuery(cursor="nonsense"), RunsPage)
        assert refused.value.failure.code == "cursor_invalid"
        assert await process.end(signal.SIGTERM) == 0


async def test_rows_equal_a_rebuild_after_kills_in_mid_batch(
    bus: Bus, pool: Pool, status_process: StartStatus
) -> None:
    chance = random.Random(4711)
    enough = asyncio.Event()
    runs = 0

    async def publish_until_enough() -> int:
        nonlocal runs
        last = 0
        while not enough.is_set():
            if last - (await pool.fetchval("select max(sequence) from checkpoint") or 0) > AHEAD:
                # More would make no batch any larger, and the rebuild longer.
                await asyncio.sleep(0.02)
                continue
            messages = shuffled(*(whole_run(str(runs + n)) for n in range(8)))
            runs += 8
            acks = await asyncio.gather(*(bus.publish(subject, payload) for subject, payload in messages))
            last = max(acks)
            await asyncio.sleep(0.01)
        return last

    publishing = asyncio.create_task(publish_until_enough())
    reached = 0
    for _ in range(4):
        async with status_process() as process:
            reached = await beyond(pool, reached)
            await asyncio.sleep(chance.random() * 0.05)
            await process.end()
    enough.set()
    last = await publishing
    async with status_process():
        await until_ready(bus)
        late = RunTeller("late").requested()
        at = await publish(bus, late.messages)
        assert at == last + 1
        await beyond(pool, last)
        before = await rows(pool)
        await bus.ask(subjects.REBUILD, Rebuild(principal="ada"), RebuildReport, timeout=30)
        assert await rows(pool) == before
    assert len(before["runs"]) == runs + 1
    assert len(before["calls"]) == runs
    assert [raw.sequence for raw in await archived(pool)] == list(range(1, at + 1))
