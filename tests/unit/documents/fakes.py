"""Stand-ins for what the documents service gives its job: rows in memory, readers that count."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from obstore.store import MemoryStore

from services.documents.jobs.ocr import ocr
from services.documents.readers import Assembled, Readers, ReadPage, UnreadPage
from services.documents.store import Conversion, Derived, KeptPage, StoredDocument
from shared.errors import Failure
from shared.events import LogLine, Record
from shared.files import Files
from shared.ids import document_id_of, new_id
from shared.intake import original_key
from shared.runner.context import Progress, RunContext, RunLog


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class MemoryDocuments:
    """Rows of one client. `kill_before` and `kill_after` name a method at which the process dies."""

    def __init__(self) -> None:
        self.rows: dict[UUID, StoredDocument] = {}
        self.pages: dict[tuple[UUID, str, int], KeptPage] = {}
        #: Pages named by each event that was written.
        self.events: list[int] = []
        self.conversions: list[Conversion] = []
        #: File names by document and what came with it.
        self.attachments: dict[tuple[UUID, UUID], str] = {}
        #: The run that works on the rows.
        self.run_id: UUID | None = None
        self.kill_before: str | None = None
        self.kill_after: str | None = None

    async def find(self, document_id: UUID) -> StoredDocument | None:
        return self.rows.get(document_id)

    async def keep_conversion(self, document_id: UUID, conversion: Conversion, record: Record) -> Record:
        self._die_at(self.kill_before, "keep_conversion")
        self.rows[document_id] = replace(
            self.rows[document_id],
            pdf_key=conversion.pdf_key,
            pdf_sha256=conversion.sha256,
            pdf_recipe=conversion.recipe,
            pdf_pages=conversion.pages,
            converted_by=self.run_id,
        )
        self.conversions.append(conversion)
        self._die_at(self.kill_after, "keep_conversion")
        return record

    async def ancestors(self, document_id: UUID) -> int:
        parent, count = self.rows[document_id].parent_id, 0
        while parent is not None:
            parent, count = self.rows[parent].parent_id, count + 1
        return count

    async def keep_attachment(
        self, parent_id: UUID, document_id: UUID, file_name: str, record: Record
    ) -> Record:
        self._die_at(self.kill_before, "keep_attachment")
        self.attachments[parent_id, document_id] = file_name
        self._die_at(self.kill_after, "keep_attachment")
        return record

    async def kept_pages(self, document_id: UUID, recipe: str) -> dict[int, KeptPage]:
        return {
            page: kept
            for (document, of, page), kept in self.pages.items()
            if (document, of) == (document_id, recipe)
        }

    async def keep_page(self, document_id: UUID, recipe: str, page: KeptPage, record: Record) -> Record:
        self._die_at(self.kill_before, "keep_page")
        self.pages[document_id, recipe, page.page] = page
        self._die_at(self.kill_after, "keep_page")
        return record

    async def finish(self, document_id: UUID, derived: Derived, pages: list[KeptPage]) -> None:
        self._die_at(self.kill_before, "finish")
        self.rows[document_id] = replace(
            self.rows[document_id],
            page_count=derived.page_count,
            recipe=derived.recipe,
            derived_digest=derived.digest,
            text_key=derived.text_key,
            searchable_pdf_key=derived.searchable_pdf_key,
        )
        self.events.append(len(pages))
        self._die_at(self.kill_after, "finish")

    @staticmethod
    def _die_at(chosen: str | None, here: str) -> None:
        if chosen == here:
            raise Killed


class CountingReaders:
    """A document of `pages` pages that reads at once; counts what it was asked."""

    def __init__(
        self, pages: int, *, failing: dict[int, Failure] | None = None, recipe: str = "recipe-1"
    ) -> None:
        self.recipe = recipe
        self.page_count = pages
        self.failing = failing or {}
        self.signed = False
        self.opened = 0
        self.assembled = 0
        self.read_counts: Counter[int] = Counter()
        self._folder = Path()

    @asynccontextmanager
    async def open(self, pdf: Path, folder: Path) -> AsyncIterator["CountingReaders"]:
        self.opened += 1
        self._folder = folder
        yield self

    async def read(self, numbers: Iterable[int]) -> AsyncGenerator[ReadPage | UnreadPage, None]:
        for number in numbers:
            self.read_counts[number] += 1
            if number in self.failing:
                yield UnreadPage(number, self.failing[number])
                continue
            layer = self._folder / f"layer-{number}.pdf"
            layer.write_bytes(b"layer %d" % number)
            yield ReadPage(number, "tesseract", f"text of page {number}", 90.0 + number, 0.0, layer)

    async def assemble(self, layers: dict[int, Path]) -> Assembled:
        self.assembled += 1
        target = self._folder / "searchable.pdf"
        target.write_bytes(b"\n".join(layers[number].read_bytes() for number in sorted(layers)))
        return Assembled(target, signed=self.signed)


class Office:
    """One client with one uploaded document, and runs over it."""

    def __init__(
        self, content: bytes = b"a scan", media_type: str = "image/tiff", file_name: str = "scan.tif"
    ) -> None:
        self.documents = MemoryDocuments()
        self.files = Files(MemoryStore(), "acme")
        self.progress: list[tuple[int, int | None]] = []
        self.logged: list[LogLine] = []
        self._content = content
        digest = sha256(content).hexdigest()
        self.document = document_id_of("acme", digest)
        self.documents.rows[self.document] = StoredDocument(
            self.document,
            "acme",
            file_name,
            media_type,
            len(content),
            digest,
            datetime(2026, 3, 1, tzinfo=UTC),
        )

    async def store_original(self) -> None:
        await self.files.put(original_key(self.document), self._content)

    async def store_converted(self) -> None:
        """As documents.convert-to-pdf leaves it: here the original counts as the PDF."""
        await self.store_original()
        row = self.documents.rows[self.document]
        self.documents.rows[self.document] = replace(
            row,
            pdf_key=original_key(self.document),
            pdf_sha256=row.sha256,
            pdf_recipe="passed-1",
            pdf_pages=1,
        )

    async def run(
        self,
        readers: Readers,
        *,
        run_id: UUID | None = None,
        attempt: int = 1,
        only: frozenset[str] | None = None,
    ) -> list[Record]:
        """The records of one attempt of a run."""
        context = RunContext(
            run_id=run_id or new_id(), attempt=attempt, job="documents.ocr", client="acme", principal="ada",
            only_records=only,
        )  # fmt: skip
        records = ocr.function(
            self.document,
            context=context,
            documents=self.documents,
            files=self.files,
            readers=readers,
            progress=Progress(lambda done, total, message: self.progress.append((done, total))),
            log=RunLog(context, self.logged.append),
        )
        return [record async for record in records]  # type: ignore[misc]
