"""What the integrations service tells about payments: kept, shown, and, where the bank refused one, a
reason to ask for the approval again."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.documents.approvals import core
from services.documents.approvals.cases import keep_move, keep_step, load_case
from services.documents.approvals.core import Step
from services.documents.approvals.desk import Desk, requested_event
from shared.commands import Payment
from shared.events import InvoicePaid, PaymentStatusChanged
from shared.outbox import Outbox
from shared.words import ApprovalState, PaymentState, StepKind


async def record_payment_status(outbox: Outbox, desk: Desk, event: PaymentStatusChanged) -> None:
    """Know how far the payment is. A refused one opens the approval again, with what the bank said."""
    payment = Payment(
        state=event.after,
        at=event.time,
        file_id=event.file_id,
        payment_id=event.payment_id,
        amount=_exact(event.amount),
        currency=event.currency,
        execution_date=event.execution_date,
        reason_code=event.reason_code,
        reason=event.reason,
    )
    reason = _reason(event)
    said = f" ({reason})" if reason else ""
    words = f"payment {event.after}{said}"
    async with outbox.transaction() as tx:
        if not await _keep(tx.connection, event.document_id, event.id, event.principal, payment, words):
            return
        case = await load_case(tx.connection, event.document_id, lock=True)
        if (
            event.after is not PaymentState.REJECTED
            or case is None
            or case.invoice is None
            or case.approval is None
            or case.approval.standing.state is not ApprovalState.APPROVED
        ):
            return
        demand = await desk.demand(tx.connection, case.client, case.invoice)
        why = f"the bank refused the payment ({reason})" if reason else "the bank refused the payment"
        move = core.reopen(case.approval.standing, case.invoice.version, demand, event.principal, why)
        await keep_move(tx.connection, case.document_id, case.invoice, move)
        told: dict[str, Any] = {"run_id": event.run_id, "traceparent": event.traceparent}
        tx.event(requested_event(case, move, event.principal, reason=why, **told))


async def record_invoice_paid(outbox: Outbox, event: InvoicePaid) -> None:
    """Know that a bank statement shows the payment, or that the ERP says so."""
    async with outbox.transaction() as tx:
        payment = Payment(
            state=PaymentState.PAID,
            at=event.time,
            amount=_exact(event.amount),
            currency=event.currency,
            booked_on=event.booked_on,
        )
        words = f"paid: {_exact(event.amount)} {event.currency}, booked on {event.booked_on.isoformat()}"
        await _keep(tx.connection, event.document_id, event.id, event.principal, payment, words)


def _reason(event: PaymentStatusChanged) -> str | None:
    """The code and what it means, each once: the words may begin with the code already."""
    code, words = event.reason_code, event.reason
    if code is None or words is None or words.startswith(code):
        return words or code
    return f"{code}: {words}"


def _exact(amount: Decimal) -> str:
    """`1234.50`: with two places at least, and all that there are."""
    exponent = amount.as_tuple().exponent
    return f"{amount:.2f}" if isinstance(exponent, int) and exponent > -2 else f"{amount:f}"


async def _keep(
    connection: Any, document_id: UUID, event_id: UUID, principal: str, payment: Payment, words: str
) -> bool:
    """Write the step and, if nothing newer is known, the state; False if the event came before or is older
    than what is known, so that nothing follows from it."""
    known: datetime | None = await connection.fetchval(
        "select document_id from documents where document_id = $1 for update", document_id
    )
    if known is None:
        # Not a document of this service: an invoice that somebody approved elsewhere.
        return False
    step = Step(StepKind.PAYMENT, principal, words)
    if not await keep_step(connection, document_id, step, None, step_id=event_id, at=payment.at):
        return False
    earlier = await connection.fetchval("select detail from payments where document_id = $1", document_id)
    told = payment.model_dump(mode="json", exclude_none=True)
    if earlier is not None:
        # A statement names no payment file: what the order said of it goes on beside it.
        told = {**Payment.model_validate_json(earlier).model_dump(mode="json", exclude_none=True), **told}
        if payment.state is not PaymentState.REJECTED:
            told = {name: value for name, value in told.items() if not name.startswith("reason")}
    written = await connection.execute(
        "insert into payments (document_id, state, at, detail) values ($1, $2, $3, $4)"
        " on conflict (document_id) do update set state = excluded.state, at = excluded.at,"
        " detail = excluded.detail where payments.at <= excluded.at",
        document_id, payment.state.value, payment.at, Payment.model_validate(told).model_dump_json(),
    )  # fmt: skip
    return not str(written).endswith(" 0")
