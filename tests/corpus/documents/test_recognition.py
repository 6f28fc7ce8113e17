"""Documents of others: scans against their known text, invoices, and files made to do harm."""

import json
import re
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest

from services.documents.converters import ChildConverters
from services.documents.readers import ChildReaders, Engine, ReadPage, UnreadPage
from shared.errors import TagwerkError
from shared.process import Children

TYPES = {".pdf": "application/pdf", ".tif": "image/tiff", ".png": "image/png", ".xml": "text/xml"}


@pytest.fixture
def readers() -> ChildReaders:
    return ChildReaders(Children(2), Engine.find("deu+eng", None))


async def pages_of(readers: ChildReaders, file: Path, folder: Path) -> list[ReadPage | UnreadPage]:
    children = Children(1)
    made = await ChildConverters(children, children).convert(
        file.resolve(), TYPES[file.suffix], file.name, folder
    )
    async with readers.open(made.pdf or file.resolve(), folder) as reading:
        found = [page async for page in reading.read(range(1, reading.page_count + 1))]
    return sorted(found, key=lambda page: page.number)


def text_of(pages: list[ReadPage | UnreadPage]) -> str:
    assert all(isinstance(page, ReadPage) for page in pages), pages
    return "\n".join(page.text for page in pages if isinstance(page, ReadPage))


def some_of(corpus: Path, pattern: str) -> list[Path]:
    files = sorted(corpus.glob(pattern))
    if not files:
        pytest.skip(f"no samples: {corpus / pattern} matches nothing")
    return files


async def test_scanned_pages_are_recognized_as_somebody_typed_them(
    corpus: Path, readers: ChildReaders, tmp_path: Path
) -> None:
    for file in some_of(corpus, "scans/*.tif"):
        truth = file.with_suffix(".txt").read_text(encoding="latin-1")
        text = text_of(await pages_of(readers, file, tmp_path))
        ratio = SequenceMatcher(None, " ".join(text.split()), " ".join(truth.split()), autojunk=False).ratio()
        assert ratio > 0.95, file.name


async def test_invoices_with_a_text_layer_are_read_and_not_recognized(
    corpus: Path, readers: ChildReaders, tmp_path: Path
) -> None:
    for file in some_of(corpus, "invoices/**/*.pdf"):
        pages = await pages_of(readers, file, tmp_path)
        assert {page.source for page in pages if isinstance(page, ReadPage)} == {"text_layer"}, file.name
        assert len(text_of(pages)) > 100, file.name


async def test_the_number_of_an_invoice_can_be_found_in_its_text(
    corpus: Path, readers: ChildReaders, tmp_path: Path
) -> None:
    for file in some_of(corpus, "invoices/invoice2data/*.json"):
        truth: Any = json.loads(file.read_text())
        number = str((truth[0] if isinstance(truth, list) else truth)["invoice_number"])
        text = text_of(await pages_of(readers, file.with_suffix(".pdf"), tmp_path))
        assert re.sub(r"\s", "", number) in re.sub(r"\s", "", text), file.name


async def test_pictures_of_bills_are_recognized(corpus: Path, readers: ChildReaders, tmp_path: Path) -> None:
    for file in some_of(corpus, "qr-bills/*.png"):
        text = text_of(await pages_of(readers, file, tmp_path))
        assert re.search(r"CH\d\d( \d{4}){4} \d", text), f"{file.name}: no IBAN in {text!r}"


@pytest.mark.parametrize("name", ["flatebomb.pdf", "hugemono.pdf", "invalid.pdf", "laughs.xml", "xxe.xml"])
async def test_hostile_files_are_refused_within_limits_and_the_worker_lives(
    corpus: Path, readers: ChildReaders, tmp_path: Path, name: str
) -> None:
    (file,) = some_of(corpus, f"hostile/{name}")
    with pytest.raises(TagwerkError) as caught:
        await pages_of(readers, file, tmp_path)
    assert caught.value.failure.code in {"document_too_large", "pdf_broken", "xml_broken"}
    assert not caught.value.failure.retryable
