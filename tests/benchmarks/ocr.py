"""OCR: pages per second from the first upload to the last result, with one and with two child processes."""

import asyncio
import time
from pathlib import Path
from typing import Any

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
    """Upload the scan several times, each with other bytes at its end, and wait until every one is read."""
    original = SCAN.read_bytes()
    began = time.perf_counter()
    uploaded = []
    for number in range(documents):
        content = original + f"\n% {name} {number} {time.time_ns()}\n".encode()
        answer = await http.post(
            "/api/v1/documents", files={"files": (f"{name}-{number}.pdf", content, "application/pdf")}
        )
        answer.raise_for_status()
        uploaded += answer.json()["files"]
    pages = 0
    for document in uploaded:
        (conversion,) = document["runs"]
        await _succeeded(http, conversion["run_id"])
        recognition = await _succeeded(http, await _recognition_of(http, document["document_id"]))
        pages += recognition["counts"]["created"]
    return pages / (time.perf_counter() - began)


async def _recognition_of(http: httpx.AsyncClient, document: str) -> str:
    """The run that the conversion caused."""
    about = {"about": f"document:{document}", "job": "documents.ocr"}
    async with asyncio.timeout(30):
        while not (runs := (await http.get("/api/v1/runs", params=about)).json()["items"]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    run_id: str = runs[0]["run_id"]
    return run_id


async def _succeeded(http: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    """The run, once it has ended well."""
    while True:
        answer = await http.get(f"/api/v1/runs/{run_id}", params={"wait": 20})
        if answer.status_code == 200 and answer.json()["state"] in FINAL:
            break
        await asyncio.sleep(0.05)
    run: dict[str, Any] = answer.json()
    if run["state"] != "succeeded":
        raise RuntimeError(f"run {run_id} ended as {run['state']}: {run['failure']}")
    return run
