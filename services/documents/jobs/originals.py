"""What every job over a document begins with: the row, the original, and whom errors concern."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from services.documents.store import DocumentStore, StoredDocument, document_not_found
from shared.errors import TagwerkError
from shared.files import Files
from shared.intake import original_key


async def known_document(documents: DocumentStore, files: Files, document: UUID) -> StoredDocument:
    about = await documents.find(document)
    if about is not None:
        return about
    if await files.exists(original_key(document)):
        raise TagwerkError(
            "document_not_yet_known",
            "the original is stored, but the event of its upload has not arrived here yet",
            concern=f"document:{document}",
            next_step="Nothing: Tagwerk tries again by itself. If it stays so, look at the dead letters.",
            retryable=True,
        )
    raise document_not_found(document)


async def fetch_original(files: Files, about: StoredDocument, folder: Path) -> Path:
    path = folder / "original"
    await files.fetch(original_key(about.document_id), path)
    await _check_content(path, about.sha256)
    return path


async def fetch_pdf(files: Files, about: StoredDocument, folder: Path) -> Path:
    """The document as a PDF: the original itself, or what documents.convert-to-pdf made of it."""
    if about.pdf_key is None or about.pdf_sha256 is None:
        raise TagwerkError(
            "pdf_not_yet_made",
            "the document has not been converted, so there is no PDF of it yet",
            next_step="Start documents.convert-to-pdf for it; what comes after follows by itself.",
        )
    path = folder / "document.pdf"
    await files.fetch(about.pdf_key, path)
    await _check_content(path, about.pdf_sha256)
    return path


async def _check_content(path: Path, sha256: str) -> None:
    found = await asyncio.to_thread(sha256_of, path)
    if found != sha256:
        raise TagwerkError(
            "original_damaged",
            f"the stored file is not what was stored: SHA-256 {found[:12]}…, not {sha256[:12]}…",
            next_step="Check the storage of the files port, restore the file from a backup, then rerun.",
        )


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def concerning(file_name: str) -> Iterator[None]:
    """Name the file in errors that do not say what they concern."""
    try:
        yield
    except TagwerkError as error:
        if error.failure.concern is None:
            error.failure = error.failure.model_copy(update={"concern": file_name})
        raise
