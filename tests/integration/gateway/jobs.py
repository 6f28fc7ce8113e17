"""Who starts the jobs that the services declare, and who sees them only; nobody else knows of them."""

import importlib

from deploy.local.config import SERVICES
from shared.access import TECHNICAL
from shared.jobs import CatalogueEntry

PAY, SEEN_BY_ALL = {"accounting", "trustee"}, "everybody"
JOBS: dict[str, tuple[set[str], set[str] | str]] = {
    "documents.convert-to-pdf": ({*PAY, "uploader"}, SEEN_BY_ALL),
    "documents.ocr": ({*PAY, "uploader"}, SEEN_BY_ALL),
    "documents.analyse-invoice": ({*PAY, "uploader"}, SEEN_BY_ALL),
    "documents.start-workflow": ({*PAY, "uploader"}, SEEN_BY_ALL),
    "documents.learn-from-correction": (PAY, SEEN_BY_ALL),
    "integrations.import-daily-rates": (PAY, {"rates-viewer"}),
    "integrations.import-bank-statements": (PAY, {"bank-viewer"}),
    "integrations.create-payment-file": (PAY, {"payments-viewer"}),
    "integrations.update-payment-status": (PAY, {"payments-viewer"}),
    "integrations.import-mail": ({*PAY, "uploader"}, {"documents-viewer"}),
    "integrations.erp-export": (PAY, {"bookings-viewer"}),
    "integrations.erp-import": (PAY, {"bookings-viewer"}),
    "integrations.nightly-synchronization": (PAY, {"bookings-viewer"}),
    "integrations.mqtt-agent-action": (PAY, {"agents-viewer"}),
    "reporting.due-date-report": (PAY, {"reports-viewer"}),
    "reporting.audit-report": ({TECHNICAL}, set()),
    "reporting.exception-report": (PAY, {"reports-viewer"}),
    "reporting.overdue-reminders": ({*PAY, TECHNICAL}, {"reports-viewer"}),
    "reporting.reminder-report": (PAY, {"reports-viewer"}),
    "reporting.send-now": (PAY, {"reports-viewer"}),
    "audit.verify-log": ({TECHNICAL}, set()),
    "audit.delete-expired": ({TECHNICAL}, set()),
}


def declared_jobs() -> list[CatalogueEntry]:
    modules = [importlib.import_module(f"{module}.declaration") for module in SERVICES.values()]
    return [CatalogueEntry.of(job, "0.0.1") for module in modules for job in module.DECLARATION.jobs]
