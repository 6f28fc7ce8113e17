"""What the documents service offers and listens to."""

from typing import Final

from services.documents.jobs.analyse_invoice import analyse_invoice
from services.documents.jobs.convert_to_pdf import convert_to_pdf
from services.documents.jobs.learn_from_correction import learn_from_correction
from services.documents.jobs.ocr import ocr
from services.documents.jobs.start_workflow import start_workflow
from shared import subjects
from shared.declaration import BusUse, Declaration

DECLARATION: Final = Declaration(
    name="documents",
    jobs=(convert_to_pdf, ocr, analyse_invoice, start_workflow, learn_from_correction),
    listens=(
        "event.document.uploaded",
        "event.invoice.paid",
        "event.payment.status_changed",
        "event.payment.withheld",
        "event.rates.imported",
    ),
    bus=BusUse(
        tells=(
            "event.document.uploaded",
            "event.document.converted",
            "event.document.text_recognized",
            "event.invoice.analysed",
            "event.invoice.approved",
            "event.invoice.corrected",
            "event.invoice.questioned",
            "event.invoice.rejected",
            "event.approval.requested",
            "event.approval.withdrawn",
        ),
        asks=(subjects.WITHHOLD,),
    ),
)
