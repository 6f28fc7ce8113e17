"""Documents that came in, as the gateway stored or heard of them: before the documents service knows them."""

from typing import Final
from uuid import UUID

from shared.commands import DocumentRow, DocumentsQuery
from shared.database import Pool
from shared.events import DocumentUploaded
from shared.media_types import kind_of
from shared.words import DocumentStage

#: Arrivals that are looked at for those that another service may not know yet.
_LOOKED_AT: Final = 200


async def find(pool: Pool, document_id: UUID) -> DocumentUploaded | None:
    row = await pool.fetchval("select event from arrivals where document_id = $1", document_id)
    return None if row is None else DocumentUploaded.model_validate_json(row)


async def newest(pool: Pool, query: DocumentsQuery) -> dict[UUID, DocumentUploaded]:
    """The last ones that the asker may see, the newest first."""
    rows = await pool.fetch("select event from arrivals order by arrived_at desc limit $1", _LOOKED_AT)
    events = [DocumentUploaded.model_validate_json(row["event"]) for row in rows]
    events.sort(key=lambda event: event.time, reverse=True)
    return {event.document_id: event for event in events if _may_be_seen(event, query)}


def _may_be_seen(event: DocumentUploaded, query: DocumentsQuery) -> bool:
    return query.scope.clients is None or event.client in query.scope.clients


def fits(event: DocumentUploaded, query: DocumentsQuery) -> bool:
    """Whether a list with these filters shows it, as the documents service decides it. Pure."""
    name = event.file_name.lower()
    return (
        _may_be_seen(event, query)
        and query.client in (None, event.client)
        and query.parent_id in (None, event.parent_id)
        and (not query.kind or kind_of(event.media_type) in query.kind)
        and (not query.stage or DocumentStage.UPLOADED in query.stage)
        and all(word.lower() in name for word in (query.text or "").split())
    )


def as_row(event: DocumentUploaded) -> DocumentRow:
    """As far as it is known from its upload. Pure."""
    return DocumentRow(
        document_id=event.document_id,
        client=event.client,
        file_name=event.file_name,
        media_type=event.media_type,
        size=event.size,
        uploaded_at=event.time,
        stage=DocumentStage.UPLOADED,
        parent_id=event.parent_id,
    )
