"""documents.analyse-invoice as a plain generator, without a bus, a database or a child process."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from services.documents.analysts import Analysis
from services.documents.core import changes_between, invoice_key
from services.documents.jobs.analyse_invoice import analyse_invoice
from services.documents.jobs.ocr import layer_key
from services.documents.store import KeptPage
from services.documents.suppliers.labels import Hint
from shared.errors import TagwerkError
from shared.events import Record
from shared.ids import new_id
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import Outcome
from tests.unit.documents.fakes import Office

FOUND = Analysis("invoice", None, "text", None, [], [])
RECIPE = "recipe-1"
HINT = Hint(("name:nordlicht",), {"invoice_number": "vorgang"})


class AskedAnalysts:
    """Finds `FOUND`, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, dict[int, bytes]]] = []
        self.hinted: list[Hint] = []

    async def analyse(
        self, pdf: Path, layers: dict[int, Path], today: date, hints: Sequence[Hint] = ()
    ) -> Analysis:
        read = {number: layer.read_bytes() for number, layer in layers.items()}
        self.asked.append((pdf.read_bytes(), read))
        self.hinted += hints
        return FOUND

    async def labels_of(self, pdf: Path, layers: dict[int, Path], values: dict[str, str]) -> dict[str, str]:
        raise NotImplementedError


class KeptInvoices:
    def __init__(self) -> None:
        self.kept: list[tuple[UUID, str, Analysis]] = []

    async def hints(self) -> list[Hint]:
        return [HINT]

    async def keep(self, document_id: UUID, label: str, analysis: Analysis) -> Record:
        self.kept.append((document_id, label, analysis))
        return Record(key=invoice_key(document_id), outcome=Outcome.CREATED, label=label)


async def run(office: Office, analysts: AskedAnalysts, invoices: KeptInvoices) -> list[Record]:
    context = RunContext(new_id(), 1, "documents.analyse-invoice", "acme", principal="ada")
    records = analyse_invoice.function(
        office.document,
        documents=office.documents,
        invoices=invoices,
        files=office.files,
        analysts=analysts,
        progress=Progress(lambda done, total, message: office.progress.append((done, total))),
        log=RunLog(context, lambda line: None),
    )
    return [record async for record in records]  # type: ignore[misc]


async def recognized() -> Office:
    """A document of two pages: the first has a text layer, the second was recognized."""
    office = Office()
    await office.store_converted()
    document = office.document
    office.documents.rows[document] = replace(office.documents.rows[document], recipe=RECIPE, page_count=2)
    for number, source in ((1, "text_layer"), (2, "tesseract")):
        page = KeptPage(number, source, None, 4, "abc", new_id())
        office.documents.pages[document, RECIPE, number] = page
        await office.files.put(layer_key(document, RECIPE, number), f"layer {number}".encode())
    return office


async def test_the_pdf_is_analysed_with_what_was_recognized_on_its_pages() -> None:
    office, analysts, invoices = await recognized(), AskedAnalysts(), KeptInvoices()
    (record,) = await run(office, analysts, invoices)
    assert record.key == f"invoice:{office.document}"
    assert analysts.asked == [(b"a scan", {2: b"layer 2"})]
    assert analysts.hinted == [HINT]
    assert invoices.kept == [(office.document, "scan.tif", FOUND)]
    assert office.progress == [(0, 1), (1, 1)]


async def test_a_document_without_text_is_not_analysed() -> None:
    office, analysts = Office(), AskedAnalysts()
    await office.store_converted()
    with pytest.raises(TagwerkError) as caught:
        await run(office, analysts, KeptInvoices())
    assert caught.value.failure.code == "text_not_yet_recognized"
    assert caught.value.failure.concern == "scan.tif"
    assert analysts.asked == []


async def test_a_damaged_original_is_not_analysed() -> None:
    office, analysts, invoices = await recognized(), AskedAnalysts(), KeptInvoices()
    await office.files.put(f"documents/{office.document}/original", b"something else")
    with pytest.raises(TagwerkError) as caught:
        await run(office, analysts, invoices)
    assert caught.value.failure.code == "original_damaged"
    assert invoices.kept == []


def test_changes_name_every_field_that_differs() -> None:
    assert changes_between({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "4", "d": "5"}) == {
        "b": ("2", "4"),
        "c": ("3", None),
        "d": (None, "5"),
    }
