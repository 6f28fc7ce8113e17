"""Pages of documents as pictures: made once, in a limited child process, and kept in the file store."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any, Final

import asyncpg
from obstore.store import ObjectStore

from services.documents.jobs.originals import concerning, fetch_pdf
from services.documents.store import StoredDocument, document_not_found, find_document
from shared.commands import PageImage, PageImageQuery
from shared.database import Pool
from shared.errors import TagwerkError
from shared.files import Files
from shared.process import Children, Limits
from shared.workplace import workplace

#: A page in color, and the PDF around it; somebody waits.
PICTURE_LIMITS: Final = Limits(
    memory=1024 * 1024 * 1024, cpu_seconds=20, file_size=32 * 1024 * 1024, wall_seconds=25.0
)
#: Counts our own changes to how pictures are made; those that were made otherwise are not used again.
RECIPE: Final = "webp-1"

_PICTURES: Final = "services.documents.steps.page_pictures:PagePictures"


class PageImages:
    def __init__(self, store: ObjectStore, children: Children) -> None:
        self._store = store
        self._children = children
        #: Pictures that are being made, by key: asked for again, they are waited for.
        self._making: dict[str, asyncio.Task[None]] = {}

    async def answer(self, pool: Pool, query: PageImageQuery) -> PageImage:
        """The picture, made now if there is none yet.

        Killed before its row is written, it is made anew, to the same place. Raises `document_not_found`,
        `file_not_ready`, `page_not_found`, and why a page cannot be shown: `page_too_large`,
        `page_unreadable`, `input_too_expensive`, ...
        """
        about = await find_document(pool, query.document_id, None)
        if about is None or (query.scope.clients is not None and about.client not in query.scope.clients):
            raise document_not_found(query.document_id)
        _expect_page(about, query.page)
        found = await _kept(pool, about, query)
        if found is None:
            await self._made(pool, about, query)
            found = await _kept(pool, about, query)
            assert found is not None, "it was just written"
        return found

    async def _made(self, pool: Pool, about: StoredDocument, query: PageImageQuery) -> None:
        key = _key(about, query)
        task = self._making.get(key)
        if task is None:
            task = self._making[key] = asyncio.create_task(self._make(pool, about, query, key))
            task.add_done_callback(lambda _: self._making.pop(key, None))
        # Who waits may give up; the picture is wanted all the same.
        await asyncio.shield(task)

    async def _make(self, pool: Pool, about: StoredDocument, query: PageImageQuery, key: str) -> None:
        files = Files(self._store, about.client)
        with workplace() as folder, concerning(about.file_name):
            pdf = await fetch_pdf(files, about, folder)
            orders = {"path": str(pdf), "folder": str(folder)}
            async with self._children.open(_PICTURES, orders, folder=folder) as child:
                made: dict[str, Any] = await child.call("picture", number=query.page, width=query.width)
            content = await asyncio.to_thread((folder / Path(made["file"]).name).read_bytes)
        await files.put(key, content)
        await pool.execute(
            "insert into page_images (document_id, recipe, pdf_sha256, page, asked_width, key, size, sha256,"
            " width, height, page_width, page_height)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            " on conflict (document_id, recipe, pdf_sha256, page, asked_width) do update set"
            " key = excluded.key, size = excluded.size, sha256 = excluded.sha256, width = excluded.width,"
            " height = excluded.height",
            about.document_id, RECIPE, about.pdf_sha256, query.page, query.width, key, len(content),
            hashlib.sha256(content).hexdigest(), made["width"], made["height"], made["page_width"],
            made["page_height"],
        )  # fmt: skip


async def _kept(pool: Pool, about: StoredDocument, query: PageImageQuery) -> PageImage | None:
    row: asyncpg.Record | None = await pool.fetchrow(
        "select key, size, sha256, width, height, page_width, page_height from page_images"
        " where document_id = $1 and recipe = $2 and pdf_sha256 = $3 and page = $4 and asked_width = $5",
        about.document_id, RECIPE, about.pdf_sha256, query.page, query.width,
    )  # fmt: skip
    if row is None:
        return None
    return PageImage(client=about.client, media_type="image/webp", pages=about.pdf_pages or 0, **dict(row))


def _expect_page(about: StoredDocument, page: int) -> None:
    if about.pdf_key is None or about.pdf_sha256 is None:
        raise TagwerkError(
            "file_not_ready",
            f"{about.file_name} has no PDF yet, so its pages cannot be shown",
            concern=f"document:{about.document_id}",
            next_step="Look at the runs of its conversion (documents.convert-to-pdf): they say what goes on, "
            "or what went wrong.",
        )
    pages = about.pdf_pages or 0
    if not 1 <= page <= pages:
        raise TagwerkError(
            "page_not_found",
            f"{about.file_name} has no page {page}: it has {pages}",
            concern=f"document:{about.document_id}",
            next_step=f"Ask for a page from 1 to {pages}.",
        )


def _key(about: StoredDocument, query: PageImageQuery) -> str:
    assert about.pdf_sha256 is not None
    folder = f"documents/{about.document_id}/images/{RECIPE}-{about.pdf_sha256[:16]}"
    return f"{folder}/{query.page}-{query.width}.webp"
