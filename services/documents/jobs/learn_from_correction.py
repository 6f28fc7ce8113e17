"""documents.learn-from-correction: what a correction says about the next invoice of the same supplier."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from services.documents.analysts import Analysts
from services.documents.jobs.analyse_invoice import recognized_layers
from services.documents.jobs.originals import concerning, fetch_pdf, known_document
from services.documents.store import DocumentStore
from services.documents.suppliers.lessons import Lessons
from shared.access import Access
from shared.approving import CORRECTING
from shared.choices import ChosenFrom
from shared.events import Record
from shared.files import Files
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.words import Kind, Level
from shared.workplace import workplace


@job(
    "documents.learn-from-correction",
    title="Learn from correction",
    kind=Kind.PROCESSING,
    owner="Document services",
    access=Access(module="documents", level=Level.GENERAL, roles=CORRECTING),
    expected_runtime=seconds(3),
    timeout=minutes(5),
    retry=Retry(attempts=3, backoff=exponential(seconds(5))),
    repeat=Safe("one label is kept per supplier and field, and the same correction leads to the same label"),
    output="the labels by which the supplier's next invoices are read",
    expected_result="one record for the supplier, or the reason why nothing can be learned",
    logs="service=documents job=documents.learn-from-correction",
    troubleshooting="docs/jobs/learn-from-correction.md",
    on="event.invoice.corrected",
    cpu_bound=True,
)
async def learn_from_correction(
    document: Annotated[UUID, ChosenFrom("document")],
    *,
    documents: DocumentStore,
    lessons: Lessons,
    files: Files,
    analysts: Analysts,
) -> AsyncIterator[Record]:
    """Look up what stands before the corrected values on the page, and remember it for the supplier.

    Killed anywhere, it begins anew: nothing is kept before the one transaction at its end.
    """
    about = await known_document(documents, files, document)
    corrected = await lessons.corrected(document)
    if not corrected or about.recipe is None:
        reason = "what was corrected stays the same from invoice to invoice, and is known already"
        yield lessons.nothing(document, about.file_name, reason)
        return
    with workplace() as folder, concerning(about.file_name):
        pdf = await fetch_pdf(files, about, folder)
        layers = await recognized_layers(documents, files, about, folder)
        labels = await analysts.labels_of(pdf, layers, corrected)
    if not labels:
        reason = "no label stands before the corrected values on the page"
        yield lessons.nothing(document, about.file_name, reason)
        return
    yield await lessons.keep(document, about.file_name, labels)
