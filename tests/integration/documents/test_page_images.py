"""Pages as pictures: made once, found again, made anew where something was lost, refused with reasons."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.documents.jobs.originals import sha256_of
from services.documents.page_images import PageImages
from shared.commands import PageImage, PageImageQuery, PageImageWidth, Scope
from shared.database import Pool
from shared.errors import TagwerkError
from shared.files import Files, open_store
from shared.ids import derived_id
from shared.intake import original_key
from shared.process import Children
from tests.integration.documents.conftest import Installation
from tests.unit.documents.papers import encrypted, typed_pdf

ID = derived_id("document", "letter")


class Gallery:
    """One document of the client acme, and who asks for its pages."""

    def __init__(self, pool: Pool, folder: Path) -> None:
        self.pool = pool
        self.store = open_store(f"file://{folder}/files")
        self.files = Files(self.store, "acme")
        self.folder = folder
        self.children = Children(1)
        self.images = PageImages(self.store, self.children)

    async def hang(self, pdf: bytes, pages: int) -> None:
        path = self.folder / "original.pdf"
        path.write_bytes(pdf)
        await self.files.put(original_key(ID), pdf)
        await self.pool.execute(
            "insert into documents (document_id, client, file_name, media_type, size, sha256, uploaded_at,"
            " pdf_key, pdf_sha256, pdf_pages) values ($1, 'acme', 'letter.pdf', 'application/pdf', 1, 'x',"
            " now(), $2, $3, $4)",
            ID, original_key(ID), sha256_of(path), pages,
        )  # fmt: skip

    async def ask(self, page: int = 1, **changes: Any) -> PageImage:
        return await self.images.answer(self.pool, PageImageQuery(document_id=ID, page=page, **changes))

    async def look(self, image: PageImage) -> Image.Image:
        return Image.open(io.BytesIO(await self.files.get(image.key)))


@pytest.fixture
def gallery(pool: Pool, tmp_path: Path) -> Gallery:
    return Gallery(pool, tmp_path)


async def test_a_page_is_pictured_once_in_each_width(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = 0
    original = gallery.children.open

    def counting(*arguments: Any, **options: Any) -> Any:
        nonlocal opened
        opened += 1
        return original(*arguments, **options)

    monkeypatch.setattr(gallery.children, "open", counting)
    await gallery.hang(typed_pdf("one", "two"), pages=2)
    # Several ask at once, and one of them gives up.
    gone = asyncio.create_task(gallery.ask())
    asked = [asyncio.create_task(gallery.ask()) for _ in range(3)]
    await asyncio.sleep(0)
    gone.cancel()
    first, *others = await asyncio.gather(*asked)
    assert others == [first, first]
    assert await gallery.ask() == first
    assert opened == 1
    assert (first.width, first.pages, first.media_type) == (900, 2, "image/webp")
    assert (first.page_width, first.page_height) == (595, 842)
    picture = await gallery.look(first)
    assert (picture.format, picture.mode, picture.size) == ("WEBP", "RGB", (first.width, first.height))
    close = await gallery.ask(2, width=PageImageWidth.CLOSE)
    assert (close.width, (await gallery.look(close)).size[0]) == (1800, 1800)
    assert close.key != first.key


async def test_killed_between_file_and_row_it_is_made_again_to_the_same_place(gallery: Gallery) -> None:
    await gallery.hang(typed_pdf("one"), pages=1)
    first = await gallery.ask()
    content = await gallery.files.get(first.key)
    await gallery.pool.execute("delete from page_images")
    await gallery.files.put(first.key, b"of an attempt that was killed")
    assert await gallery.ask() == first
    assert await gallery.files.get(first.key) == content


async def test_another_pdf_of_the_document_gets_other_pictures(gallery: Gallery) -> None:
    await gallery.hang(typed_pdf("one"), pages=1)
    first = await gallery.ask()
    path = gallery.folder / "other.pdf"
    path.write_bytes(typed_pdf("another"))
    await gallery.files.put("other.pdf", path)
    await gallery.pool.execute("update documents set pdf_key = 'other.pdf', pdf_sha256 = $1", sha256_of(path))
    second = await gallery.ask()
    assert second.key != first.key
    assert second.sha256 != first.sha256


async def test_what_cannot_be_shown_says_why(gallery: Gallery) -> None:
    await gallery.hang(encrypted(typed_pdf("one"), user="secret", owner="secret"), pages=1)

    async def code(**changes: Any) -> str:
        with pytest.raises(TagwerkError) as refused:
            await gallery.ask(**changes)
        assert refused.value.failure.next_step
        return refused.value.failure.code

    assert await code() == "pdf_encrypted"
    assert await code(page=2) == "page_not_found"
    assert await code(page=0) == "page_not_found"
    assert await code(scope=Scope(clients=frozenset({"other"}))) == "document_not_found"
    await gallery.pool.execute("update documents set pdf_key = null, pdf_sha256 = null")
    assert await code() == "file_not_ready"
    assert await gallery.pool.fetchval("select count(*) from page_images") == 0


async def test_the_service_answers_on_the_bus(installation: Installation) -> None:
    from shared import subjects
    from shared.commands import DocumentsFound, DocumentsQuery

    await installation.start()
    upload = await installation.upload(
        typed_pdf("Ein Brief", "zweite Seite"), "letter.pdf", "application/pdf"
    )
    await installation.converted(upload)
    query = PageImageQuery(document_id=upload.document_id, page=2)
    image = await installation.bus.ask(
        subjects.query("documents", "page-image"), query, PageImage, timeout=30
    )
    assert (await installation.files().get(image.key))[8:12] == b"WEBP"
    listing = DocumentsQuery(client="acme")
    found = await installation.bus.ask(subjects.query("documents", "documents"), listing, DocumentsFound)
    assert [row.document_id for row in found.items] == [upload.document_id]
