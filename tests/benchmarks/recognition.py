"""Recognition alone, without bus and services: its CPU time against bare Tesseract's, and two children
against one. The children come from a nursery, as those of the service do."""

import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pikepdf
import psutil
import pypdfium2

from services.documents.app import PRELOAD
from services.documents.readers import ChildReaders, Engine, ReadPage
from shared.nursery import Nursery
from shared.process import Children
from tests.benchmarks.figures import Figure, Report

SCAN = Path(__file__).parents[2] / "samples" / "qr-bill-scanned.pdf"
LANGUAGES = "deu+eng"
#: Pages of the document that two children share.
PAGES = 8


async def measure_recognition(rounds: int, report: Report) -> None:
    engine = Engine.find(LANGUAGES, None)
    nursery = Nursery(PRELOAD)
    await nursery.start()
    try:
        with tempfile.TemporaryDirectory() as name:
            await _measure(Bench(engine, nursery, Path(name)), rounds, report)
    finally:
        await nursery.stop()


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements share."""

    engine: Engine
    nursery: Nursery
    folder: Path


async def _measure(bench: Bench, rounds: int, report: Report) -> None:
    picture = bench.folder / "page.png"
    pypdfium2.PdfDocument(SCAN)[0].render(scale=300 / 72, grayscale=True).to_pil().save(picture)
    ratios = []
    for _ in range(rounds):
        bare = _cpu_of_tesseract(bench.engine, picture)
        ratios.append(await _cpu_of_reading(bench) / bare)
    report.add(Figure.of("ocr_cpu_over_tesseract", "ratio", ratios, sample=SCAN.name, dpi=300))
    long = bench.folder / "long.pdf"
    with pikepdf.open(SCAN) as one, pikepdf.new() as many:
        for _ in range(PAGES):
            many.pages.append(one.pages[0])
        many.save(long)
    gains = [await _seconds(bench, long, 1) / await _seconds(bench, long, 2) for _ in range(rounds)]
    report.add(Figure.of("ocr_two_children_over_one", "ratio", gains, pages=PAGES))


def _cpu_of_tesseract(engine: Engine, picture: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [engine.program, picture, "stdout", "-l", LANGUAGES, "--dpi", "300"],
        env={"TESSDATA_PREFIX": engine.tessdata, "OMP_THREAD_LIMIT": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def _cpu_of_reading(bench: Bench) -> float:
    """CPU seconds of the nursery and of the child that reads the scan, with everything that it starts."""
    before = _cpu_of_nursery(bench.nursery)
    await _seconds(bench, SCAN, 1)
    return _cpu_of_nursery(bench.nursery) - before


def _cpu_of_nursery(nursery: Nursery) -> float:
    """Its own, and that of the children that have ended; the kernel counts in hundredths."""
    used = psutil.Process(nursery.pid).cpu_times()
    return float(used.user + used.system + used.children_user + used.children_system)


async def _seconds(bench: Bench, document: Path, children: int) -> float:
    """From the opened document to its last page: the nursery and the first child are there already, and what
    further children cost to start counts."""
    readers = ChildReaders(Children(children, nursery=bench.nursery), bench.engine)
    async with readers.open(document, bench.folder) as reading:
        began = time.perf_counter()
        pages = [page async for page in reading.read(range(1, reading.page_count + 1))]
        seconds = time.perf_counter() - began
    if not all(isinstance(page, ReadPage) for page in pages):
        raise RuntimeError(f"a page could not be read: {pages}")
    return seconds
