"""The one way in for documents: original first, content hash, id from both, then the event.

Upload, mail, MQTT, ERP and folder all come through here, so a document is stored once per client and
content, however often and by however many ways it arrives.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from obstore.store import ObjectStore

from shared.database import Pool
from shared.errors import TagwerkError
from shared.events import DocumentUploaded
from shared.files import Files
from shared.ids import derived_id, document_id_of
from shared.media_types import Unsuitable, media_type_of
from shared.outbox import Outbox, Relay


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that came in, before anything is known of it."""

    client: str
    principal: str
    file_name: str
    #: Where the content lies until it is stored.
    path: Path
    declared_type: str | None = None
    interactive: bool = True
    traceparent: str | None = None
    #: The document that brought it along: the e-mail of an attachment.
    parent_id: UUID | None = None
    #: The run that took it out of there.
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The document that an arrival became; the same bytes give the same answer."""

    event: DocumentUploaded
    #: The client had this content already.
    duplicate: bool


def original_key(document_id: UUID) -> str:
    """Where the original lies in the client's files; it is never touched again."""
    return f"documents/{document_id}/original"


class Intake:
    """Stores documents and tells of them, in that order."""

    def __init__(self, pool: Pool, relay: Relay, store: ObjectStore, *, size_limit: int) -> None:
        self._pool = pool
        self._relay = relay
        self._store = store
        self._size_limit = size_limit

    async def accept(self, arrival: Arrival) -> Accepted:
        """Store the file and let its event leave with the row.

        Killed before the row: the caller got no answer and sends it again, to the same place. Killed
        after: the outbox has the event. Raises `file_empty`, `file_too_large`, `file_type_unsupported`,
        `file_type_mismatch`, `archive_unsupported`.
        """
        size = arrival.path.stat().st_size
        media_type = await asyncio.to_thread(check_file, arrival, size, self._size_limit)
        sha256 = await asyncio.to_thread(_sha256, arrival.path)
        document_id = document_id_of(arrival.client, sha256)
        await Files(self._store, arrival.client).put(original_key(document_id), arrival.path)
        event = DocumentUploaded(
            id=derived_id("event.document.uploaded", str(document_id)),
            client=arrival.client,
            principal=arrival.principal,
            about=[f"document:{document_id}"],
            traceparent=arrival.traceparent,
            interactive=arrival.interactive,
            document_id=document_id,
            file_name=arrival.file_name,
            media_type=media_type,
            size=size,
            sha256=sha256,
            parent_id=arrival.parent_id,
            run_id=arrival.run_id,
        )
        async with Outbox(self._pool, self._relay).transaction() as tx:
            first = await tx.connection.fetchval(
                "insert into arrivals (document_id, event) values ($1, $2)"
                " on conflict (document_id) do nothing returning true",
                document_id,
                event.encode().decode(),
            )
            if first:
                tx.event(event)
        if first:
            return Accepted(event, duplicate=False)
        earlier = await self.earlier(document_id)
        assert earlier is not None, "arrivals are never deleted"
        return Accepted(earlier, duplicate=True)

    async def earlier(self, document_id: UUID) -> DocumentUploaded | None:
        """What told of the document when it came in, whichever way; None if it did not yet."""
        row = await self._pool.fetchval("select event from arrivals where document_id = $1", document_id)
        return None if row is None else DocumentUploaded.model_validate_json(row)


async def remember_arrival(pool: Pool, event: DocumentUploaded) -> None:
    """Know a document that came in through another service, so that it is none of ours any more.

    Every service with an intake calls this for each `event.document.uploaded`, its own among them. Two that
    take in the same content before they hear of each other both tell of it: with one event id, by which the
    bus and every consumer know it as one.
    """
    await pool.execute(
        "insert into arrivals (document_id, event) values ($1, $2) on conflict (document_id) do nothing",
        event.document_id,
        event.encode().decode(),
    )


def check_file(arrival: Arrival, size: int, size_limit: int) -> str:
    """The media type that the content has. Raises `TagwerkError` for what cannot be processed."""
    name = arrival.file_name
    if size > size_limit:
        raise TagwerkError(
            "file_too_large",
            f"{name} has {size:,} bytes; the limit is {size_limit:,}",
            concern=name,
            next_step="Split the document, or ask an administrator to raise TAGWERK_UPLOAD_LIMIT.",
        )
    try:
        return media_type_of(arrival.path, arrival.declared_type, name)
    except Unsuitable as error:
        raise TagwerkError(
            error.code, f"{name} is not taken: {error}", concern=name, next_step=error.next_step
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
