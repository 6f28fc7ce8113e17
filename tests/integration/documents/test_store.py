"""Rows, outcomes and events in one transaction, for one client only."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import pytest

from services.documents.store import Derived, KeptPage, PostgresDocuments, find_document, remember_document
from shared.bus import Bus
from shared.database import Pool
from shared.errors import TagwerkError
from shared.events import DocumentUploaded, Record
from shared.ids import new_id
from shared.outbox import Outbox, Relay, Superseded
from shared.runner.context import RunContext
from shared.words import Outcome

RECIPE = "tesseract-5-deu-1"
DERIVED = Derived(2, RECIPE, "digest", "text.txt", "searchable.pdf")


def uploaded(client: str = "acme", file_name: str = "scan.pdf") -> DocumentUploaded:
    return DocumentUploaded(
        client=client,
        principal="ada",
        document_id=new_id(),
        file_name=file_name,
        media_type="application/pdf",
        size=10,
        sha256="0" * 64,
        time=datetime(2026, 3, 1, tzinfo=UTC),
    )


def context(client: str = "acme", *, run_id: UUID | None = None, attempt: int = 1) -> RunContext:
    return RunContext(run_id or new_id(), attempt, "documents.ocr", client, principal="ada")


def store(pool: Pool, of: RunContext) -> PostgresDocuments:
    # The relay is never run here: what lies in the outbox is looked at where it lies.
    return PostgresDocuments(pool, Outbox(pool, Relay(pool, cast(Bus, None)), of), of)


def page(number: int, run_id: UUID) -> KeptPage:
    return KeptPage(number, "tesseract", 93.1, 400, "abc", run_id)


def record(number: int) -> Record:
    return Record(key=f"document:1/page:{number}", outcome=Outcome.CREATED)


async def outbox(pool: Pool) -> list[str]:
    return [row["subject"] for row in await pool.fetch("select subject from outbox order by id")]


async def test_a_page_and_its_outcome_are_written_together(pool: Pool) -> None:
    event, run = uploaded(), context()
    await remember_document(pool, event)
    await store(pool, run).keep_page(event.document_id, RECIPE, page(1, run.run_id), record(1))
    kept = await store(pool, run).kept_pages(event.document_id, RECIPE)
    assert kept == {1: page(1, run.run_id)}
    assert await outbox(pool) == [f"run.documents.ocr.{run.run_id}.ev"]
    assert await store(pool, run).kept_pages(event.document_id, "another recipe") == {}


async def test_the_derived_files_and_their_event_are_written_together(pool: Pool) -> None:
    event, run = uploaded(), context()
    await remember_document(pool, event)
    await store(pool, run).finish(event.document_id, DERIVED, [page(1, run.run_id), page(2, run.run_id)])
    found = await store(pool, run).find(event.document_id)
    assert found is not None
    assert (found.page_count, found.text_key, found.derived_digest) == (2, "text.txt", "digest")
    assert await outbox(pool) == ["event.document.text_recognized"]


async def test_an_attempt_that_was_superseded_keeps_nothing(pool: Pool) -> None:
    event, newer = uploaded(), context(attempt=2)
    await remember_document(pool, event)
    await store(pool, newer).keep_page(event.document_id, RECIPE, page(1, newer.run_id), record(1))
    older = context(run_id=newer.run_id, attempt=1)
    with pytest.raises(Superseded):
        await store(pool, older).keep_page(event.document_id, RECIPE, page(2, older.run_id), record(2))
    assert set(await store(pool, newer).kept_pages(event.document_id, RECIPE)) == {1}
    assert len(await outbox(pool)) == 1


async def test_a_page_that_two_attempts_read_stands_once(pool: Pool) -> None:
    event, first = uploaded(), context()
    await remember_document(pool, event)
    await store(pool, first).keep_page(event.document_id, RECIPE, page(1, first.run_id), record(1))
    second = context()
    again = replace(page(1, second.run_id), text_sha256="def")
    await store(pool, second).keep_page(event.document_id, RECIPE, again, record(1))
    kept = await store(pool, second).kept_pages(event.document_id, RECIPE)
    assert kept[1].text_sha256 == "def", "the row tells of the files that were written last"
    assert kept[1].run_id == first.run_id, "the run that created it stays"


async def test_a_run_for_one_client_cannot_touch_a_document_of_another(pool: Pool) -> None:
    event, stranger = uploaded("acme"), context("other")
    await remember_document(pool, event)
    other = store(pool, stranger)
    assert await other.find(event.document_id) is None
    with pytest.raises(TagwerkError, match="no document"):
        await other.finish(event.document_id, DERIVED, [])
    with pytest.raises(TagwerkError, match="no document"):
        await other.keep_page(event.document_id, RECIPE, page(1, stranger.run_id), record(1))
    owner = store(pool, context("acme"))
    found = await owner.find(event.document_id)
    assert found is not None
    assert found.text_key is None
    assert await owner.kept_pages(event.document_id, RECIPE) == {}
    assert await outbox(pool) == []


async def test_the_same_upload_event_twice_is_one_document(pool: Pool) -> None:
    event = uploaded()
    await remember_document(pool, event)
    await remember_document(pool, event.model_copy(update={"file_name": "another name.pdf"}))
    found = await find_document(pool, event.document_id, "acme")
    assert found is not None
    assert found.file_name == "scan.pdf"
