"""documents.ocr: make the text of a document readable and searchable."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated
from uuid import UUID

from services.documents.core import page_key
from services.documents.jobs.originals import concerning, fetch_pdf, known_document
from services.documents.readers import Readers, Reading, ReadPage, UnreadPage
from services.documents.store import Derived, DocumentStore, KeptPage, StoredDocument
from shared.access import Access
from shared.choices import ChosenFrom
from shared.errors import Failure
from shared.events import Record
from shared.files import Files
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import Kind, Level, Outcome
from shared.workplace import workplace


@job(
    "documents.ocr",
    title="Recognize text",
    kind=Kind.PROCESSING,
    owner="Document services",
    access=Access(
        module="documents", level=Level.GENERAL, roles=frozenset({"accounting", "trustee", "uploader"})
    ),
    expected_runtime=minutes(1),
    timeout=minutes(180),
    retry=Retry(attempts=3, backoff=exponential(seconds(5))),
    repeat=Safe(
        "a page's result is kept by document, page, engine version and languages; kept pages are not read "
        "again, and derived files are only written when they would differ"
    ),
    locations=["file-store"],
    output="the text, and a searchable PDF",
    expected_result="every page of the document has text, from its text layer or recognized",
    logs="service=documents job=documents.ocr",
    troubleshooting="docs/jobs/ocr.md",
    on="event.document.converted",
    cpu_bound=True,
)
async def ocr(
    document: Annotated[UUID, ChosenFrom("document")],
    *,
    context: RunContext,
    documents: DocumentStore,
    files: Files,
    readers: Readers,
    progress: Progress,
    log: RunLog,
) -> AsyncIterator[Record]:
    """Read the text of every page of a document, recognizing those that have none, and make it searchable.

    Killed anywhere, it goes on where it was: a page's files are stored before its row, the derived files
    before the row that points to them.
    """
    about = await known_document(documents, files, document)
    kept = await documents.kept_pages(document, readers.recipe)
    for page in sorted(kept):
        if context.wants(page_key(document, page)):
            yield _record_of(context, about, kept[page])
    if _is_complete(context, about, readers.recipe, kept):
        await progress(len(kept), about.page_count)
        return
    with workplace() as folder, concerning(about.file_name):
        pdf = await fetch_pdf(files, about, folder)
        async with readers.open(pdf, folder) as reading:
            wanted = [
                page for page in _missing(reading.page_count, kept) if context.wants(page_key(document, page))
            ]
            log.info("reading", pages=len(wanted), kept=len(kept))
            done = reading.page_count - len(wanted)
            await progress(done, reading.page_count)
            async with aclosing(reading.read(wanted)) as results:
                async for result in results:
                    if isinstance(result, UnreadPage):
                        yield _failed(about, result.number, result.failure)
                    else:
                        read = await _store_page_files(files, context, document, readers.recipe, result)
                        kept[read.page] = read
                        yield await documents.keep_page(
                            document, readers.recipe, read, _record_of(context, about, read)
                        )
                    done += 1
                    await progress(done, reading.page_count)
            digest = digest_of(readers.recipe, reading.page_count, kept)
            if kept and digest != about.derived_digest:
                derived = await _derive(files, about, readers.recipe, reading, pdf, kept, digest, log)
                await documents.finish(document, derived, list(kept.values()))


def _is_complete(context: RunContext, about: StoredDocument, recipe: str, kept: dict[int, KeptPage]) -> bool:
    """Whether every page that this run is to handle is kept, and the derived files are made of them."""
    if about.page_count is None or about.derived_digest != digest_of(recipe, about.page_count, kept):
        return False
    return not any(
        context.wants(page_key(about.document_id, page)) for page in _missing(about.page_count, kept)
    )


def _missing(page_count: int, kept: dict[int, KeptPage]) -> list[int]:
    return [page for page in range(1, page_count + 1) if page not in kept]


async def _store_page_files(
    files: Files, context: RunContext, document: UUID, recipe: str, page: ReadPage
) -> KeptPage:
    """Store what was found on a page; its row comes after, so that a row always has its files."""
    text = page.text.encode()
    await files.put(text_key(document, recipe, page.number), text)
    if page.layer is not None:
        await files.put(layer_key(document, recipe, page.number), page.layer)
    return KeptPage(
        page=page.number,
        source=page.source,
        confidence=page.confidence,
        characters=len(page.text),
        text_sha256=hashlib.sha256(text).hexdigest(),
        run_id=context.run_id,
    )


async def _derive(
    files: Files,
    about: StoredDocument,
    recipe: str,
    reading: Reading,
    pdf: Path,
    kept: dict[int, KeptPage],
    digest: str,
    log: RunLog,
) -> Derived:
    """Make and store text and searchable PDF from the kept pages; a page that failed stays as it was."""
    document = about.document_id
    texts = {page: await files.get(text_key(document, recipe, page)) for page in kept}
    all_text = b"\f".join(texts.get(page, b"") for page in range(1, reading.page_count + 1))
    layers = {}
    for page in kept.values():
        if page.source == "tesseract":
            layers[page.page] = pdf.parent / f"kept-{page.page}.pdf"
            await files.fetch(layer_key(document, recipe, page.page), layers[page.page])
    searchable = pdf
    if layers:
        assembled = await reading.assemble(layers)
        searchable = assembled.path
        if assembled.signed:
            log.warning("the digital signature covers the original, and not the searchable PDF made of it")
    derived = Derived(
        page_count=reading.page_count,
        recipe=recipe,
        digest=digest,
        text_key=f"documents/{document}/derived/text.txt",
        searchable_pdf_key=f"documents/{document}/derived/searchable.pdf",
    )
    await files.put(derived.text_key, all_text)
    await files.put(derived.searchable_pdf_key, searchable)
    return derived


def text_key(document: UUID, recipe: str, page: int) -> str:
    return f"documents/{document}/pages/{recipe}/{page}.txt"


def layer_key(document: UUID, recipe: str, page: int) -> str:
    return f"documents/{document}/pages/{recipe}/{page}.pdf"


def digest_of(recipe: str, page_count: int, kept: dict[int, KeptPage]) -> str:
    """What derived files are made of: changes if and only if they would."""
    pages = "\n".join(f"{page.page} {page.source} {page.text_sha256}" for _, page in sorted(kept.items()))
    return hashlib.sha256(f"{recipe}\n{page_count}\n{pages}".encode()).hexdigest()


def _record_of(context: RunContext, about: StoredDocument, page: KeptPage) -> Record:
    """The outcome for this run: what an earlier attempt of it kept was created by it all the same."""
    created = page.run_id == context.run_id
    if page.source == "text_layer":
        message = f"text layer read, {page.characters:,} characters"
    elif page.confidence is None:
        message = "recognized, no text found"
    else:
        message = f"recognized with {page.confidence:.0f} % confidence, {page.characters:,} characters"
    return Record(
        key=page_key(about.document_id, page.page),
        outcome=Outcome.CREATED if created else Outcome.UNCHANGED,
        label=f"{about.file_name}, page {page.page}",
        message=message if created else f"kept from an earlier run: {message}",
    )


def _failed(about: StoredDocument, page: int, failure: Failure) -> Record:
    label = f"{about.file_name}, page {page}"
    return Record(
        key=page_key(about.document_id, page),
        outcome=Outcome.FAILED,
        label=label,
        message=failure.cause,
        failure=failure.model_copy(update={"concern": label}),
    )
