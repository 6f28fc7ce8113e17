"""documents.analyse-invoice: find the invoice in a document, with how sure every field is."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Annotated
from uuid import UUID

from services.documents.analysts import Analysts
from services.documents.invoice_store import InvoiceStore
from services.documents.jobs.ocr import layer_key
from services.documents.jobs.originals import concerning, fetch_pdf, known_document
from services.documents.store import DocumentStore, StoredDocument
from shared.access import Access
from shared.choices import ChosenFrom
from shared.errors import TagwerkError
from shared.events import Record
from shared.files import Files
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunLog
from shared.words import Kind, Level
from shared.workplace import workplace


@job(
    "documents.analyse-invoice",
    title="Analyse invoice",
    kind=Kind.PROCESSING,
    owner="Document services",
    access=Access(
        module="documents", level=Level.GENERAL, roles=frozenset({"accounting", "trustee", "uploader"})
    ),
    expected_runtime=seconds(5),
    timeout=minutes(10),
    retry=Retry(attempts=3, backoff=exponential(seconds(5))),
    repeat=Safe("one invoice is kept per document, and only a different reading of it changes it"),
    output="the fields of the invoice, each with source, confidence and verdict",
    expected_result="one invoice for a document that is one, and the reason for a document that is none",
    logs="service=documents job=documents.analyse-invoice",
    troubleshooting="docs/jobs/analyse-invoice.md",
    on="event.document.text_recognized",
    cpu_bound=True,
)
async def analyse_invoice(
    document: Annotated[UUID, ChosenFrom("document")],
    *,
    documents: DocumentStore,
    invoices: InvoiceStore,
    files: Files,
    analysts: Analysts,
    progress: Progress,
    log: RunLog,
) -> AsyncIterator[Record]:
    """Read the invoice in a document: from its e-invoice, else its payment code, else its text.

    Killed anywhere, it begins anew: nothing is kept before the one transaction at its end.
    """
    about = await known_document(documents, files, document)
    if about.recipe is None:
        raise TagwerkError(
            "text_not_yet_recognized",
            "the text of the document has not been recognized, so there is nothing to analyse yet",
            concern=about.file_name,
            next_step="Start documents.ocr for it; the analysis follows by itself.",
        )
    await progress(0, 1)
    with workplace() as folder, concerning(about.file_name):
        pdf = await fetch_pdf(files, about, folder)
        layers = await recognized_layers(documents, files, about, folder)
        hints = await invoices.hints()
        found = await analysts.analyse(pdf, layers, _today(), hints)
    log.info(
        "analysed",
        kind=found.kind or "no invoice",
        source=found.source or "none",
        findings=len(found.findings),
    )
    for finding in found.findings:
        log.warning(finding.words, code=finding.code)
    yield await invoices.keep(document, about.file_name, found)
    await progress(1, 1)


async def recognized_layers(
    documents: DocumentStore, files: Files, about: StoredDocument, folder: Path
) -> dict[int, Path]:
    """What was recognized on pages that have no text layer of their own, with its places."""
    assert about.recipe is not None
    kept = await documents.kept_pages(about.document_id, about.recipe)
    layers = {
        number: folder / f"layer-{number}.pdf" for number, page in kept.items() if page.source == "tesseract"
    }
    for number, layer in layers.items():
        await files.fetch(layer_key(about.document_id, about.recipe, number), layer)
    return layers


def _today() -> date:
    return date.today()  # noqa: DTZ011  (a bound of plausibility, two years wide: no zone matters)
