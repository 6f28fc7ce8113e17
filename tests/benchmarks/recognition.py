"""Recognition alone, without bus and services: its CPU time against bare Tesseract's, and two children
against one."""

import resource
import subprocess
import tempfile
import time
from pathlib import Path

import pikepdf
import pypdfium2

from services.documents.readers import ChildReaders, Engine, ReadPage
from shared.process import Children
from tests.benchmarks.figures import Figure, Report

SCAN = Path(__file__).parents[2] / "samples" / "qr-bill-scanned.pdf"
LANGUAGES = "deu+eng"
#: Pages of the document that two children share.
PAGES = 8


async def measure_recognition(rounds: int, report: Report) -> None:
    engine = Engine.find(LANGUAGES, None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = folder / "page.png"
        pypdfium2.PdfDocument(SCAN)[0].render(scale=300 / 72, grayscale=True).to_pil().save(picture)
        ratios = []
        for _ in range(rounds):
            bare = _cpu_of_tesseract(engine, picture)
            ratios.append(await _cpu_of_reading(engine, folder) / bare)
        report.add(Figure.of("ocr_cpu_over_tesseract", "ratio", ratios, sample=SCAN.name, dpi=300))
        long = folder / "long.pdf"
        with pikepdf.open(SCAN) as one, pikepdf.new() as many:
            for _ in range(PAGES):
                many.pages.append(one.pages[0])
            many.save(long)
        gains = [
            await _seconds(engine, long, folder, 1) / await _seconds(engine, long, folder, 2)
            for _ in range(rounds)
        ]
        report.add(Figure.of("ocr_two_children_over_one", "ratio", gains, pages=PAGES))


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cpu_of_tesseract(engine: Engine, picture: Path) -> float:
    before = _cpu_of_children()
    subprocess.run(
        [engine.program, picture, "stdout", "-l", LANGUAGES, "--dpi", "300"],
        env={"TESSDATA_PREFIX": engine.tessdata, "OMP_THREAD_LIMIT": "1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    return _cpu_of_children() - before


async def _cpu_of_reading(engine: Engine, folder: Path) -> float:
    """CPU seconds of the child that reads the scan, with everything that it starts."""
    before = _cpu_of_children()
    await _seconds(engine, SCAN, folder, 1)
    return _cpu_of_children() - before


async def _seconds(engine: Engine, document: Path, folder: Path, children: int) -> float:
    began = time.perf_counter()
    readers = ChildReaders(Children(children), engine)
    async with readers.open(document, folder) as reading:
        pages = [page async for page in reading.read(range(1, reading.page_count + 1))]
    if not all(isinstance(page, ReadPage) for page in pages):
        raise RuntimeError(f"a page could not be read: {pages}")
    return time.perf_counter() - began
