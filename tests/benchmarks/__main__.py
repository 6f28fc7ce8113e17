"""`make bench`: the figures of this machine, printed and appended to `.tagwerk/bench.jsonl`."""

import argparse
import asyncio
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import uvloop

from deploy.local.nats import Sync
from deploy.local.stack import LocalStack
from deploy.local.state import remove_state
from tests.benchmarks.audit import measure_audit
from tests.benchmarks.bank import measure_bank
from tests.benchmarks.documents import measure_documents, measure_memory
from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.mqtt import measure_mqtt, write_rules
from tests.benchmarks.ocr import measure_ocr
from tests.benchmarks.pages import measure_pages
from tests.benchmarks.pages_volume import Installation
from tests.benchmarks.recognition import measure_recognition
from tests.benchmarks.replicas import SLOTS, measure_replicas
from tests.benchmarks.reports import measure_reports
from tests.benchmarks.runs import Volume, measure_runs
from tests.benchmarks.schedules import measure_schedules
from tests.benchmarks.sizing import measure_sizing
from tests.benchmarks.stack import SYNCS, config, resident_mb
from tests.benchmarks.tracing import measure_tracing

PARTS = (
    "start",
    "runs",
    "documents",
    "ocr",
    "bank",
    "pages",
    "audit",
    "mqtt",
    "schedules",
    "reports",
    "memory",
    "tracing",
    "sizing",
    "replicas",
)


async def measure_start(folder: Path, rounds: int, report: Report) -> None:
    """From nothing running to every service ready, on state that exists; and memory without laboratory."""
    async with LocalStack(config(folder, "always", laboratory=False)):
        pass
    taken, memory = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        async with LocalStack(config(folder, "always", laboratory=False)) as stack:
            taken.append(time.perf_counter() - began)
            await asyncio.sleep(2)
            memory.append(resident_mb(stack))
    report.add(Figure.of("stack_ready_seconds", "s", taken, start="warm").within(15))
    report.add(Figure.of("rss_mb_idle", "MB", [rss for rss, _ in memory], sync="always", laboratory=False))
    together = [pss for _, pss in memory]
    report.add(Figure.of("pss_mb_idle", "MB", together, sync="always", laboratory=False).within(1000))


async def measure(
    parts: set[str], volume: Volume, installation: Installation, report: Report, folder: Path
) -> None:
    if "start" in parts:
        await measure_start(folder / "start", volume.rounds, report)
    if "runs" in parts:
        for sync in SYNCS:
            await _measure_runs(folder / f"runs-{sync}", sync, volume, report)
    if "documents" in parts:
        async with LocalStack(config(folder / "documents", "always", laboratory=False)) as stack:
            await measure_documents(stack, volume.rounds, report)
    if "memory" in parts:
        async with LocalStack(config(folder / "memory", "always", laboratory=False)) as stack:
            await measure_memory(stack, volume.documents, report)
    if "ocr" in parts:
        await measure_recognition(min(3, volume.rounds), report)
        for workers in (1, 2):
            state = folder / f"ocr-{workers}"
            async with LocalStack(config(state, "always", cpu_slots=workers, laboratory=False)) as stack:
                await measure_ocr(stack, workers, min(3, volume.rounds), report)

    if "bank" in parts:
        async with LocalStack(config(folder / "bank", "always", laboratory=False)) as stack:
            await measure_bank(stack, min(3, volume.rounds), report)
    if "audit" in parts:
        async with LocalStack(config(folder / "audit", "always", laboratory=False)) as stack:
            await measure_audit(stack, min(3, volume.rounds), report)
    if "mqtt" in parts:
        for sync in SYNCS:
            state = folder / f"mqtt-{sync}"
            write_rules(state)
            async with LocalStack(config(state, sync)) as stack:
                await measure_mqtt(stack, sync, min(3, volume.rounds), volume.latencies, report)
    if "schedules" in parts:
        async with LocalStack(config(folder / "schedules", "always")) as stack:
            await measure_schedules(stack, min(3, volume.rounds), report)
    if "reports" in parts:
        async with LocalStack(config(folder / "reports", "always", laboratory=False)) as stack:
            await measure_reports(stack, volume.rounds, report)
    if "sizing" in parts:
        async with LocalStack(config(folder / "sizing", "default")) as stack:
            await measure_sizing(stack, volume.runs, report)
    if "replicas" in parts:
        few = config(folder / "replicas", "always")
        few = replace(few, environment={**few.environment, "TAGWERK_SLOTS": str(SLOTS)})
        async with LocalStack(few) as stack:
            await measure_replicas(stack, min(3, volume.rounds), report)
    if "tracing" in parts:
        await measure_tracing(folder, volume, report)
    if "pages" in parts:
        async with LocalStack(config(folder / "pages", "always", laboratory=False)) as stack:
            await measure_pages(stack, min(3, volume.rounds), installation, report)


async def _measure_runs(state: Path, sync: Sync, volume: Volume, report: Report) -> None:
    async with LocalStack(config(state, sync)) as stack:
        # The load comes from a loop of its own, as fast as the services'; the supervisor keeps this one.
        await asyncio.to_thread(lambda: uvloop.run(measure_runs(stack, sync, volume, report)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this part")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each figure")
    parser.add_argument("--runs", type=int, default=5000, help="runs in a round")
    parser.add_argument("--documents", type=int, default=1000, help="documents for the worker's memory")
    parser.add_argument("--latencies", type=int, default=200, help="single runs in a round")
    parser.add_argument(
        "--fullness", type=float, default=1.0, help="of pages: 1 is 1,000,000 runs with 10,000,000 records"
    )
    chosen = parser.parse_args()
    report = Report(Path(".tagwerk") / "bench.jsonl")
    folder = Path(tempfile.mkdtemp(prefix="tagwerk-bench-"))
    folder.chmod(0o711)
    volume = Volume(chosen.rounds, chosen.runs, chosen.latencies, chosen.documents)
    installation = Installation(
        runs=int(1_000_000 * chosen.fullness), records=int(10_000_000 * chosen.fullness)
    )
    try:
        asyncio.run(measure(set(chosen.only or PARTS), volume, installation, report, folder))
    finally:
        for state in folder.iterdir():
            remove_state(state)
        shutil.rmtree(folder, ignore_errors=True)
    report.print()


if __name__ == "__main__":
    main()
