"""The check of the audit log: seconds for a million entries, from the start of the run to its end."""

import asyncio
import time
from typing import Any, Final

import asyncpg
import httpx

from deploy.local.stack import LocalStack
from services.audit.chain import append
from services.audit.core import NewEntry, canonical, moment
from shared.events import now
from shared.ids import new_id
from tests.benchmarks.figures import Figure, Report

JOB: Final = "audit.verify-log"
ENTRIES: Final = 1_000_000
#: Entries that one transaction writes.
BATCH: Final = 1_000
#: Seconds that a check of them is to take at most.
VERIFIED_WITHIN: Final = 60.0
#: Seconds that a check may take before the figure is given up.
PATIENCE: Final = 600.0


async def measure_audit(stack: LocalStack, rounds: int, report: Report) -> None:
    """As many entries as an installation makes in years, then the check of all of them."""
    began = time.perf_counter()
    await _write(stack.database_url("audit"))
    written = ENTRIES / (time.perf_counter() - began)
    report.add(Figure.of("audit_entries_written_per_second", "1/s", [written], batch=BATCH))
    headers = {"Authorization": f"Bearer {stack.token}"}
    async with httpx.AsyncClient(base_url=f"{stack.url}/api/v1", headers=headers, timeout=60) as http:
        seconds = [await _check(http) for _ in range(rounds)]
    report.add(Figure.of("audit_verified_seconds", "s", seconds, entries=ENTRIES).within(VERIFIED_WITHIN))


async def _write(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for first in range(0, ENTRIES, BATCH):
            async with connection.transaction():
                await append(connection, [_entry(first + number) for number in range(BATCH)])
    finally:
        await connection.close()


def _entry(number: int) -> NewEntry:
    fields: dict[str, Any] = {
        "action": "run_requested",
        "time": moment(now()),
        "principal": f"user-{number % 50}",
        "client": f"client-{number % 20}",
        "concern": "documents.ocr",
        "run_id": str(new_id()),
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "after": {"trigger": "event", "parameters_sha256": "ab" * 32},
    }
    return NewEntry(new_id(), "run_requested", canonical(fields))


async def _check(http: httpx.AsyncClient) -> float:
    began = time.perf_counter()
    started = await http.post(f"/jobs/{JOB}/runs", json={})
    run_id = started.raise_for_status().json()["run_id"]
    async with asyncio.timeout(PATIENCE):
        while True:
            run = (await http.get(f"/runs/{run_id}", params={"wait": 30})).json()
            if run.get("finished_at"):
                break
    assert run["state"] == "succeeded", run["sentence"]
    return time.perf_counter() - began
