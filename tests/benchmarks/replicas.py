"""Work that waits, by one worker process and by two: how much more two do."""

import asyncio
import time
from typing import Final

from deploy.local.stack import LocalStack
from shared.bus import Bus
from shared.commands import RunsPage, RunsQuery
from shared.events import Requested
from shared.ids import new_id
from shared.requests import request_run
from shared.subjects import query
from shared.words import Lane, RunState, Trigger
from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.stack import connected
from tests.drills.upgrade import ROOT, Service

#: Runs at once in one worker, runs of a round, and how long each waits, in seconds.
SLOTS: Final = 16
RUNS: Final = 128
WAITS: Final = 1.0
JOB: Final = "lab.sleep"


async def measure_replicas(stack: LocalStack, rounds: int, report: Report) -> None:
    """`stack` has the laboratory, with `TAGWERK_SLOTS` as above."""
    async with connected(stack) as bus:
        await _round(bus)
        alone = [await _round(bus) for _ in range(rounds)]
        environment = stack.plan.service_environment("lab")
        second = Service("tests.support.lab", ROOT, environment, stack.state / "logs" / "lab-2.log")
        await second.start()
        try:
            together = [await _round(bus) for _ in range(rounds)]
        finally:
            await second.stop()
    gains = [one / two for one, two in zip(alone, together, strict=True)]
    report.add(Figure.of("two_replicas_gain", "x", gains, work="waiting", slots=SLOTS, asked="at least 1.8"))


async def _round(bus: Bus) -> float:
    """Seconds until all of them have ended."""
    key = str(new_id())
    began = time.perf_counter()
    for _ in range(RUNS):
        request = Requested(
            run_id=new_id(), job=JOB, client="main", principal="admin", effective_principal="admin",
            trigger=Trigger.MANUAL, parameters={"steps": 1, "step_seconds": WAITS}, about=[f"round:{key}"],
        )  # fmt: skip
        await request_run(bus, request, Lane.BULK)
    while True:
        asked = RunsQuery(job=JOB, about=f"round:{key}", state=[RunState.SUCCEEDED], limit=1000)
        page = await bus.ask(query("status", "runs"), asked, RunsPage)
        if len(page.items) == RUNS:
            return time.perf_counter() - began
        await asyncio.sleep(0.05)
