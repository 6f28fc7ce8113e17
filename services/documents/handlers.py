"""Events in: what this service learns from others."""

from services.documents.store import remember_document
from shared.database import Pool
from shared.events import DocumentUploaded


async def record_document_uploaded(pool: Pool, event: DocumentUploaded) -> None:
    """Know the document before anything is done with it. The same event again changes nothing."""
    await remember_document(pool, event)
