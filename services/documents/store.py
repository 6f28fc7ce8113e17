"""Documents and their page results in PostgreSQL; rows, outcomes and events in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import asyncpg

from services.documents.core import mean_confidence
from shared.database import Pool
from shared.errors import TagwerkError
from shared.events import DocumentConverted, DocumentTextRecognized, DocumentUploaded, Record
from shared.outbox import Outbox
from shared.runner.context import RunContext


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A row of `documents`."""

    document_id: UUID
    client: str
    file_name: str
    media_type: str
    size: int
    sha256: str
    uploaded_at: datetime
    page_count: int | None = None
    recipe: str | None = None
    derived_digest: str | None = None
    text_key: str | None = None
    searchable_pdf_key: str | None = None
    parent_id: UUID | None = None
    pdf_key: str | None = None
    pdf_sha256: str | None = None
    pdf_recipe: str | None = None
    pdf_pages: int | None = None
    converted_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a document became a PDF."""

    #: Where the PDF lies: the original's key if it is one itself.
    pdf_key: str
    sha256: str
    recipe: str
    pages: int
    #: Whether the original is that PDF.
    passed: bool


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A row of `pages`."""

    page: int
    #: `text_layer` or `tesseract`.
    source: str
    #: Percent; None for a text layer and for an empty page.
    confidence: float | None
    characters: int
    text_sha256: str
    run_id: UUID


@dataclass(frozen=True, slots=True)
class Derived:
    """The files made of a document's pages."""

    page_count: int
    recipe: str
    digest: str
    text_key: str
    searchable_pdf_key: str


class DocumentStore(Protocol):
    """What a run may do with documents: those of its own client only."""

    async def find(self, document_id: UUID) -> StoredDocument | None: ...

    async def keep_conversion(self, document_id: UUID, conversion: Conversion, record: Record) -> Record:
        """Point to the PDF, which is stored already, and tell of it; returns the record to yield."""

    async def ancestors(self, document_id: UUID) -> int:
        """How many documents a document came in: an attachment in one, that of a forwarded mail in two."""

    async def keep_attachment(
        self, parent_id: UUID, document_id: UUID, file_name: str, record: Record
    ) -> Record:
        """Keep that a document came with another one; returns the record to yield."""

    async def kept_pages(self, document_id: UUID, recipe: str) -> dict[int, KeptPage]: ...

    async def keep_page(self, document_id: UUID, recipe: str, page: KeptPage, record: Record) -> Record:
        """Keep a page's result, whose files are stored already; returns the record to yield."""

    async def finish(self, document_id: UUID, derived: Derived, pages: list[KeptPage]) -> None:
        """The derived files are stored: point to them, and tell that the text can be read."""


