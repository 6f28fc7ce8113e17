"""Events in: what this service learns from others. The same event again changes nothing."""

from services.reporting import store
from services.reporting.core import InvoiceEvent
from shared.database import Pool


async def record_invoice_event(pool: Pool, event: InvoiceEvent) -> None:
    """Know where the invoice stands now."""
    await store.remember_event(pool, event)
