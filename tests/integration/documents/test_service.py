"""The service from an upload's event to text, records, events and answers."""

from collections import Counter
from email.message import EmailMessage
from pathlib import Path

from services.documents.core import page_key
from shared.events import Requested
from shared.ids import new_id
from shared.intake import original_key
from shared.words import Outcome, RunState
from tests.integration.documents.conftest import Installation

SAMPLES = Path(__file__).parents[3] / "samples"
MIXED = (SAMPLES / "contract-mixed.pdf").read_bytes()


async def test_an_upload_is_recognized_by_itself_and_told_to_everybody(installation: Installation) -> None:
    await installation.start()
    upload = await installation.upload(MIXED, "contract.pdf", "application/pdf")
    told = await installation.triggered(upload)

    assert told.end.state is RunState.SUCCEEDED
    assert {record.key: record.outcome for record in told.records} == {
        page_key(upload.document_id, page): Outcome.CREATED for page in (1, 2, 3)
    }
    assert len(told.records) == 3, "each outcome is published once, by the outbox"
    assert {record.label for record in told.records} == {f"contract.pdf, page {page}" for page in (1, 2, 3)}

    (event,) = await installation.recognized()
    assert (event.document_id, event.pages, event.client) == (upload.document_id, 3, "acme")
    assert event.confidence is not None
    assert event.confidence > 85

    detail = await installation.detail(upload.document_id)
    assert [page.source for page in detail.pages] == ["text_layer", "tesseract", "text_layer"]
    assert detail.page_count == 3
    text = (await installation.files().get(detail.files["text"])).decode().split("\f")
    assert "Mietvertrag" in text[0]
    assert "Parkett geölt" in text[1]
    assert "Waste paper" in text[2]
    assert (await installation.files().get(detail.files["searchable-pdf"])).startswith(b"%PDF-")
    assert await installation.files().get(original_key(upload.document_id)) == MIXED


async def test_a_second_run_changes_nothing_and_tells_nobody(installation: Installation) -> None:
    await installation.start()
    upload = await installation.upload(MIXED, "contract.pdf", "application/pdf")
    first = await installation.triggered(upload)
    before = await installation.detail(upload.document_id)
    second = await installation.rerun(upload.document_id)
    assert {record.outcome for record in first.records} == {Outcome.CREATED}
    assert [record.outcome for record in second.records] == [Outcome.UNCHANGED] * 3
    assert await installation.detail(upload.document_id) == before
    assert len(await installation.recognized()) == 1


async def test_a_document_that_cannot_be_read_ends_its_run_with_the_reason(
    installation: Installation,
) -> None:
    await installation.start()
    upload = await installation.upload(b"%PDF-1.7\nnothing", "broken.pdf", "application/pdf")
    told = await installation.converted(upload)
    assert told.end.state is RunState.FAILED
    assert told.end.failure is not None
    assert told.end.failure.code == "pdf_broken"
    assert told.end.failure.concern == "broken.pdf"
    healthy = await installation.upload(
        (SAMPLES / "offer-with-text-layer.pdf").read_bytes(), "offer.pdf", "application/pdf"
    )
    assert (await installation.triggered(healthy)).end.state is RunState.SUCCEEDED


async def test_events_from_before_the_service_started_are_worked_off(installation: Installation) -> None:
    upload = await installation.upload(MIXED, "contract.pdf", "application/pdf")
    await installation.start()
    assert (await installation.triggered(upload)).end.state is RunState.SUCCEEDED


async def test_a_document_of_another_client_is_not_found(installation: Installation) -> None:
    await installation.start()
    offer = (SAMPLES / "offer-with-text-layer.pdf").read_bytes()
    upload = await installation.upload(offer, "offer.pdf", "application/pdf")
    await installation.triggered(upload)
    assert (await installation.describe(upload.document_id, clients=frozenset({"acme"}))).failure is None
    for document, clients in ((upload.document_id, frozenset({"other"})), (new_id(), None)):
        reply = await installation.describe(document, clients=clients)
        assert reply.data is None
        assert reply.failure is not None
        assert reply.failure.code == "document_not_found"


async def test_a_mail_brings_its_attachments_along_as_documents_of_the_same_chain(
    installation: Installation,
) -> None:
    await installation.start()
    message = EmailMessage()
    message["From"] = "a@example.com"
    message["Subject"] = "Rechnung"
    message.set_content("im Anhang")
    offer = (SAMPLES / "offer-with-text-layer.pdf").read_bytes()
    message.add_attachment(offer, maintype="application", subtype="pdf", filename="offer.pdf")
    message.add_attachment(b"MZ\x90\x00", maintype="application", subtype="x-msdownload", filename="a.exe")
    mail = await installation.upload(message.as_bytes(), "mail.eml", "message/rfc822")
    told = await installation.converted(mail)

    assert told.end.state is RunState.PARTIALLY_FAILED
    # What is stored leaves with its row, what is refused by itself: in which order is open.
    pdf, attached, refused = sorted(
        told.records, key=lambda record: ("/pdf" not in record.key, record.outcome)
    )
    assert (pdf.key, pdf.outcome) == (f"document:{mail.document_id}/pdf", Outcome.CREATED)
    assert (attached.label, attached.outcome) == ("offer.pdf", Outcome.CREATED)
    assert (refused.label, refused.outcome) == ("a.exe", Outcome.FAILED)
    assert refused.failure is not None
    assert refused.failure.code == "file_type_unsupported"

    (upload,) = [one for one in await installation.uploads() if one.parent_id == mail.document_id]
    assert upload.principal == "ada"
    child = await installation.converted(upload)
    request = next(event for event in child.events if isinstance(event, Requested))
    assert request.cause is not None
    assert request.cause.run_id == told.end.run_id
    assert (await installation.detail(upload.document_id)).parent_id == mail.document_id
    (known,) = (await installation.detail(mail.document_id)).attachments
    assert (known.document_id, known.file_name) == (upload.document_id, "offer.pdf")
    assert "pdf" in (await installation.detail(mail.document_id)).files

    again = await installation.rerun(mail.document_id, "documents.convert-to-pdf")
    assert Counter(record.outcome for record in again.records) == {Outcome.UNCHANGED: 2, Outcome.FAILED: 1}
    assert len(await installation.uploads()) == 2
