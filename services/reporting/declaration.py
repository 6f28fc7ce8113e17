"""What the reporting service offers."""

from typing import Final

from services.reporting.jobs.due_date_report import due_date_report
from shared.declaration import Declaration

DECLARATION: Final = Declaration(
    name="reporting",
    jobs=(due_date_report,),
    listens=(
        "event.approval.requested",
        "event.approval.withdrawn",
        "event.invoice.analysed",
        "event.invoice.approved",
        "event.invoice.corrected",
        "event.invoice.paid",
        "event.invoice.questioned",
        "event.invoice.rejected",
        "event.payment.status_changed",
    ),
)
