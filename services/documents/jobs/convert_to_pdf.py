"""documents.convert-to-pdf: a PDF of every document, and documents of what came with it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated
from uuid import UUID

from services.documents.attachments import Attachments
from services.documents.converters import Converted, Converters
from services.documents.core import MAILS, conversion_recipe, pdf_key
from services.documents.jobs.originals import concerning, fetch_original, known_document, sha256_of
from services.documents.store import Conversion, DocumentStore, StoredDocument
from shared.access import Access
from shared.choices import ChosenFrom
from shared.events import Record
from shared.files import Files
from shared.intake import original_key
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.media_types import PROCESSABLE
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import Kind, Level, Outcome
from shared.workplace import workplace


@job(
    "documents.convert-to-pdf",
    title="Convert to PDF",
    kind=Kind.PROCESSING,
    owner="Document services",
    access=Access(
        module="documents", level=Level.GENERAL, roles=frozenset({"accounting", "trustee", "uploader"})
    ),
    expected_runtime=seconds(5),
    timeout=minutes(10),
    retry=Retry(attempts=3, backoff=exponential(seconds(5))),
    repeat=Safe(
        "a document has one PDF, made anew only where it would be made in another way; what came with it is "
        "known by its content"
    ),
    locations=["file-store"],
    output="a PDF of the document, and documents of what came with it",
    expected_result="a PDF that can be opened and read, and one document per attachment of a mail",
    logs="service=documents job=documents.convert-to-pdf",
    troubleshooting="docs/jobs/convert-to-pdf.md",
    on="event.document.uploaded",
    cpu_bound=True,
)
async def convert_to_pdf(
    document: Annotated[UUID, ChosenFrom("document")],
    *,
    context: RunContext,
    documents: DocumentStore,
    files: Files,
    converters: Converters,
    attachments: Attachments,
    progress: Progress,
    log: RunLog,
) -> AsyncIterator[Record]:
    """Check a PDF and pass it on, or make one of a picture, mail, text, page, e-invoice or office file.

    Killed anywhere, it begins anew: the PDF is stored before the row that points to it, and what came with a
    mail is taken in by its content.
    """
    about = await known_document(documents, files, document)
    recipe = conversion_recipe(about.media_type)
    is_converted = about.pdf_recipe == recipe
    if is_converted and context.wants(pdf_key(document)):
        yield _kept(context, about)
    if is_converted and about.media_type not in MAILS:
        return
    await progress(0, 1)
    with workplace() as folder, concerning(about.file_name):
        original = await fetch_original(files, about, folder)
        found = await converters.convert(original, about.media_type, about.file_name, folder)
        done, total = 1, 1 + len(found.attached)
        if found.signed:
            log.info("the PDF is signed digitally; the signature covers the original, which stays as it is")
        if not is_converted:
            conversion = await _stored(files, about, found, recipe)
            yield await documents.keep_conversion(
                document, conversion, _record(about, Outcome.CREATED, _words(about, found.pages))
            )
        await progress(done, total)
        for file in found.attached:
            if context.wants(await attachments.key_of(file)):
                yield await attachments.take_in(about, file)
            done += 1
            await progress(done, total)


async def _stored(files: Files, about: StoredDocument, found: Converted, recipe: str) -> Conversion:
    """The PDF where it stays: a document that is one already is not copied, so its signatures hold."""
    if found.pdf is None:
        return Conversion(original_key(about.document_id), about.sha256, recipe, found.pages, passed=True)
    # By its content: what an attempt that was replaced still writes is another file.
    digest = sha256_of(found.pdf)
    key = f"documents/{about.document_id}/pdf/{digest}.pdf"
    await files.put(key, Path(found.pdf))
    return Conversion(key, digest, recipe, found.pages, passed=False)


def _kept(context: RunContext, about: StoredDocument) -> Record:
    """The outcome for this run: what an earlier attempt of it made was created by it all the same."""
    words = _words(about, about.pdf_pages or 0)
    if about.converted_by == context.run_id:
        return _record(about, Outcome.CREATED, words)
    return _record(about, Outcome.UNCHANGED, f"kept from an earlier run: {words}")


def _words(about: StoredDocument, pages: int) -> str:
    count = f"{pages} page" if pages == 1 else f"{pages} pages"
    if about.media_type == "application/pdf":
        return f"checked and passed on as it is, {count}"
    return f"PDF of {count} made of the {PROCESSABLE.get(about.media_type, about.media_type)}"


def _record(about: StoredDocument, outcome: Outcome, words: str) -> Record:
    return Record(key=pdf_key(about.document_id), outcome=outcome, label=about.file_name, message=words)
