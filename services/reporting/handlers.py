"""Events in: what this service learns from others. The same event again changes nothing."""

from services.reporting import store
from services.reporting.core import InvoiceEvent
from services.reporting.store import CaseClosed, CaseOpened
from shared.database import Pool


async def record_invoice_event(pool: Pool, event: InvoiceEvent) -> None:
    """Know where the invoice stands now."""
    await store.remember_event(pool, event)


async def record_case_opened(pool: Pool, event: CaseOpened) -> None:
    """Know that a run is overdue or lost, or that nobody works on a queue."""
    await store.remember_case(pool, event)


async def record_case_closed(pool: Pool, event: CaseClosed) -> None:
    """Know that it goes on again."""
    await store.close_case(pool, event)
