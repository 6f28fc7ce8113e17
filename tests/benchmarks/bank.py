"""Bank statements: transactions a second, from the start of the run to its records in the projection."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from deploy.local.stack import LocalStack
from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.stack import cpu_by_process, resident_mb
from tests.support.bank_files import Part, camt053, large_ledger, mt940, part_of

JOB: Final = "integrations.import-bank-statements"
FINAL: Final = {"succeeded", "partially_failed", "failed", "cancelled", "timed_out", "interrupted"}
#: Entries of one statement file.
TRANSACTIONS: Final = 20_000
#: Entries of the file that shows whether memory stays bounded.
LARGE: Final = 50_000
#: Servers and services that take less of a transaction, in microseconds, are not told by themselves.
TOLD: Final = 1.0

WRITERS: Final[dict[str, Callable[[Part], bytes]]] = {"camt.053.001.08": camt053, "mt940": mt940}


async def measure_bank(stack: LocalStack, rounds: int, report: Report) -> None:
    headers = {"Authorization": f"Bearer {stack.token}"}
    ledger = large_ledger(TRANSACTIONS)
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=120) as http:
        await _import(http, camt053(part_of(ledger[:1000], account=_account(99))), {"created": 1001})
        for kind, (message, write) in enumerate(WRITERS.items()):
            new, again = _Measured("created"), _Measured("unchanged")
            for number in range(rounds):
                content = write(part_of(ledger, account=_account(kind * 10 + number)))
                for measured in (new, again):
                    await measured.take(stack, http, content)
            for measured in (new, again):
                measured.tell(report, message)
        await _measure_memory(stack, http, report)


class _Measured:
    """Imports of one file each, all with the same outcome."""

    def __init__(self, outcome: str) -> None:
        self._outcome = outcome
        self._rates: list[float] = []
        #: Of each import, by server and service, in microseconds per transaction.
        self._costs: list[dict[str, float]] = []

    async def take(self, stack: LocalStack, http: httpx.AsyncClient, content: bytes) -> None:
        before = cpu_by_process(stack)
        seconds = await _import(http, content, {self._outcome: TRANSACTIONS + 1})
        used = cpu_by_process(stack)
        self._rates.append(TRANSACTIONS / seconds)
        self._costs.append(
            {name: (cpu - before.get(name, 0.0)) / TRANSACTIONS * 1e6 for name, cpu in used.items()}
        )

    def tell(self, report: Report, message: str) -> None:
        conditions = {"format": message, "outcome": self._outcome, "transactions": TRANSACTIONS}
        report.add(Figure.of("bank_transactions_per_second", "1/s", self._rates, **conditions))
        totals = [sum(cost.values()) for cost in self._costs]
        report.add(Figure.of("bank_cpu_per_transaction", "us", totals, **conditions))
        for name in sorted(self._costs[0]):
            used = [cost[name] for cost in self._costs]
            if max(used) >= TOLD:
                report.add(Figure.of("bank_cpu_per_transaction", "us", used, process=name, **conditions))


async def _measure_memory(stack: LocalStack, http: httpx.AsyncClient, report: Report) -> None:
    """What all processes take more at most while a large file is imported."""
    content = camt053(part_of(large_ledger(LARGE), account=_account(98)))
    before, most = resident_mb(stack)[1], 0.0
    running = asyncio.create_task(_import(http, content, {"created": LARGE + 1}))
    while not running.done():
        await asyncio.wait([running], timeout=0.5)
        most = max(most, resident_mb(stack)[1])
    seconds = await running
    conditions = {"format": "camt.053.001.08", "outcome": "created", "transactions": LARGE}
    report.add(Figure.of("bank_transactions_per_second", "1/s", [LARGE / seconds], **conditions))
    report.add(Figure.of("bank_memory_mb", "MB", [most - before], **conditions))


async def _import(http: httpx.AsyncClient, content: bytes, wanted: dict[str, int]) -> float:
    """Seconds from the request of the run to the answer that holds all of its records."""
    kept = await http.post("/api/v1/files", files={"file": ("statement", content)})
    kept.raise_for_status()
    body: dict[str, Any] = {"parameters": {"file": kept.json()["reference"]}, "lane": "interactive"}
    began = time.perf_counter()
    started = await http.post(f"/api/v1/jobs/{JOB}/runs", json=body)
    started.raise_for_status()
    run_id = started.json()["run_id"]
    while True:
        answer = await http.get(f"/api/v1/runs/{run_id}", params={"wait": 30})
        if answer.status_code == 200 and answer.json()["state"] in FINAL:
            break
    seconds = time.perf_counter() - began
    run = answer.json()
    if run["state"] != "succeeded" or run["counts"] != wanted:
        raise RuntimeError(f"import {run_id} ended as {run['state']} with {run['counts']}: {run['failure']}")
    return seconds


def _account(number: int) -> str:
    return f"CH{10 + number % 80:02d}00762011623{number:08d}"
