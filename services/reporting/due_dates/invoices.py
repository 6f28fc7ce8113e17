"""What is due, from the read model."""

from datetime import date
from typing import Any, Protocol

from services.reporting.core import Invoice
from services.reporting.day import Today
from services.reporting.due_dates.content import Content, Line
from services.reporting.store import open_invoices
from shared.outbox import Outbox
from shared.runner.context import RunContext


class DueInvoices(Protocol):
    """The invoices of one run's client."""

    async def content(self, until: date, language: str) -> Content:
        """What a report of those that are due until a day would say now."""


class KnownDueInvoices:
    """As other services told of them."""

    def __init__(self, outbox: Outbox, context: RunContext, today: Today) -> None:
        self._outbox = outbox
        self._client = context.client
        self._today = today

    async def content(self, until: date, language: str) -> Content:
        async with self._outbox.transaction() as tx:
            invoices = await open_invoices(tx.connection, self._client, until)
        return Content(
            client=self._client,
            as_of=self._today.day,
            until=until,
            language=language,
            lines=[_line(invoice) for invoice in invoices],
        )


def _line(invoice: Invoice) -> Line:
    fields: dict[str, Any] = {
        name: getattr(invoice, name)
        for name in ("supplier", "invoice_number", "amount", "currency", "role", "possible_duplicate")
    }
    return Line(
        document_id=str(invoice.document_id),
        credit_note=invoice.kind == "credit_note",
        due=invoice.due_date,
        state=invoice.state.value,
        **fields,
    )
