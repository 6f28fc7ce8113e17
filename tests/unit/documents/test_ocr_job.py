"""documents.ocr as a plain generator, without a bus, a database or Tesseract."""

import pytest

from services.documents.jobs.ocr import layer_key, text_key
from shared.errors import Failure, TagwerkError
from shared.ids import new_id
from shared.intake import original_key
from shared.words import LogLevel, Outcome
from tests.unit.documents.fakes import CountingReaders, Killed, Office

BLOTTED = Failure(code="page_unreadable", cause="a blot of ink", next_step="Scan it again.")


async def uploaded() -> Office:
    office = Office()
    await office.store_converted()
    return office


async def test_each_page_gives_one_record_with_its_label_and_confidence() -> None:
    office = await uploaded()
    records = await office.run(CountingReaders(2))
    assert [record.key for record in records] == [
        f"document:{office.document}/page:1",
        f"document:{office.document}/page:2",
    ]
    assert [record.outcome for record in records] == [Outcome.CREATED, Outcome.CREATED]
    assert records[1].label == "scan.tif, page 2"
    assert records[1].message == "recognized with 92 % confidence, 14 characters"


async def test_text_and_searchable_pdf_are_stored_and_told_of_once() -> None:
    office = await uploaded()
    await office.run(CountingReaders(2))
    row = office.documents.rows[office.document]
    assert row.text_key == f"documents/{office.document}/derived/text.txt"
    assert row.searchable_pdf_key == f"documents/{office.document}/derived/searchable.pdf"
    assert await office.files.get(row.text_key) == b"text of page 1\ftext of page 2"
    assert await office.files.get(row.searchable_pdf_key) == b"layer 1\nlayer 2"
    assert await office.files.get(original_key(office.document)) == b"a scan"
    assert office.documents.events == [2]


async def test_of_a_signed_document_it_says_what_the_signature_covers() -> None:
    office = await uploaded()
    readers = CountingReaders(1)
    readers.signed = True
    await office.run(readers)
    (warning,) = [line.message for line in office.logged if line.level is LogLevel.WARNING]
    assert "the digital signature covers the original" in warning
    assert await office.files.get(original_key(office.document)) == b"a scan"


async def test_progress_counts_the_pages() -> None:
    office = await uploaded()
    await office.run(CountingReaders(3))
    assert office.progress == [(0, 3), (1, 3), (2, 3), (3, 3)]


async def test_a_second_run_reads_nothing_and_changes_nothing() -> None:
    office = await uploaded()
    readers = CountingReaders(3)
    await office.run(readers)
    records = await office.run(readers)
    assert [record.outcome for record in records] == [Outcome.UNCHANGED] * 3
    assert readers.read_counts.total() == 3
    assert readers.opened == 1
    assert readers.assembled == 1
    assert office.documents.events == [3]


async def test_another_engine_version_reads_anew() -> None:
    office = await uploaded()
    await office.run(CountingReaders(2))
    newer = CountingReaders(2, recipe="recipe-2")
    records = await office.run(newer)
    assert newer.read_counts.total() == 2
    assert [record.outcome for record in records] == [Outcome.CREATED, Outcome.CREATED]


@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
async def test_killed_at_a_page_the_next_attempt_reads_only_what_is_not_kept(moment: str) -> None:
    office = await uploaded()
    run = new_id()
    readers = CountingReaders(3)
    setattr(office.documents, moment, "keep_page")
    with pytest.raises(Killed):
        await office.run(readers, run_id=run)
    setattr(office.documents, moment, None)
    records = await office.run(readers, run_id=run, attempt=2)
    assert sorted(record.key[-1] for record in records) == ["1", "2", "3"]
    # What attempt 1 created is not `unchanged` in attempt 2.
    assert {record.outcome for record in records} == {Outcome.CREATED}
    assert readers.read_counts[1] == (2 if moment == "kill_before" else 1)
    assert readers.read_counts[2] == readers.read_counts[3] == 1
    assert office.documents.events == [3]


