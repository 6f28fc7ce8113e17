"""The one place where bank transactions change what is known of invoices: paid, or open again."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from services.integrations import payables
from services.integrations.bank.matching import Payable

if TYPE_CHECKING:
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]


async def open_payables(connection: "Connection", client: str) -> list[Payable]:
    """Invoices that no transaction has paid in full, whatever their orders are said to have come to."""
    rows = await connection.fetch(
        "select p.document_id, p.invoice_number, p.payee_name, p.iban, p.reference, p.amount, p.currency,"
        " p.due_date, coalesce(m.paid, 0) as paid,"
        " array(select o.payment_id from payment_orders o where o.document_id = p.document_id) as payment_ids"
        " from payables p left join lateral (select sum(amount) as paid, bool_or(settles) as settled"
        " from bank_matches m where m.document_id = p.document_id and m.reversed_by is null) m on true"
        " where p.client = $1 and p.kind = 'invoice' and not coalesce(m.settled, false)",
        client,
    )
    return [_payable(row) for row in rows]


def _payable(row: Any) -> Payable:
    return Payable(
        document_id=row["document_id"],
        invoice_number=row["invoice_number"],
        payee_name=row["payee_name"],
        iban=row["iban"],
        reference=row["reference"],
        amount=row["amount"],
        currency=row["currency"],
        due_date=row["due_date"],
        paid=Decimal(row["paid"]),
        payment_ids=frozenset(row["payment_ids"]),
    )


async def settle(connection: "Connection", paid: Sequence[UUID], reopened: Sequence[UUID]) -> None:
    """Mark invoices as paid, and those whose payment came back as open, as their matches are written."""
    if paid:
        await connection.execute(
            "update payables set state = 'paid' where document_id = any($1::uuid[]) and state <> 'paid'", paid
        )
    if reopened:
        await payables.open_again(connection, list(reopened))
