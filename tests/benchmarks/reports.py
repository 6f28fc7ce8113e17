"""A due-date report: seconds from the request of the run to its end, with its files stored."""

import time
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx

from deploy.local.stack import LocalStack
from services.reporting.day import Today
from tests.benchmarks.figures import Figure, Report

JOB: Final = "reporting.due-date-report"
INVOICES: Final = 10_000
#: Seconds that a report of them is to take at most.
MADE_WITHIN: Final = 2.0


async def measure_reports(stack: LocalStack, rounds: int, report: Report) -> None:
    """Reports as PDF and Excel, as the job makes them where nothing else is said; then CSV alone."""
    await _write(stack.database_url("reporting"))
    headers = {"Authorization": f"Bearer {stack.token}"}
    async with httpx.AsyncClient(base_url=f"{stack.url}/api/v1", headers=headers, timeout=60) as http:
        for formats in (["pdf", "xlsx"], ["csv"]):
            # Of another day each, so that each is another report.
            taken = [await _make(http, formats, day) for day in range(rounds)]
            figure = Figure.of("due_date_report_seconds", "s", taken, invoices=INVOICES, formats=formats)
            report.add(figure.within(MADE_WITHIN))


async def _write(url: str) -> None:
    """Open invoices of a company with many suppliers, all due within 30 days."""
    today = Today.in_zone("Europe/Zurich").day
    connection = await asyncpg.connect(url)
    try:
        await connection.copy_records_to_table(
            "invoices",
            columns=[
                "document_id", "client", "kind", "state", "supplier", "invoice_number", "amount", "currency",
                "due_date", "possible_duplicate", "role",
            ],
            records=[
                (
                    uuid4(), "main", "invoice", ("waiting", "to_pay", "ordered")[number % 3],
                    f"Supplier {number % 700} GmbH", f"RE-2026-{number:05d}",
                    Decimal(number * 37 % 90_000) / 100, ("CHF", "CHF", "EUR")[number % 3],
                    today + timedelta(days=number % 50 - 20), False,
                    "accounting" if number % 3 == 0 else None,
                )
                for number in range(INVOICES)
            ],
        )  # fmt: skip
    finally:
        await connection.close()


async def _make(http: httpx.AsyncClient, formats: list[str], day: int) -> float:
    until = Today.in_zone("Europe/Zurich").day + timedelta(days=30 + day)
    body: dict[str, Any] = {"parameters": {"formats": formats, "until": until.isoformat()}}
    began = time.perf_counter()
    started = await http.post(f"/jobs/{JOB}/runs", json=body)
    begun = started.raise_for_status().json()
    run_id = begun["run_id"]
    answer = await http.get(f"/runs/{run_id}", params={"at_least": begun["sequence"], "wait": 30})
    run = answer.raise_for_status().json()
    seconds = time.perf_counter() - began
    if run["state"] != "succeeded" or run["counts"] != {"created": len(formats)}:
        raise RuntimeError(f"report {run_id} ended as {run['state']} with {run['counts']}: {run['failure']}")
    return seconds
