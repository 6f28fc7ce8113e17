"""Events in: what this service learns from others. The same event again changes nothing."""

from services.integrations import payables
from services.integrations.erp import invoices
from shared.database import Pool
from shared.events import DocumentUploaded, InvoiceApproved, InvoiceCorrected, InvoiceRejected
from shared.intake import remember_arrival


async def record_document_uploaded(pool: Pool, event: DocumentUploaded) -> None:
    """Know the document, whichever way it came in: a mail that brings it again is none of ours."""
    await remember_arrival(pool, event)


async def record_invoice_approved(pool: Pool, event: InvoiceApproved) -> None:
    """Know the invoice as one that may be paid and booked."""
    await payables.remember_approved_invoice(pool, event)
    await invoices.remember_approved_invoice(pool, event)


async def record_invoice_corrected(pool: Pool, event: InvoiceCorrected) -> None:
    """Pay nothing that people have to look at again."""
    await payables.hold_corrected_invoice(pool, event)


async def record_invoice_rejected(pool: Pool, event: InvoiceRejected) -> None:
    """Pay nothing that people do not want to pay."""
    await payables.hold_rejected_invoice(pool, event)
