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
    found = await asyncio.to_thread(_sha256_of, path)
    if found != about.sha256:
        raise TagwerkError(
            "original_damaged",
            f"the stored original is not what was uploaded: SHA-256 {found[:12]}…, not {about.sha256[:12]}…",
            next_step="Check the storage of the files port, restore the file from a backup, then rerun.",
        )
    return path


def _sha256_of(path: Path) -> str:
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
