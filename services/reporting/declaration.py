"""What the reporting service offers."""

from typing import Final

from services.reporting.jobs.audit_report import audit_report
from services.reporting.jobs.due_date_report import due_date_report
from services.reporting.jobs.exception_report import exception_report
from services.reporting.jobs.overdue_reminders import overdue_reminders
from services.reporting.jobs.reminder_report import reminder_report
from services.reporting.jobs.send_now import send_now
from services.reporting.streams import ALERTED, ALERTS, REPORTED, REPORTS
from shared import subjects
from shared.declaration import BusUse, Declaration

INVOICE_EVENTS: Final = (
    "event.approval.requested",
    "event.approval.withdrawn",
    "event.invoice.analysed",
    "event.invoice.approved",
    "event.invoice.corrected",
    "event.invoice.paid",
    "event.invoice.questioned",
    "event.invoice.rejected",
    "event.payment.status_changed",
)
#: What does not go on, and that it goes on again.
CASES_OPENED: Final = ("event.queue.unworked", "event.run.lost", "event.run.overdue")
CASES_CLOSED: Final = ("event.queue.worked", "event.run.found", "event.run.overdue_ended")

DECLARATION: Final = Declaration(
    name="reporting",
    jobs=(audit_report, due_date_report, exception_report, overdue_reminders, reminder_report, send_now),
    listens=(*INVOICE_EVENTS, *CASES_OPENED, *CASES_CLOSED),
    bus=BusUse(
        asks=(
            subjects.query("gateway", "people"),
            subjects.query("status", "runs"),
            subjects.query("audit", "entries"),
            subjects.query("audit", "state"),
        ),
        follows=(
            *((REPORTS, stream) for stream in REPORTED),
            *((ALERTS, stream) for stream in ALERTED),
        ),
        manages=(f"STREAM.MSG.GET.{subjects.DEAD}",),
    ),
)
