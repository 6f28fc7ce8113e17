"""The one place where bank transactions change what is known of invoices: paid, or open again."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from services.integrations import payables
from services.integrations.bank.matching import Payable
from services.integrations.payments.changes import change_orders
from services.integrations.payments.messages import end_of
from shared.outbox import Transaction
from shared.runner.context import RunContext
from shared.words import PaymentState

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


async def settle(
    tx: Transaction,
    context: RunContext,
    day: date,
    statement: str,
    paid: Sequence[UUID],
    reopened: Sequence[UUID],
) -> None:
    """Mark invoices as paid, and those whose payment came back as open, as their matches are written. Their
    orders follow, and tell it. `day` is the last on which one of them was booked."""
    if paid:
        await change_orders(
            tx, context, paid, await _named(tx, paid), PaymentState.PAID, at=end_of(day), message_id=statement
        )
        await tx.connection.execute(
            "update payables set state = 'paid' where document_id = any($1::uuid[]) and state <> 'paid'", paid
        )
    if reopened:
        await change_orders(
            tx, context, reopened, await _named(tx, reopened), PaymentState.REJECTED, at=end_of(day),
            message_id=statement, reason="the money came back, as the statement shows",
        )  # fmt: skip
        await payables.open_again(tx.connection, list(reopened))


async def _named(tx: Transaction, documents: Sequence[UUID]) -> list[str]:
    """The end-to-end ids by which their newest matches were found, letters and digits only."""
    rows = await tx.connection.fetch(
        "select distinct on (document_id) payment_id from bank_matches where document_id = any($1::uuid[])"
        " order by document_id, id desc",
        documents,
    )
    return [row["payment_id"] for row in rows if row["payment_id"]]
