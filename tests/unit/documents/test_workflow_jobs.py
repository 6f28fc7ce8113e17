"""documents.start-workflow and documents.learn-from-correction as plain generators, without a bus."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from services.documents.analysts import Analysis
from services.documents.core import approval_key
from services.documents.jobs.learn_from_correction import learn_from_correction
from services.documents.jobs.start_workflow import start_workflow
from services.documents.suppliers.labels import Hint
from shared.errors import TagwerkError
from shared.events import Record
from shared.words import Outcome
from tests.unit.documents.fakes import Office


class CountedWorkflow:
    def __init__(self) -> None:
        self.started: list[UUID] = []

    async def start(self, document_id: UUID) -> Record:
        self.started.append(document_id)
        return Record(key=approval_key(document_id), outcome=Outcome.CREATED)


class KnownLessons:
    """Corrections of one document, and what was kept of them."""

    def __init__(self, corrected: dict[str, str]) -> None:
        self._corrected = corrected
        self.kept: list[Mapping[str, str]] = []

    async def corrected(self, document_id: UUID) -> dict[str, str]:
        return self._corrected

    async def keep(self, document_id: UUID, label: str, labels: Mapping[str, str]) -> Record:
        self.kept.append(labels)
        return Record(key="supplier:1", outcome=Outcome.CREATED, label=label)

    def nothing(self, document_id: UUID, label: str, reason: str) -> Record:
        return Record(key=f"document:{document_id}", outcome=Outcome.SKIPPED, label=label, message=reason)


class LabelledPages:
    """Pages on which these labels stand."""

    def __init__(self, labels: dict[str, str]) -> None:
        self._labels = labels
        self.looked_for: list[dict[str, str]] = []

    async def analyse(
        self, pdf: Path, layers: dict[int, Path], today: date, hints: Sequence[Hint] = ()
    ) -> Analysis:
        raise NotImplementedError

    async def labels_of(self, pdf: Path, layers: dict[int, Path], values: dict[str, str]) -> dict[str, str]:
        self.looked_for.append(values)
        return self._labels


async def learn(office: Office, lessons: KnownLessons, pages: LabelledPages) -> list[Record]:
    records = learn_from_correction.function(
        office.document, documents=office.documents, lessons=lessons, files=office.files, analysts=pages
    )
    return [record async for record in records]  # type: ignore[misc]


async def recognized() -> Office:
    office = Office()
    await office.store_converted()
    rows = office.documents.rows
    rows[office.document] = replace(rows[office.document], recipe="recipe-1", page_count=1)
    return office


async def test_the_workflow_of_a_known_document_is_started() -> None:
    office, workflow = Office(), CountedWorkflow()
    records = start_workflow.function(
        office.document, documents=office.documents, files=office.files, workflow=workflow
    )
    assert [record.key async for record in records] == [f"approval:{office.document}"]  # type: ignore[union-attr]
    assert workflow.started == [office.document]


async def test_a_run_that_overtook_the_upload_is_tried_again() -> None:
    office, workflow = Office(), CountedWorkflow()
    await office.store_original()
    office.documents.rows.clear()
    records = start_workflow.function(
        office.document, documents=office.documents, files=office.files, workflow=workflow
    )
    with pytest.raises(TagwerkError) as caught:
        [record async for record in records]
    assert (caught.value.failure.code, caught.value.failure.retryable) == ("document_not_yet_known", True)
    assert workflow.started == []


async def test_labels_before_the_corrected_values_are_kept() -> None:
    office, lessons = await recognized(), KnownLessons({"invoice_number": "V-1"})
    pages = LabelledPages({"invoice_number": "vorgang"})
    (record,) = await learn(office, lessons, pages)
    assert (record.outcome, record.label) == (Outcome.CREATED, "scan.tif")
    assert pages.looked_for == [{"invoice_number": "V-1"}]
    assert lessons.kept == [{"invoice_number": "vorgang"}]


@pytest.mark.parametrize(
    ("corrected", "reason"),
    [({}, "stays the same from invoice to invoice"), ({"invoice_number": "V-1"}, "no label stands before")],
)
async def test_what_teaches_nothing_is_skipped_with_the_reason(
    corrected: dict[str, str], reason: str
) -> None:
    office, lessons = await recognized(), KnownLessons(corrected)
    (record,) = await learn(office, lessons, LabelledPages({}))
    assert record.outcome is Outcome.SKIPPED
    assert record.message is not None
    assert reason in record.message
    assert lessons.kept == []


async def test_a_damaged_original_teaches_nothing() -> None:
    office, lessons = await recognized(), KnownLessons({"invoice_number": "V-1"})
    await office.files.put(f"documents/{office.document}/original", b"something else")
    with pytest.raises(TagwerkError) as caught:
        await learn(office, lessons, LabelledPages({"invoice_number": "vorgang"}))
    assert caught.value.failure.code == "original_damaged"
    assert lessons.kept == []
