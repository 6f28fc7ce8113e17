"""From the event of an upload to the analysed invoice: text recognized, then analysed, by itself."""

import hashlib
import io

import pikepdf

from shared.events import DocumentUploaded
from shared.ids import document_id_of
from shared.intake import original_key
from tests.faults.conftest import Sweep
from tests.support.faults.lane import USER, Scene
from tests.support.faults.sweep import Scenario
from tests.unit.documents.papers import lines_pdf, picture_of, scanned_pdf


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


async def upload(scene: Scene) -> None:
    """As the intake does it: original first, then the event."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    document = document_id_of(scene.client, sha256)
    await scene.files.put(original_key(document), CONTENT)
    event = DocumentUploaded(
        client=scene.client, principal=USER, about=[f"document:{document}"], document_id=document,
        file_name="invoice.pdf", media_type="application/pdf", size=len(CONTENT), sha256=sha256,
    )  # fmt: skip
    await scene.publish(event)


PIPELINE = Scenario(
    dies="documents",
    beside=("scheduler",),
    cause=upload,
    expects=(
        "write documents.store.remember_document",
        "publish run.requested",
        "ack documents-events",
        "put documents/<id>/pages/<long>/<n>.txt",
        "commit documents.store.PostgresDocuments.keep_page",
        "put documents/<id>/derived/text.txt",
        "commit documents.store.PostgresDocuments.finish",
        "publish event.document.text_recognized",
        "commit documents.invoice_store.PostgresInvoices.keep",
        "publish event.invoice.analysed",
        "publish run.finished",
    ),
    sample=8,
)


async def test_a_kill_anywhere_between_upload_and_invoice_changes_nothing(sweep: Sweep) -> None:
    await sweep(PIPELINE)
