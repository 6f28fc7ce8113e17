"""Events in: what this service learns from others."""

from services.integrations.payables import remember_approved_invoice
from shared.database import Pool
from shared.events import InvoiceApproved


async def record_invoice_approved(pool: Pool, event: InvoiceApproved) -> None:
    """Know the invoice as one that may be paid. The same event again changes nothing."""
    await remember_approved_invoice(pool, event)
