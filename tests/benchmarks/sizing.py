"""What runs cost on disk and in memory: from this many, for a million."""

import asyncio
from typing import Final

import asyncpg
import nats
import psutil
from nats.js.api import StorageType, StreamConfig

from deploy.local.config import NATS
from deploy.local.stack import LocalStack
from shared.ids import new_id
from shared.subjects import RunSubjects
from shared.words import Lane
from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.runs import run_round
from tests.benchmarks.stack import connected

#: Subjects of which nats-server's memory is measured.
SUBJECTS: Final = 90_000
MILLION: Final = 1_000_000


async def measure_sizing(stack: LocalStack, runs: int, report: Report) -> None:
    """Disk of the bus and of the database for each run of three events, and memory for subjects."""
    async with connected(stack) as bus:
        await run_round(bus, 500)  # Tables and indexes have their first pages.
        before = await _disk(stack)
        await run_round(bus, runs)
        after = await _disk(stack)
    for name, was, is_now in zip(("streams", "database"), before, after, strict=True):
        gigabytes = (is_now - was) / runs * MILLION / 1e9
        report.add(Figure.of(f"disk_gb_per_million_runs_{name}", "GB", [gigabytes], runs=runs))
    report.add(Figure.of("memory_mb_per_million_subjects", "MB", [await _memory(stack)], subjects=SUBJECTS))


async def _disk(stack: LocalStack) -> tuple[int, int]:
    """Bytes of the streams and of the database, after what it puts off is done."""
    streams = sum(path.stat().st_size for path in (stack.state / NATS).rglob("*.blk"))
    connection = await asyncpg.connect(stack.database_url("postgres"))
    await connection.execute("checkpoint")
    database = await connection.fetchval("select pg_database_size(current_database())")
    await connection.close()
    return streams, database


async def _memory(stack: LocalStack) -> float:
    pid = stack.process(NATS).pid
    assert pid is not None
    server = psutil.Process(pid)
    nc = await nats.connect(stack.nats_url)
    js = nc.jetstream(timeout=60)
    await js.add_stream(StreamConfig(name="SIZING", subjects=["sizing.>"], storage=StorageType.FILE))
    before = _resident(server)
    for _ in range(SUBJECTS // 1_500):
        waiting = []
        for _ in range(500):
            run = RunSubjects("lab.noop", new_id())
            for subject in (run.requested(Lane.BULK), run.ev, run.cancel_requested):
                waiting.append(await js.publish_async(f"sizing.{subject}", b"{}"))
        await asyncio.gather(*waiting)
    used = _resident(server) - before
    await js.delete_stream("SIZING")
    await nc.close()
    return used / SUBJECTS * MILLION / 1e6


def _resident(process: psutil.Process) -> int:
    resident: int = process.memory_info().rss
    return resident
