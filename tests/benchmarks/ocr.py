"""OCR: pages per second from the first upload to the last result, with one and with two child processes."""

import asyncio
import time
from pathlib import Path

import httpx

from deploy.local.stack import LocalStack
from tests.benchmarks.figures import Figure, Report

SCAN = Path(__file__).parents[2] / "samples" / "invoice-scanned.pdf"
FINAL = {"succeeded", "partially_failed", "failed", "cancelled", "timed_out", "interrupted"}


async def measure_ocr(stack: LocalStack, workers: int, rounds: int, report: Report) -> None:
    headers = {"Authorization": f"Bearer {stack.token}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as http:
        await _round(http, "warm-up", 1)
        rates = [await _round(http, f"{workers}-{number}", 6) for number in range(rounds)]
    report.add(Figure.of("ocr_pages_per_second", "1/s", rates, workers=workers, sample=SCAN.name, dpi=300))


async def _round(http: httpx.AsyncClient, name: str, documents: int) -> float:
    """Upload the scan several times, each with other bytes at its end, and wait for every run."""
    original = SCAN.read_bytes()
    began = time.perf_counter()
    pages = 0
    runs = []
    for number in range(documents):
        content = original + f"\n% {name} {number} {time.time_ns()}\n".encode()
        answer = await http.post(
            "/api/v1/documents", files={"files": (f"{name}-{number}.pdf", content, "application/pdf")}
        )
        answer.raise_for_status()
        runs += [run["run_id"] for item in answer.json()["files"] for run in item["runs"]]
    for run_id in runs:
        while True:
            answer = await http.get(f"/api/v1/runs/{run_id}", params={"wait": 20})
            if answer.status_code == 200 and answer.json()["state"] in FINAL:
                break
            await asyncio.sleep(0.05)
        detail = answer.json()
        if detail["state"] != "succeeded":
            raise RuntimeError(f"OCR run {run_id} ended as {detail['state']}: {detail['failure']}")
        pages += detail["counts"].get("created", 0)
    return pages / (time.perf_counter() - began)
