"""Keeping an approved invoice out of the payment files, because a person takes the own approval back."""

from services.integrations.payables import hold
from services.integrations.payments.store import take_turn
from shared.commands import Withheld, WithholdPayment
from shared.errors import TagwerkError
from shared.events import PaymentWithheld
from shared.outbox import Outbox
from shared.words import PaymentState


async def withhold(outbox: Outbox, asked: WithholdPayment) -> Withheld:
    """Hold the invoice, in turn with the runs that make payment files: it is either in a file before, or in
    none afterwards. An invoice whose approval has not arrived yet is held when it does.

    Raises `payment_ordered`.
    """
    async with outbox.transaction() as tx:
        await take_turn(tx.connection, asked.client)
        row = await tx.connection.fetchrow(
            "select state, (select file_id from payment_orders o where o.document_id = p.document_id"
            " order by number desc limit 1) as file_id"
            " from payables p where client = $1 and document_id = $2",
            asked.client,
            asked.document_id,
        )
        if row is not None and row["state"] not in (PaymentState.OPEN, PaymentState.REJECTED):
            file = f" in payment file {row['file_id']}" if row["file_id"] is not None else ""
            raise TagwerkError(
                "payment_ordered",
                f"the payment of the invoice is {row['state']} already{file}",
                concern=f"invoice:{asked.document_id}",
                next_step="Ask the bank to stop the payment; when its status file says so, the invoice waits"
                " for approval again.",
            )
        reason = f"{asked.principal} withdrew the approval: {asked.reason}"
        held = await tx.connection.fetchval(
            "select exists(select from payable_holds where document_id = $1 and round = $2 and reason = $3)",
            asked.document_id,
            asked.round,
            reason,
        )
        if held:
            # Asked again, because the answer got lost.
            return Withheld(document_id=asked.document_id)
        await hold(tx.connection, asked.document_id, asked.client, asked.since, reason, asked.round)
        tx.event(
            PaymentWithheld(
                client=asked.client,
                principal=asked.principal,
                about=[f"document:{asked.document_id}", f"invoice:{asked.document_id}"],
                document_id=asked.document_id,
                round=asked.round,
                reason=asked.reason,
                traceparent=asked.traceparent,
            )
        )
    return Withheld(document_id=asked.document_id)
