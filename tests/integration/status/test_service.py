"""The status service as a process of its own: asked over the bus, killed at any moment."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
from tests.integration.status.conftest import archived, publish, rows
from tests.integration.status.test_projector import shuffled, whole_run
from tests.support.run_events import RunTeller

#: Messages that wait for the projector at most: some of its largest batches.
AHEAD = 4_000

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def status_process(nats_url: str, database_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {
        **os.environ,
        "TAGWERK_NATS_URL": nats_url,
        "TAGWERK_DATABASE_URL": database_url,
        "TAGWERK_FILES_URL": "memory:///",
        "TAGWERK_LOG_LEVEL": "warning",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.status", cwd=ROOT, env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


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
    bus: Bus, bus_url: str, pool: Pool, status_url: str
) -> None:
    run = whole_run("a")
    async with status_process(bus_url, status_url) as process:
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
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_rows_equal_a_rebuild_after_kills_in_mid_batch(
    bus: Bus, bus_url: str, pool: Pool, status_url: str
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
        async with status_process(bus_url, status_url) as process:
            reached = await beyond(pool, reached)
            await asyncio.sleep(chance.random() * 0.05)
            process.kill()
    enough.set()
    last = await publishing
    async with status_process(bus_url, status_url):
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
