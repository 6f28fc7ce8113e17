"""What people were reminded of, from this service's own tables."""

from datetime import date, timedelta
from typing import Any, Final, Protocol

from services.reporting.core import InvoiceState
from services.reporting.day import Today
from services.reporting.reminded.content import GROUPS, Content, Line
from services.reporting.reminders.core import Matter
from shared.outbox import Outbox
from shared.runner.context import RunContext

#: Reminders that were sent, or may have been, with where the invoice is now.
SENT: Final = (
    "select r.document_id, r.matter, r.due, r.step, r.person, m.recipient, m.planned_on, m.effect, e.run_id,"
    " e.state as ledger, i.supplier, i.invoice_number, i.amount, i.currency, i.state, i.approval_due"
    " from reminders r join reminder_mails m using (mail_id)"
    " join effects e on e.client = m.client and e.effect = m.effect"
    " join invoices i using (document_id) where e.state in ('done', 'unknown')"
)
#: What an invoice waits for while it is there.
_WAITS: Final = {InvoiceState.WAITING: Matter.APPROVE, InvoiceState.QUESTIONED: Matter.ANSWER}


class Reminded(Protocol):
    """Of one run's client."""

    async def content(self, days: int, language: str) -> Content:
        """What a report of the last days, with today, would say now."""


class KnownReminded:
    def __init__(self, outbox: Outbox, context: RunContext, today: Today) -> None:
        self._outbox = outbox
        self._client = context.client
        self._today = today.day

    async def content(self, days: int, language: str) -> Content:
        since = self._today - timedelta(days=days - 1)
        async with self._outbox.transaction() as tx:
            rows = await tx.connection.fetch(
                f"{SENT} and r.client = $1 and m.planned_on >= $2"
                " order by r.step desc, r.due, i.supplier, r.document_id, r.person",
                self._client,
                since,
            )
        lines = sorted(map(line_of, rows), key=lambda line: GROUPS.index(line.group))
        return Content(self._client, since, self._today, language, lines)


def line_of(row: Any) -> Line:
    return Line(
        on=row["planned_on"],
        person=row["person"],
        substitute=row["recipient"] if row["recipient"] != row["person"] else None,
        matter=row["matter"],
        due=row["due"],
        step=row["step"],
        document_id=str(row["document_id"]),
        supplier=row["supplier"],
        invoice_number=row["invoice_number"],
        amount=row["amount"],
        currency=row["currency"],
        state=row["state"],
        group=_group(row["ledger"], row["state"], row["matter"], row["due"], row["approval_due"]),
        run_id=str(row["run_id"]),
        effect=row["effect"],
    )


def _group(ledger: str, state: str, matter: str, due: date, approval_due: date | None) -> str:
    if ledger != "done":
        return "in_doubt"
    same = _WAITS.get(InvoiceState(state)) == matter and due == approval_due
    return "open" if same else "done"
