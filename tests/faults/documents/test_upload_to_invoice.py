"""From the event of an upload to the analysed invoice: converted, text recognized, analysed, by itself."""

import hashlib
import io
from email.message import EmailMessage

import pikepdf

from shared.events import DocumentUploaded
from shared.ids import document_id_of
from shared.intake import original_key
from tests.faults.conftest import Sweep
from tests.support.faults.scene import USER, Scene
from tests.support.faults.sweep import Scenario
from tests.unit.documents.papers import lines_pdf, picture_of, scanned_pdf

PDF = "application/pdf"


def invoice_with_a_scanned_page() -> bytes:
    typed = lines_pdf(
        "Nordlicht Druck GmbH", "Rechnung Nr. 2026-0815 vom 12.03.2026", "Nettobetrag|1.000,00 EUR",
        "19 % MwSt.|190,00 EUR", "Rechnungsbetrag|1.190,00 EUR", "IBAN|DE75 5121 0800 1245 1261 99",
    )  # fmt: skip
    target = io.BytesIO()
    with (
        pikepdf.open(io.BytesIO(typed)) as pdf,
        pikepdf.open(io.BytesIO(scanned_pdf([picture_of("Agreed")]))) as page,
    ):
        pdf.pages.extend(page.pages)
        pdf.save(target, deterministic_id=True)
    return target.getvalue()


CONTENT = invoice_with_a_scanned_page()


MAIL = EmailMessage()
MAIL["From"], MAIL["To"] = "druck@nordlicht.example", "rechnungen@muster.example"
MAIL["Subject"], MAIL["Date"] = "Rechnung 2026-0815", "Thu, 12 Mar 2026 10:00:00 +0100"
MAIL.set_content("Guten Tag, anbei unsere Rechnung.")
MAIL.add_attachment(CONTENT, maintype="application", subtype="pdf", filename="invoice.pdf")
MAIL.set_boundary("part")


async def upload(scene: Scene, content: bytes = CONTENT, name: str = "invoice.pdf", kind: str = PDF) -> None:
    """As the intake does it: original first, then the event."""
    sha256 = hashlib.sha256(content).hexdigest()
    document = document_id_of(scene.client, sha256)
    await scene.files.put(original_key(document), content)
    event = DocumentUploaded(
        client=scene.client, principal=USER, about=[f"document:{document}"], document_id=document,
        file_name=name, media_type=kind, size=len(content), sha256=sha256,
    )  # fmt: skip
    await scene.publish(event)


async def upload_mail(scene: Scene) -> None:
    await upload(scene, MAIL.as_bytes(), "rechnung.eml", "message/rfc822")


PIPELINE = Scenario(
    dies="documents",
    beside=("scheduler",),
    besides=("values_version",),
    cause=upload,
    expects=(
        "write documents.store.remember_document",
        "publish run.requested",
        "ack documents-events",
        "commit documents.store.PostgresDocuments.keep_conversion",
        "publish event.document.converted",
        "put documents/<id>/pages/<long>/<n>.txt",
        "commit documents.store.PostgresDocuments.keep_page",
        "put documents/<id>/derived/text.txt",
        "commit documents.store.PostgresDocuments.finish",
        "publish event.document.text_recognized",
        "commit documents.invoice_store.PostgresInvoices.keep",
        "publish event.invoice.analysed",
        "publish run.finished",
    ),
)


async def test_a_kill_anywhere_between_upload_and_invoice_changes_nothing(sweep: Sweep) -> None:
    await sweep(PIPELINE)


MAIL_WITH_INVOICE = Scenario(
    dies="documents",
    beside=("scheduler",),
    besides=("values_version",),
    cause=upload_mail,
    expects=(
        "put documents/<id>/pdf/<hash>.pdf",
        "put documents/<id>/original",
        "commit intake.Intake.accept of documents.attachments.IntakeAttachments._is_new",
        "publish event.document.uploaded",
        "commit documents.store.PostgresDocuments.keep_attachment",
    ),
    sides_of=("commit intake.Intake.accept of documents.attachments.IntakeAttachments._is_new",),
    sample=3,
)


async def test_a_kill_anywhere_makes_one_document_of_what_came_with_a_mail(sweep: Sweep) -> None:
    await sweep(MAIL_WITH_INVOICE)
