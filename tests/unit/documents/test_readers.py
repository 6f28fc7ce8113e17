"""Reading real files in real children with the real Tesseract."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from difflib import SequenceMatcher
from pathlib import Path

import pikepdf
import psutil
import pypdfium2
import pytest
from PIL import Image

from services.documents.converters import ChildConverters
from services.documents.readers import ChildReaders, ChildReading, Engine, ReadPage, UnreadPage
from shared.errors import Failure, TagwerkError
from shared.process import Children, Limits
from tests.unit.documents import papers

SAMPLES = Path(__file__).parents[3] / "samples"
TYPES = {
    ".pdf": "application/pdf",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
}
ENCRYPTED = papers.encrypted(papers.typed_pdf("A"), user="u", owner="o")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.find("deu+eng", None)


@pytest.fixture
def readers(engine: Engine) -> ChildReaders:
    return ChildReaders(Children(2), engine)


@asynccontextmanager
async def opened(
    readers: ChildReaders, content: bytes | Path, media_type: str, folder: Path
) -> AsyncIterator[ChildReading]:
    """As the two jobs do it: convert, then read the PDF."""
    path = folder / "original"
    path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    converters = ChildConverters(Children(1), Children(1))
    converted = await converters.convert(path, media_type, "", folder)
    async with readers.open(converted.pdf or path, folder) as reading:
        yield reading


async def read_all(reading: ChildReading) -> list[ReadPage | UnreadPage]:
    pages = [page async for page in reading.read(range(1, reading.page_count + 1))]
    return sorted(pages, key=lambda page: page.number)


async def refusal(readers: ChildReaders, content: bytes, media_type: str, folder: Path) -> Failure:
    """Why a file is refused as a whole."""
    with pytest.raises(TagwerkError) as caught:
        async with opened(readers, content, media_type, folder):
            pass
    return caught.value.failure


def accuracy(text: str, truth: str) -> float:
    """Share of characters that agree, spaces and line breaks counted alike."""
    return SequenceMatcher(None, " ".join(text.split()), " ".join(truth.split()), autojunk=False).ratio()


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        ("invoice-scanned.pdf", ["tesseract"]),
        ("contract-mixed.pdf", ["text_layer", "tesseract", "text_layer"]),
        ("offer-with-text-layer.pdf", ["text_layer"]),
        ("receipt-photo.jpg", ["tesseract"]),
        ("fax-two-pages.tif", ["tesseract", "tesseract"]),
    ],
)
async def test_the_samples_are_read_as_they_were_written(
    readers: ChildReaders, tmp_path: Path, name: str, sources: list[str]
) -> None:
    sample = SAMPLES / name
    truths = sample.with_suffix(".txt").read_text(encoding="utf-8").split("\f")
    async with opened(readers, sample, TYPES[sample.suffix], tmp_path) as reading:
        pages = await read_all(reading)
        layers = {page.number: page.layer for page in pages if isinstance(page, ReadPage) and page.layer}
        searchable = pypdfium2.PdfDocument((await reading.assemble(layers)).path)
    assert len(searchable) == len(pages) == len(truths)
    for page, source, truth in zip(pages, sources, truths, strict=True):
        assert isinstance(page, ReadPage), page
        assert page.source == source
        assert accuracy(page.text, truth) >= (0.98 if source == "tesseract" else 1.0)
        assert (page.confidence is None) == (source == "text_layer")
        assert page.confidence is None or page.confidence > 85
        found = searchable[page.number - 1].get_textpage().get_text_range()
        assert (
            words(truth) <= words(found) if source == "text_layer" else len(words(truth) - words(found)) <= 3
        )


def words(text: str) -> set[str]:
    return set(re.findall(r"\w{4,}", text))


async def test_the_invisible_words_lie_on_the_visible_ones(readers: ChildReaders, tmp_path: Path) -> None:
    """On a page that was straightened: the box of each word holds ink, the same box beside it does not."""
    async with opened(readers, SAMPLES / "invoice-scanned.pdf", "application/pdf", tmp_path) as reading:
        (page,) = await read_all(reading)
        assert isinstance(page, ReadPage)
        assert page.layer is not None
        assert page.turned == pytest.approx(-1.1, abs=0.15)
        searchable = pypdfium2.PdfDocument((await reading.assemble({1: page.layer})).path)[0]
    picture: Image.Image = searchable.render(scale=2, grayscale=True).to_pil().convert("L")
    for word in ("Oberwiesen", "245.60", "property"):
        left, bottom, right, top = box_of(searchable, word)
        box = (
            round(left * 2),
            round(picture.height - top * 2),
            round(right * 2),
            round(picture.height - bottom * 2),
        )
        assert darkness(picture, box) > 0.12, word
        margin = 6
        below = (box[0], box[3] + margin, box[2], box[3] + margin + 4)
        assert darkness(picture, below) < 0.05, word


def box_of(page: pypdfium2.PdfPage, word: str) -> tuple[float, float, float, float]:
    """Points from the lower left corner: left, bottom, right, top."""
    text = page.get_textpage()
    match = text.search(word).get_next()
    assert match is not None, f"{word} cannot be found"
    boxes = [text.get_charbox(match[0] + offset) for offset in range(match[1])]
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


def darkness(picture: Image.Image, box: tuple[int, int, int, int]) -> float:
    """The share of dark pixels in a box."""
    pixels = picture.crop(box).tobytes()
    return sum(pixel < 128 for pixel in pixels) / len(pixels)


@pytest.mark.parametrize(
    ("format", "media_type", "mode"),
    [
        ("PNG", "image/png", "L"),
        ("PNG", "image/png", "RGBA"),
        ("PNG", "image/png", "P"),
        ("PNG", "image/png", "I;16"),
        ("JPEG", "image/jpeg", "RGB"),
        ("JPEG", "image/jpeg", "CMYK"),
        ("TIFF", "image/tiff", "1"),
    ],
)
async def test_pictures_of_every_mode_are_recognized_and_made_searchable(
    readers: ChildReaders, tmp_path: Path, format: str, media_type: str, mode: str
) -> None:
    image = papers.picture_of("Rechnung 4711")
    if mode == "RGBA":  # black ink on nothing
        ink = image.point(lambda level: 255 - level)
        image = Image.merge("RGBA", [Image.new("L", image.size, 0)] * 3 + [ink])
    elif mode == "I;16":
        image = image.convert("I").point(lambda level: level * 257).convert("I;16")
    else:
        image = image.convert(mode)
    content = papers.encoded(image, format, dpi=(150, 150))
    async with opened(readers, content, media_type, tmp_path) as reading:
        (page,) = await read_all(reading)
        assert isinstance(page, ReadPage), page
        assert page.text == "Rechnung 4711"
        assert page.layer is not None
        searchable = pypdfium2.PdfDocument((await reading.assemble({1: page.layer})).path)[0]
    assert "Rechnung" in searchable.get_textpage().get_text_range()
    left, bottom, right, top = box_of(searchable, "4711")
    picture = searchable.render(scale=2, grayscale=True).to_pil().convert("L")
    height = picture.height
    box = (round(left * 2), round(height - top * 2), round(right * 2), round(height - bottom * 2))
    assert darkness(picture, box) > 0.1


@pytest.mark.parametrize("make", [papers.scanned_sideways, papers.scanned_off_origin])
async def test_the_words_lie_right_on_pages_that_are_turned_or_cut(
    readers: ChildReaders, tmp_path: Path, make: Callable[[Image.Image], bytes]
) -> None:
    content = make(papers.picture_of("Quittung 815"))
    async with opened(readers, content, "application/pdf", tmp_path) as reading:
        (page,) = await read_all(reading)
        assert isinstance(page, ReadPage)
        assert page.text == "Quittung 815"
        assert page.layer is not None
        searchable = pypdfium2.PdfDocument((await reading.assemble({1: page.layer})).path)[0]
    left, bottom, right, top = box_of(searchable, "815")
    inked, blank = picture_of_box(searchable, left, bottom, right, top)
    assert inked > 0.1
    assert blank < 0.02


def picture_of_box(
    page: pypdfium2.PdfPage, left: float, bottom: float, right: float, top: float
) -> tuple[float, float]:
    """Darkness of a box in page coordinates, and of all that is far from it."""
    # Drawn without rotation and crop, so that picture and page have the same coordinates.
    page.set_rotation(0)
    page.set_cropbox(*page.get_mediabox())
    x, y, _, _ = page.get_mediabox()
    picture = page.render(scale=2, grayscale=True).to_pil().convert("L")
    box = (
        round((left - x) * 2),
        round(picture.height - (top - y) * 2),
        round((right - x) * 2),
        round(picture.height - (bottom - y) * 2),
    )
    inside = darkness(picture, box)
    # The only other ink is the word before it: everything below and to the right is blank.
    picture.paste(255, box)
    return inside, darkness(picture, (picture.width - 40, picture.height - 40, picture.width, picture.height))


@pytest.mark.parametrize(
    "turn",
    [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270],
)
async def test_a_page_that_was_laid_down_wrong_is_read_all_the_same(
    readers: ChildReaders, tmp_path: Path, turn: Image.Transpose
) -> None:
    invoice = pypdfium2.PdfDocument(SAMPLES / "invoice-scanned.pdf")[0].render(scale=200 / 72, grayscale=True)
    content = papers.scanned_pdf([invoice.to_pil().convert("L").transpose(turn)], dpi=200)
    async with opened(readers, content, "application/pdf", tmp_path) as reading:
        (page,) = await read_all(reading)
        assert isinstance(page, ReadPage)
        assert re.search(r"^Total CHF +245\.60$", page.text, re.MULTILINE)
        assert page.layer is not None
        searchable = pypdfium2.PdfDocument((await reading.assemble({1: page.layer})).path)[0]
    inked, _ = picture_of_box(searchable, *box_of(searchable, "Oberwiesen"))
    assert inked > 0.1


@pytest.mark.parametrize(
    "turn",
    [None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270],
)
async def test_a_page_with_one_word_is_turned_too(
    readers: ChildReaders, tmp_path: Path, turn: Image.Transpose | None
) -> None:
    picture = papers.picture_of("Lieferschein", size=(420, 300))
    content = papers.scanned_pdf([picture if turn is None else picture.transpose(turn)])
    async with opened(readers, content, "application/pdf", tmp_path) as reading:
        (page,) = await read_all(reading)
    assert isinstance(page, ReadPage)
    assert page.text.strip() == "Lieferschein"


async def test_a_signed_scan_with_an_embedded_invoice_stays_as_it_is_and_keeps_it(
    readers: ChildReaders, tmp_path: Path
) -> None:
    scan = papers.scanned_pdf([papers.picture_of("Rechnung 4711")])
    content = papers.signed(papers.with_attachments(scan, {"factur-x.xml": b"<invoice/>"}))
    async with opened(readers, content, "application/pdf", tmp_path) as reading:
        (page,) = await read_all(reading)
        assert isinstance(page, ReadPage)
        assert page.layer is not None
        made = await reading.assemble({1: page.layer})
    assert made.signed
    assert (tmp_path / "original").read_bytes() == content
    with pikepdf.open(made.path) as pdf:
        assert pdf.attachments["factur-x.xml"].get_file().read_bytes() == b"<invoice/>"
    searchable = pypdfium2.PdfDocument(made.path)[0].get_textpage().get_text_range()
    assert "Rechnung 4711" in searchable


async def test_what_was_filled_into_a_form_is_read_too(readers: ChildReaders, tmp_path: Path) -> None:
    content = papers.filled_form("Betrag", "1234.50")
    async with opened(readers, content, "application/pdf", tmp_path) as reading:
        (page,) = await read_all(reading)
    assert isinstance(page, ReadPage)
    assert page.source == "text_layer"
    assert "Betrag" in page.text
    assert "1234.50" in page.text


async def test_a_photo_that_was_taken_sideways_is_read_upright(readers: ChildReaders, tmp_path: Path) -> None:
    sideways = papers.picture_of("Quittung 815").transpose(Image.Transpose.ROTATE_90).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    content = papers.encoded(sideways, "JPEG", exif=exif, dpi=(150, 150), quality=95)
    async with opened(readers, content, "image/jpeg", tmp_path) as reading:
        (page,) = await read_all(reading)
        assert isinstance(page, ReadPage)
        assert page.text == "Quittung 815"
        assert page.layer is not None
        path = (await reading.assemble({1: page.layer})).path
    assert sideways_bytes_kept(content, path)
    searchable = pypdfium2.PdfDocument(path)[0]
    picture = searchable.render(scale=2, grayscale=True).to_pil().convert("L")
    assert picture.width > picture.height


def sideways_bytes_kept(jpeg: bytes, pdf: Path) -> bool:
    """Whether the JPEG lies in the PDF bit for bit: nothing was recompressed."""
    return jpeg in pdf.read_bytes()


async def test_the_cells_of_an_invoice_are_read_row_by_row(readers: ChildReaders, tmp_path: Path) -> None:
    async with opened(readers, SAMPLES / "invoice-scanned.pdf", "application/pdf", tmp_path) as reading:
        (page,) = await read_all(reading)
    assert isinstance(page, ReadPage)
    assert re.search(r"^5 Kartons Kopierpapier 80 g, weiss +112\.50$", page.text, re.MULTILINE)
    assert re.search(r"^Total CHF +245\.60$", page.text, re.MULTILINE)


@pytest.mark.parametrize(
    ("content", "media_type", "code", "named"),
    [
        (b"", "application/pdf", "file_empty", "0 bytes"),
        (b"%PDF-1.7\nnot a PDF at all", "application/pdf", "pdf_broken", "damaged"),
        (papers.typed_pdf("A")[:400], "application/pdf", "pdf_broken", "damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "image/png", "image_broken", "PNG"),
        (b"II*\x00" + bytes(50), "image/tiff", "image_broken", "TIFF"),
        (b"<html><body>Rechnung</body></html>", "application/pdf", "file_type_mismatch", "HTML"),
        (papers.typed_pdf("A"), "image/png", "file_type_mismatch", "PDF"),
        (b"PK\x03\x04" + bytes(60), "application/zip", "archive_unsupported", "ZIP"),
        (ENCRYPTED, "application/pdf", "pdf_encrypted", "password"),
        (lambda: papers.drawing_bomb(500_000_000), "application/pdf", "document_too_large", "400 MB"),
        (papers.picture_bomb(30_000, 30_000), "application/pdf", "document_too_large", "30000 x 30000"),
        (
            papers.with_page_of(papers.scanned_pdf([papers.picture_of("A")]), 1, 14_400, 14_400),
            "application/pdf",
            "document_too_large",
            "14400 x 14400",
        ),
    ],
    ids=[
        "empty", "broken pdf", "truncated pdf", "broken png", "broken tiff", "html as pdf", "pdf as png",
        "zip", "encrypted", "drawing bomb", "picture bomb", "huge page",
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_refused_with_its_reason_within_limits(
    readers: ChildReaders,
    tmp_path: Path,
    content: bytes | Callable[[], bytes],
    media_type: str,
    code: str,
    named: str,
) -> None:
    failure = await refusal(
        readers, content if isinstance(content, bytes) else content(), media_type, tmp_path
    )
    assert failure.code == code
    assert named in failure.cause
    assert failure.next_step
    assert not failure.retryable


async def test_a_pdf_with_an_owner_password_only_is_read(readers: ChildReaders, tmp_path: Path) -> None:
    content = papers.encrypted(papers.typed_pdf("Offen zu lesen"), user="", owner="secret")
    async with opened(readers, content, "application/pdf", tmp_path) as reading:
        (page,) = await read_all(reading)
    assert isinstance(page, ReadPage)
    assert page.text.strip() == "Offen zu lesen"


async def test_a_page_that_is_too_large_fails_and_the_others_go_on(
    readers: ChildReaders, tmp_path: Path
) -> None:
    pictures = [papers.picture_of(text) for text in ("Eins", "Zwei", "Drei")]
    content = papers.with_page_of(papers.scanned_pdf(pictures), 2, 14_400, 14_400)
    async with opened(readers, content, "application/pdf", tmp_path) as reading:
        first, second, third = await read_all(reading)
    assert isinstance(first, ReadPage)
    assert isinstance(third, ReadPage)
    assert (first.text, third.text) == ("Eins", "Drei")
    assert isinstance(second, UnreadPage)
    assert second.failure.code == "page_too_large"


async def test_a_plan_with_a_text_layer_may_be_as_large_as_it_likes(
    readers: ChildReaders, tmp_path: Path
) -> None:
    content = papers.typed_pdf("Plan", size=(14_000, 14_000))
    async with opened(readers, content, "application/pdf", tmp_path) as reading:
        (page,) = await read_all(reading)
    assert isinstance(page, ReadPage)
    assert page.source == "text_layer"


async def test_a_truncated_picture_is_refused(readers: ChildReaders, tmp_path: Path) -> None:
    content = (SAMPLES / "receipt-photo.jpg").read_bytes()[:20_000]
    assert (await refusal(readers, content, "image/jpeg", tmp_path)).code == "image_broken"


async def test_work_that_runs_into_a_limit_fails_the_page_and_a_new_child_reads_the_rest(
    engine: Engine, tmp_path: Path
) -> None:
    children = Children(1, Limits(wall_seconds=4.0))
    content = papers.scanned_pdf([papers.picture_of(text) for text in ("Eins", "Zwei")])
    async with opened(ChildReaders(children, engine), content, "application/pdf", tmp_path) as reading:
        child = reading._first
        assert child is not None
        # Frozen, as if the first page took for ever.
        psutil.Process(child.pid).send_signal(signal.SIGSTOP)
        first, second = await read_all(reading)
    assert isinstance(first, UnreadPage)
    assert first.failure.code == "input_too_expensive"
    assert "4 s" in first.failure.cause
    assert isinstance(second, ReadPage)
    assert second.text == "Zwei"


async def test_a_child_killed_in_the_middle_of_a_page_costs_only_time(
    readers: ChildReaders, tmp_path: Path
) -> None:
    async with opened(readers, SAMPLES / "invoice-scanned.pdf", "application/pdf", tmp_path) as reading:
        reading_all = asyncio.create_task(read_all(reading))
        assert reading._first is not None
        program = await tesseract_below(reading._first.pid)
        psutil.Process(reading._first.pid).kill()
        (page,) = await reading_all
        assert isinstance(page, ReadPage)
        assert "Sonnhalde" in page.text
        assert await is_gone(program)


async def test_cancelling_ends_tesseract_at_once(readers: ChildReaders, tmp_path: Path) -> None:
    async with opened(readers, SAMPLES / "invoice-scanned.pdf", "application/pdf", tmp_path) as reading:
        reading_all = asyncio.create_task(read_all(reading))
        assert reading._first is not None
        program = await tesseract_below(reading._first.pid)
        reading_all.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading_all
        assert not reading._first.alive
        assert await is_gone(program)


async def tesseract_below(pid: int) -> psutil.Process:
    """Tesseract at work, stopped in it: so it does not end by itself."""
    for _ in range(1000):
        for process in psutil.Process(pid).children(recursive=True):
            if process.name() == "tesseract":
                process.suspend()
                return process
        await asyncio.sleep(0.005)
    raise AssertionError("Tesseract was never started")


async def is_gone(process: psutil.Process) -> bool:
    for _ in range(200):
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_a_document_of_many_pages_uses_every_free_slot(engine: Engine, tmp_path: Path) -> None:
    children = Children(2)
    content = papers.scanned_pdf([papers.picture_of(f"Seite {n}", dpi=300) for n in range(1, 9)], dpi=300)
    me = psutil.Process()
    # Other tests may keep servers of theirs for the whole session.
    others = {child.pid for child in me.children()}
    async with opened(ChildReaders(children, engine), content, "application/pdf", tmp_path) as reading:
        reading_all = asyncio.create_task(read_all(reading))
        most = 0
        while not reading_all.done():
            ours = [child for child in me.children() if child.pid not in others]
            most = max(most, sum(child.name().startswith("python") for child in ours))
            await asyncio.sleep(0.02)
        pages = await reading_all
    assert [page.text for page in pages if isinstance(page, ReadPage)] == [f"Seite {n}" for n in range(1, 9)]
    assert most == 2


async def test_an_unknown_language_is_named_at_the_start_with_those_that_there_are() -> None:
    with pytest.raises(TagwerkError) as caught:
        Engine.find("deu+xyz", None)
    assert caught.value.failure.code == "ocr_not_available"
    assert "xyz" in caught.value.failure.cause
    assert "deu, eng" in caught.value.failure.cause


async def test_a_killed_worker_leaves_no_process_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unit.documents.slow_worker"]
    worker = await asyncio.create_subprocess_exec(
        *command, SAMPLES / "invoice-scanned.pdf", tmp_path, stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    below = [psutil.Process(int(pid)) for pid in (await worker.stdout.readline()).split()]
    assert {process.name() for process in below} >= {"tesseract"}
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    assert all([await is_gone(process) for process in below])
