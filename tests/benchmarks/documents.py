"""Documents: from upload to analysed on an idle system, and the worker's memory over many of them."""

import asyncio
import email
import time
from collections.abc import Callable
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import psutil

from deploy.local.stack import LocalStack
from tests.benchmarks.figures import Figure, Report

SAMPLES = Path(__file__).parents[2] / "samples"
#: Documents that are on their way at the same time when memory is measured.
AT_ONCE = 16
#: Seconds that one document may take.
PATIENCE = 300.0


def born_digital() -> dict[str, bytes]:
    """Invoices that a program wrote: one with its data inside, one with a QR-bill, both with a text layer."""
    mail = email.message_from_bytes((SAMPLES / "mail-with-invoice.eml").read_bytes(), policy=default)
    (attached,) = (part.get_content() for part in mail.iter_attachments())
    return {"zugferd": (SAMPLES / "invoice-zugferd.pdf").read_bytes(), "qr_bill": attached}


async def measure_documents(stack: LocalStack, rounds: int, report: Report) -> None:
    async with _client(stack) as http:
        for kind, content in born_digital().items():
            await _until_analysed(http, content, f"warm-up-{kind}")
            taken = [await _until_analysed(http, content, f"{kind}-{number}") for number in range(rounds * 3)]
            report.add(Figure.of("upload_to_analysed_seconds", "s", taken, sample=kind, idle=True))


async def measure_memory(stack: LocalStack, documents: int, report: Report) -> None:
    """Resident memory of the documents service after a tenth of `documents`, and after all of them."""
    content = born_digital()["qr_bill"]
    async with _client(stack) as http:
        places = asyncio.Semaphore(AT_ONCE)

        async def send(number: int) -> None:
            async with places:
                await _until_analysed(http, content, f"memory-{number}")

        first = max(AT_ONCE, documents // 10)
        await asyncio.gather(*(send(number) for number in range(first)))
        before = _service_mb(stack)
        await asyncio.gather(*(send(number) for number in range(first, documents)))
        after = _service_mb(stack)
    report.add(Figure.of("documents_rss_mb_early", "MB", [before], documents=first))
    report.add(Figure.of("documents_rss_mb_late", "MB", [after], documents=documents))
    report.add(Figure.of("documents_rss_growth", "ratio", [after / before], documents=documents))


def _client(stack: LocalStack) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {stack.token}"}
    return httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60)


def _service_mb(stack: LocalStack) -> float:
    """Of the service itself: its children are gone between two documents."""
    pid = stack.processes["documents"].pid
    assert pid is not None
    return float(psutil.Process(pid).memory_info().rss) / 1e6


async def _until_analysed(http: httpx.AsyncClient, content: bytes, name: str) -> float:
    """Seconds from the upload of a document that is new until its invoice can be read."""
    fresh = content + f"\n% {name} {time.time_ns()}\n".encode()
    began = time.perf_counter()
    answer = await http.post("/api/v1/documents", files={"files": (f"{name}.pdf", fresh, "application/pdf")})
    answer.raise_for_status()
    (document,) = answer.json()["files"]
    await _until(http, f"/api/v1/documents/{document['document_id']}", lambda found: found.get("invoice"))
    return time.perf_counter() - began


async def _until(http: httpx.AsyncClient, path: str, condition: Callable[[dict[str, Any]], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = await http.get(path)
        if answer.status_code == 200 and condition(answer.json()):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path}: not within {PATIENCE:g} s; last answer {answer.text[:500]}")
        await asyncio.sleep(0.01)