async def test_killed_before_the_derived_files_are_known_they_are_made_again_without_reading() -> None:
    office = await uploaded()
    run = new_id()
    readers = CountingReaders(2)
    office.documents.kill_before = "finish"
    with pytest.raises(Killed):
        await office.run(readers, run_id=run)
    assert office.documents.rows[office.document].text_key is None
    office.documents.kill_before = None
    await office.run(readers, run_id=run, attempt=2)
    assert readers.read_counts.total() == 2
    assert office.documents.rows[office.document].text_key is not None
    assert office.documents.events == [2]


async def test_killed_after_the_derived_files_are_known_nothing_is_told_twice() -> None:
    office = await uploaded()
    run = new_id()
    readers = CountingReaders(2)
    office.documents.kill_after = "finish"
    with pytest.raises(Killed):
        await office.run(readers, run_id=run)
    office.documents.kill_after = None
    records = await office.run(readers, run_id=run, attempt=2)
    assert [record.outcome for record in records] == [Outcome.CREATED, Outcome.CREATED]
    assert readers.opened == 1
    assert office.documents.events == [2]


async def test_a_page_that_fails_is_a_failed_record_and_the_others_go_on() -> None:
    office = await uploaded()
    records = await office.run(CountingReaders(3, failing={2: BLOTTED}))
    assert [record.outcome for record in records] == [Outcome.CREATED, Outcome.FAILED, Outcome.CREATED]
    assert records[1].failure is not None
    assert records[1].failure.code == "page_unreadable"
    assert records[1].failure.concern == "scan.tif, page 2"
    text = office.documents.rows[office.document].text_key
    assert text is not None
    assert await office.files.get(text) == b"text of page 1\f\ftext of page 3"


async def test_a_rerun_of_the_failed_page_reads_that_page_only_and_completes_the_text() -> None:
    office = await uploaded()
    readers = CountingReaders(3, failing={2: BLOTTED})
    await office.run(readers)
    readers.failing.clear()
    records = await office.run(readers, only=frozenset({f"document:{office.document}/page:2"}))
    assert [(record.key[-1], record.outcome) for record in records] == [("2", Outcome.CREATED)]
    assert readers.read_counts == {1: 1, 2: 2, 3: 1}
    text = office.documents.rows[office.document].text_key
    assert text is not None
    assert await office.files.get(text) == b"text of page 1\ftext of page 2\ftext of page 3"
    assert office.documents.events == [2, 3]


async def test_a_document_of_which_no_page_can_be_read_gets_no_derived_files() -> None:
    office = await uploaded()
    records = await office.run(CountingReaders(1, failing={1: BLOTTED}))
    assert [record.outcome for record in records] == [Outcome.FAILED]
    assert office.documents.rows[office.document].text_key is None
    assert office.documents.events == []


async def test_a_document_whose_event_is_still_on_its_way_is_tried_again() -> None:
    office = await uploaded()
    office.documents.rows.clear()
    with pytest.raises(TagwerkError) as caught:
        await office.run(CountingReaders(1))
    assert caught.value.failure.code == "document_not_yet_known"
    assert caught.value.failure.retryable


async def test_a_document_that_nobody_uploaded_is_not_found() -> None:
    office = Office()
    office.documents.rows.clear()
    with pytest.raises(TagwerkError) as caught:
        await office.run(CountingReaders(1))
    assert caught.value.failure.code == "document_not_found"
    assert not caught.value.failure.retryable


async def test_an_original_that_changed_in_the_store_is_not_read() -> None:
    office = await uploaded()
    await office.files.put(original_key(office.document), b"something else")
    readers = CountingReaders(1)
    with pytest.raises(TagwerkError) as caught:
        await office.run(readers)
    assert caught.value.failure.code == "original_damaged"
    assert caught.value.failure.concern == "scan.tif"
    assert readers.opened == 0


async def test_a_row_of_a_page_always_has_its_files() -> None:
    office = await uploaded()
    readers = CountingReaders(1)
    office.documents.kill_before = "keep_page"
    with pytest.raises(Killed):
        await office.run(readers)
    assert await office.files.exists(text_key(office.document, readers.recipe, 1))
    assert await office.files.exists(layer_key(office.document, readers.recipe, 1))
