"""A payment changes its state: the event that tells the others, and the way for other jobs to say so."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.events import PaymentStatusChanged
from shared.outbox import Transaction
from shared.runner.context import RunContext
from shared.words import PaymentState


def status_changed(
    context: RunContext, order: Mapping[str, Any], before: PaymentState, after: PaymentState
) -> PaymentStatusChanged:
    """The event; `order` has the columns of `payment_orders`."""
    return PaymentStatusChanged(
        **context.facts(f"document:{order['document_id']}", f"invoice:{order['document_id']}"),
        document_id=order["document_id"],
        file_id=order["file_id"],
        payment_id=order["payment_id"],
        before=before,
        after=after,
        amount=order["amount"],
        currency=order["currency"],
        execution_date=order["execution_date"],
        reason_code=order["reason_code"],
        reason=order["reason"],
    )


async def change_orders(
    tx: Transaction,
    context: RunContext,
    documents: Sequence[UUID],
    named: Sequence[str],
    after: PaymentState,
    *,
    at: datetime,
    message_id: str,
    reason: str | None = None,
) -> None:
    """A statement shows that these invoices are paid, or that the money came back (`rejected`): their orders,
    if they have any, follow. `named` are the end-to-end ids that it shows, letters and digits only; where one
    is an earlier order of an invoice, its later one stays. The caller changes the invoices themselves, in the
    same transaction, afterwards."""
    await tx.connection.execute(
        "select 1 from payables where document_id = any($1::uuid[]) order by document_id for update",
        documents,
    )
    orders = await tx.connection.fetch(
        "select * from payment_orders o where client = $1 and document_id = any($2::uuid[])"
        " and state not in ('rejected', $3) and not exists (select from payment_orders other"
        " where other.document_id = o.document_id and other.payment_id <> o.payment_id"
        " and upper(replace(other.payment_id, '-', '')) = any($4::text[])) order by payment_id",
        context.client,
        documents,
        after,
        named,
    )
    for order in orders:
        row = {**dict(order), "reason_code": None, "reason": reason}
        await tx.connection.execute(
            "update payment_orders set state = $2, status_at = $3, reason_code = null, reason = $4,"
            " changed_at = now() where payment_id = $1",
            order["payment_id"],
            after,
            at,
            reason,
        )
        await tx.connection.execute(
            "insert into payment_changes (payment_id, message_id, message_kind, run_id, before, after,"
            " status_at, reason) values ($1, $2, 'statement', $3, $4, $5, $6, $7)",
            order["payment_id"], message_id, context.run_id, order["state"], after, at, reason,
        )  # fmt: skip
        tx.event(status_changed(context, row, PaymentState(order["state"]), after))