class PostgresDocuments:
    """The documents of one run's client."""

    def __init__(self, pool: Pool, outbox: Outbox, context: RunContext) -> None:
        self._pool = pool
        self._outbox = outbox
        self._context = context

    async def find(self, document_id: UUID) -> StoredDocument | None:
        return await find_document(self._pool, document_id, self._context.client)

    async def keep_conversion(self, document_id: UUID, conversion: Conversion, record: Record) -> Record:
        context = self._context
        async with self._outbox.transaction() as tx:
            row = await tx.connection.fetchrow(
                "update documents set pdf_key = $3, pdf_sha256 = $4, pdf_recipe = $5, pdf_pages = $6,"
                " converted_by = $7, converted_at = now() where document_id = $1 and client = $2"
                " returning media_type",
                document_id, context.client, conversion.pdf_key, conversion.sha256, conversion.recipe,
                conversion.pages, context.run_id,
            )  # fmt: skip
            if row is None:
                raise document_not_found(document_id)
            tx.event(
                DocumentConverted(
                    **context.facts(f"document:{document_id}"),
                    document_id=document_id,
                    media_type=row["media_type"],
                    passed=conversion.passed,
                    pages=conversion.pages,
                )
            )
            return tx.record(record)

    async def ancestors(self, document_id: UUID) -> int:
        found = await self._pool.fetchval(
            "with recursive line (parent_id, depth) as ("
            " select parent_id, 0 from documents where document_id = $1 and client = $2"
            " union all select documents.parent_id, depth + 1 from line"
            " join documents on documents.document_id = line.parent_id where depth < 100)"
            " select max(depth) from line",
            document_id,
            self._context.client,
        )
        return int(found or 0)

    async def keep_attachment(
        self, parent_id: UUID, document_id: UUID, file_name: str, record: Record
    ) -> Record:
        async with self._outbox.transaction() as tx:
            await tx.connection.execute(
                "insert into attachments (parent_id, document_id, file_name)"
                " select document_id, $3, $4 from documents where document_id = $1 and client = $2"
                " on conflict (parent_id, document_id) do nothing",
                parent_id, self._context.client, document_id, file_name,
            )  # fmt: skip
            return tx.record(record)

    async def kept_pages(self, document_id: UUID, recipe: str) -> dict[int, KeptPage]:
        return {page.page: page for page in await read_pages(self._pool, document_id, recipe)}

    async def keep_page(self, document_id: UUID, recipe: str, page: KeptPage, record: Record) -> Record:
        async with self._outbox.transaction() as tx:
            # Read by two attempts at once: the later one's files lie there, so its row has to stand.
            written = await tx.connection.execute(
                "insert into pages (document_id, recipe, page, source, confidence, characters, text_sha256,"
                " run_id) select document_id, $3, $4, $5, $6, $7, $8, $9 from documents"
                " where document_id = $1 and client = $2"
                " on conflict (document_id, recipe, page) do update set source = excluded.source,"
                " confidence = excluded.confidence, characters = excluded.characters,"
                " text_sha256 = excluded.text_sha256",
                document_id, self._context.client, recipe, page.page, page.source, page.confidence,
                page.characters, page.text_sha256, page.run_id,
            )  # fmt: skip
            _expect_one(written, document_id)
            return tx.record(record)

    async def finish(self, document_id: UUID, derived: Derived, pages: list[KeptPage]) -> None:
        context = self._context
        async with self._outbox.transaction() as tx:
            written = await tx.connection.execute(
                "update documents set page_count = $3, recipe = $4, derived_digest = $5, text_key = $6,"
                " searchable_pdf_key = $7, recognized_by = $8, recognized_at = now()"
                " where document_id = $1 and client = $2",
                document_id, context.client, derived.page_count, derived.recipe, derived.digest,
                derived.text_key, derived.searchable_pdf_key, context.run_id,
            )  # fmt: skip
            _expect_one(written, document_id)
            tx.event(
                DocumentTextRecognized(
                    **context.facts(f"document:{document_id}"),
                    document_id=document_id,
                    pages=len(pages),
                    confidence=mean_confidence((page.characters, page.confidence) for page in pages),
                )
            )


def _expect_one(written: str, document_id: UUID) -> None:
    """Nothing written (`INSERT 0 0`, `UPDATE 0`) means: not a document of this run's client."""
    if written.endswith(" 0"):
        raise document_not_found(document_id)


def document_not_found(document_id: UUID) -> TagwerkError:
    return TagwerkError(
        "document_not_found",
        f"there is no document {document_id}",
        concern=f"document:{document_id}",
        next_step="Check the id, and that it belongs to this client; `tagwerk upload` prints it.",
    )


async def remember_document(pool: Pool, event: DocumentUploaded) -> None:
    """Write the row of an uploaded document; the first event of a document stands."""
    await pool.execute(
        "insert into documents (document_id, client, file_name, media_type, size, sha256, uploaded_at,"
        " parent_id) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (document_id) do nothing",
        event.document_id, event.client, event.file_name, event.media_type, event.size, event.sha256,
        event.time, event.parent_id,
    )  # fmt: skip


async def find_document(pool: Pool, document_id: UUID, client: str | None) -> StoredDocument | None:
    """A document, if it belongs to `client` (None: to any)."""
    row = await pool.fetchrow(
        "select document_id, client, file_name, media_type, size, sha256, uploaded_at, page_count, recipe,"
        " derived_digest, text_key, searchable_pdf_key, parent_id, pdf_key, pdf_sha256, pdf_recipe,"
        " pdf_pages, converted_by from documents"
        " where document_id = $1 and ($2::text is null or client = $2)",
        document_id,
        client,
    )
    return None if row is None else StoredDocument(**dict(row))


async def read_attachments(pool: Pool, document_id: UUID) -> list[tuple[UUID, str]]:
    """Document and file name of everything that came with a document."""
    rows = await pool.fetch(
        "select document_id, file_name from attachments where parent_id = $1 order by file_name, document_id",
        document_id,
    )
    return [(row["document_id"], row["file_name"]) for row in rows]


async def read_pages(pool: Pool, document_id: UUID, recipe: str) -> list[KeptPage]:
    """The kept results of a document's pages, in page order."""
    rows: list[asyncpg.Record] = await pool.fetch(
        "select page, source, confidence, characters, text_sha256, run_id from pages"
        " where document_id = $1 and recipe = $2 order by page",
        document_id,
        recipe,
    )
    return [KeptPage(**{**dict(row), "confidence": _percent(row["confidence"])}) for row in rows]


def _percent(value: float | None) -> float | None:
    """A `real` column comes back with the noise of its 24 bits: 93.1 as 93.0999984741211."""
    return None if value is None else round(value, 1)
