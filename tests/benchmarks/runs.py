"""Tracked no-op runs: throughput, latency, CPU time, memory, and the rebuild of their projection."""

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID

from deploy.local.nats import Sync
from deploy.local.stack import LocalStack
from shared import subjects
from shared.bus import Bus
from shared.commands import Rebuild, RebuildReport, RunDetail, RunQuery, RunsPage, RunsQuery
from shared.errors import TagwerkError
from shared.events import Requested
from shared.ids import new_id
from shared.requests import request_run
from shared.telemetry.context import begun, text_of
from shared.words import Lane, RunState, Trigger
from tests.benchmarks.figures import Figure, Report, percentile
from tests.benchmarks.stack import connected, cpu_seconds, resident_mb

#: Requests that the bench keeps on their way at once.
IN_FLIGHT = 1000


@dataclass(frozen=True, slots=True)
class Volume:
    """How much is measured."""

    rounds: int
    runs: int
    latencies: int
    documents: int


def _request() -> Requested:
    return Requested(
        run_id=new_id(),
        job="lab.noop",
        client="main",
        principal="admin",
        effective_principal="admin",
        trigger=Trigger.MANUAL,
        # As whoever starts a run gives it along.
        traceparent=text_of(begun()),
    )


async def measure_runs(stack: LocalStack, sync: Sync, volume: Volume, report: Report) -> None:
    async with connected(stack) as bus:
        await run_round(bus, 500)  # Warm caches, open partitions.
        idle = resident_mb(stack)
        report.add(Figure.of("rss_mb_idle", "MB", [idle[0]], sync=sync, laboratory=True))
        report.add(Figure.of("pss_mb_idle", "MB", [idle[1]], sync=sync, laboratory=True))
        await _latency(bus, sync, volume, report)
        rates, costs, loaded = [], [], 0.0
        for _ in range(volume.rounds):
            before = cpu_seconds(stack)
            rates.append(await run_round(bus, volume.runs))
            costs.append((cpu_seconds(stack) - before) / volume.runs * 1000)
            loaded = max(loaded, resident_mb(stack)[0])
        conditions = {"sync": sync, "runs": volume.runs}
        report.add(Figure.of("runs_per_second", "1/s", rates, **conditions))
        report.add(Figure.of("cpu_seconds_per_1000_runs", "s", costs, **conditions))
        report.add(Figure.of("rss_mb_load", "MB", [loaded], sync=sync, laboratory=True))
        await _rebuild(bus, sync, report)


async def run_round(bus: Bus, runs: int) -> float:
    """Runs per second, from the first request until the last result can be queried."""
    requests = [_request() for _ in range(runs)]
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def send(request: Requested) -> None:
        async with gate:
            await request_run(bus, request, Lane.INTERACTIVE)

    before = (await bus.js.stream_info(subjects.RUNS)).state.last_seq
    began = time.perf_counter()
    await asyncio.gather(*(send(request) for request in requests))
    # Three events a run; a query for that sequence is answered when the projection has it, or after 2 s.
    last = before + 3 * runs
    while True:
        query = RunQuery(run_id=requests[-1].run_id, at_least=last)
        try:
            await bus.ask(subjects.query("status", "run"), query, RunDetail, timeout=10)
            break
        except TagwerkError as error:
            if error.failure.code != "projection_behind":
                raise
    took = time.perf_counter() - began
    await _verify(bus, {request.run_id for request in requests}, last)
    return runs / took


async def _verify(bus: Bus, expected: set[UUID], at_least: int) -> None:
    """Every single run is queryable and has succeeded; otherwise the figure is worth nothing."""
    seen: set[UUID] = set()
    cursor = None
    while expected - seen:
        query = RunsQuery(
            job="lab.noop", state=[RunState.SUCCEEDED], limit=1000, cursor=cursor, at_least=at_least
        )
        page = await bus.ask(subjects.query("status", "runs"), query, RunsPage, timeout=30)
        seen |= {row.run_id for row in page.items}
        cursor = page.next_cursor
        if cursor is None:
            break
    missing = len(expected - seen)
    if missing:
        raise RuntimeError(f"{missing} of {len(expected)} runs are not queryable as succeeded")


async def _latency(bus: Bus, sync: Sync, volume: Volume, report: Report) -> None:
    """Requested -> started -> finished -> visible to a query, one run at a time on an idle system."""
    rounds: list[list[float]] = []
    for _ in range(volume.rounds):
        taken = []
        for _ in range(volume.latencies):
            request = _request()
            began = time.perf_counter()
            requested = await request_run(bus, request, Lane.INTERACTIVE)
            query = RunQuery(run_id=request.run_id, at_least=requested.sequence, wait=10)
            detail = await bus.ask(subjects.query("status", "run"), query, RunDetail, timeout=15)
            taken.append((time.perf_counter() - began) * 1000)
            if detail.state is not RunState.SUCCEEDED:
                raise RuntimeError(f"a no-op run ended as {detail.state}")
            await asyncio.sleep(0.005)
        rounds.append(taken)
    for percent in (50, 95, 99):
        values = [percentile(taken, percent) for taken in rounds]
        report.add(
            Figure.of(f"latency_ms_p{percent}", "ms", values, sync=sync, runs_a_round=volume.latencies)
        )


async def _rebuild(bus: Bus, sync: Sync, report: Report) -> None:
    rates = []
    events = 0
    for _ in range(3):
        answer = await bus.ask(subjects.REBUILD, Rebuild(principal="admin"), RebuildReport, timeout=300)
        rates.append(answer.events / answer.seconds)
        events = answer.events
    report.add(Figure.of("rebuild_events_per_second", "1/s", rates, sync=sync, events=events))
