"""From the upload to the analysed invoice, on a real bus and a real database."""

from pathlib import Path

from shared import subjects
from shared.events import InvoiceAnalysed, Requested, decode_business_event
from shared.ids import new_id, run_id_of
from shared.requests import request_run
from shared.words import Lane, Outcome, RunState, Trigger
from tests.integration.documents.conftest import Installation, Told
from tests.unit.documents.papers import lines_pdf

ROOT = Path(__file__).parents[3]
JOB = "documents.analyse-invoice"
INVOICE = lines_pdf(
    "Nordlicht Druck GmbH", "Rechnung Nr. 2026-0815 vom 12.03.2026", "Nettobetrag|1.000,00 EUR",
    "19 % MwSt.|190,00 EUR", "Rechnungsbetrag|1.190,00 EUR", "IBAN|DE75 5121 0800 1245 1261 99",
)  # fmt: skip


async def analysed(installation: Installation) -> list[InvoiceAnalysed]:
    messages = await installation.bus.read(subjects.EVENTS, "event.invoice.analysed")
    events = [decode_business_event(message.data) for message in messages]
    return [event for event in events if isinstance(event, InvoiceAnalysed)]


async def chained(installation: Installation) -> Told:
    """The run that the recognized text of the only document started, at its end."""
    (recognized,) = await installation.recognized()
    return await installation.ended(run_id_of("acme", "ada", JOB, str(recognized.id)), JOB)


async def again(installation: Installation, document: object) -> Told:
    request = Requested(
        run_id=new_id(), job=JOB, client="acme", principal="ada", effective_principal="ada",
        trigger=Trigger.MANUAL, parameters={"document": str(document)},
    )  # fmt: skip
    await request_run(installation.bus, request, Lane.INTERACTIVE)
    return await installation.ended(request.run_id, JOB)


async def test_an_upload_is_recognized_then_analysed_and_told_to_everybody(
    installation: Installation,
) -> None:
    await installation.start()
    upload = await installation.upload(INVOICE, "invoice.pdf", "application/pdf")
    ocr = await installation.triggered(upload)
    told = await chained(installation)

    assert told.end.state is RunState.SUCCEEDED, told.end.failure
    (record,) = told.records
    assert (record.key, record.outcome) == (f"invoice:{upload.document_id}", Outcome.CREATED)
    request = next(event for event in told.events if isinstance(event, Requested))
    assert request.about == [f"document:{upload.document_id}"]
    assert request.cause is not None
    assert request.cause.run_id == ocr.events[0].run_id  # type: ignore[union-attr]

    (event,) = await analysed(installation)
    assert event.document_id == upload.document_id
    assert event.values["gross_amount"] == "1190.00"
    assert event.doubtful == ["issuer_name"]
    invoice = (await installation.detail(upload.document_id)).invoice
    assert invoice is not None
    assert {field.name: field.value for field in invoice.fields} == event.values


async def test_a_second_analysis_changes_nothing_and_tells_nobody(installation: Installation) -> None:
    await installation.start()
    upload = await installation.upload(INVOICE, "invoice.pdf", "application/pdf")
    await installation.triggered(upload)
    await chained(installation)
    # The approval is asked for by whoever hears of the invoice, after the run has ended.
    before = await installation.with_approval(upload.document_id)
    second = await again(installation, upload.document_id)
    assert [record.outcome for record in second.records] == [Outcome.UNCHANGED]
    assert await installation.detail(upload.document_id) == before
    assert len(await analysed(installation)) == 1


async def test_a_document_that_is_no_invoice_is_skipped_with_the_reason(installation: Installation) -> None:
    await installation.start()
    letter = lines_pdf("Sehr geehrte Damen und Herren", "Vielen Dank.")
    upload = await installation.upload(letter, "letter.pdf", "application/pdf")
    await installation.triggered(upload)
    told = await chained(installation)
    assert told.end.state is RunState.SUCCEEDED
    assert [(record.outcome, record.message) for record in told.records] == [
        (
            Outcome.SKIPPED,
            "it has no e-invoice inside and no payment code, and its text calls itself no invoice",
        )
    ]
    assert (await installation.detail(upload.document_id)).invoice is None
    assert await analysed(installation) == []


async def test_a_document_whose_text_is_missing_fails_with_the_next_step(installation: Installation) -> None:
    await installation.start()
    upload = await installation.upload(b"%PDF-1.7\nnothing", "broken.pdf", "application/pdf")
    await installation.converted(upload)
    told = await again(installation, upload.document_id)
    assert told.end.failure is not None
    assert told.end.failure.code == "text_not_yet_recognized"
