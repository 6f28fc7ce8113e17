"""What a correction teaches, on a real bus: the next invoice of the same supplier is read right."""

import asyncio
import time
from typing import Any
from uuid import UUID

from shared import subjects
from shared.access import Principal
from shared.commands import ApprovalDetail, ApprovalQuery, CorrectInvoice, StepTaken
from shared.events import (
    DocumentUploaded,
    InvoiceCorrected,
    Requested,
    decode_business_event,
    decode_run_event,
)
from shared.words import ApprovalState, Outcome, RunState
from tests.integration.documents.conftest import Installation
from tests.unit.documents.papers import lines_pdf

WORKFLOW = "documents.start-workflow"
LEARN = "documents.learn-from-correction"
ADA = Principal(
    id="ada", name="Ada", roles=frozenset({"uploader", "accounting"}), clients=frozenset({"acme"})
)


def invoice(process: str, day: str, total: str) -> bytes:
    """An invoice whose labels no rule knows: the number is a `Vorgang`, the sum an `Endbetreffnis`."""
    return lines_pdf(
        "Nordlicht Druck GmbH", "Rechnung", f"Vorgang|{process}", f"Ausgefertigt|{day}",
        "Nettobetrag|87,00 EUR", f"Endbetreffnis|{total} EUR", "USt-IdNr. DE136695976",
        "IBAN|DE75 5121 0800 1245 1261 99", "Kundennummer 7788-1",
    )  # fmt: skip


async def arrived(installation: Installation, content: bytes, name: str) -> DocumentUploaded:
    """Uploaded, read, analysed, and its approval requested."""
    upload = await installation.upload(content, name, "application/pdf")
    run = await started(installation, WORKFLOW, upload.document_id)
    await installation.ended(run, WORKFLOW)
    return upload


async def started(installation: Installation, job: str, document: UUID) -> UUID:
    """The run of `job` about the document."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for message in await installation.bus.read(subjects.RUNS, f"run.{job}.*.*.requested"):
            event = decode_run_event(message.data)
            if isinstance(event, Requested) and f"document:{document}" in event.about:
                return event.run_id
        await asyncio.sleep(0.03)
    raise AssertionError(f"no run of {job} about {document}")


async def fields_of(installation: Installation, document: UUID) -> dict[str, tuple[str, str]]:
    found = (await installation.detail(document)).invoice
    assert found is not None
    return {field.name: (field.value, field.verdict) for field in found.fields}


async def correct(installation: Installation, document: UUID, **fields: str | None) -> StepTaken:
    command = CorrectInvoice(asker=ADA, document_id=document, fields=fields, reason="it stands there")
    taken = await installation.bus.ask(subjects.CORRECT, command, StepTaken)
    assert taken.refusal is None, taken.refusal
    return taken


async def test_the_labels_of_a_supplier_are_learned_from_a_correction(installation: Installation) -> None:
    await installation.start()
    first = await arrived(installation, invoice("V-4711-22", "02.03.2026", "103,53"), "first.pdf")
    before = await fields_of(installation, first.document_id)
    right = {"invoice_number": "V-4711-22", "invoice_date": "2026-03-02", "gross_amount": "103.53"}
    assert any(before.get(name, ("", ""))[0] != value for name, value in right.items())

    taken = await correct(installation, first.document_id, **right)
    assert taken.approval is not None
    assert taken.approval.values["gross_amount"] == "103.53"
    told = await installation.ended(await started(installation, LEARN, first.document_id), LEARN)
    messages = await installation.bus.read(subjects.EVENTS, "event.invoice.corrected")
    (corrected,) = [decode_business_event(message.data) for message in messages]
    assert isinstance(corrected, InvoiceCorrected)
    assert corrected.after == right
    assert told.end.state is RunState.SUCCEEDED, told.end.failure
    (record,) = told.records
    assert (record.outcome, record.key.split(":")[0]) == (Outcome.CREATED, "supplier")

    second = await arrived(installation, invoice("W-0815-23", "14.04.2026", "212,60"), "second.pdf")
    after = await fields_of(installation, second.document_id)
    assert {name: after[name] for name in right} == {
        "invoice_number": ("W-0815-23", "certain"),
        "invoice_date": ("2026-04-14", "certain"),
        "gross_amount": ("212.60", "certain"),
    }


async def test_a_correction_that_teaches_nothing_about_the_page_says_so(installation: Installation) -> None:
    await installation.start()
    upload = await arrived(installation, invoice("V-4711-22", "02.03.2026", "103,53"), "first.pdf")
    await correct(installation, upload.document_id, issuer_name="Nordlicht Druck GmbH", cost_center="4400")
    told = await installation.ended(await started(installation, LEARN, upload.document_id), LEARN)
    assert [record.outcome for record in told.records] == [Outcome.SKIPPED]
    query: Any = ApprovalQuery(asker=ADA, document_id=upload.document_id)
    approval = await installation.bus.ask(subjects.query("documents", "approval"), query, ApprovalDetail)
    assert (approval.state, approval.cost_center) == (ApprovalState.WAITING, "4400")
    other = await arrived(installation, invoice("W-0815-23", "14.04.2026", "212,60"), "other.pdf")
    after = await fields_of(installation, other.document_id)
    assert after["issuer_name"] == ("Nordlicht Druck GmbH", "certain")
    assert after["cost_center"] == ("4400", "uncertain")
