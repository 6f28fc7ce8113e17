"""A person takes the own approval back, as long as the invoice is in no payment file.

Only the integrations service knows that. It is asked to withhold the payment before the approval is taken
back, and decides in its own database, where payment files are made. That it did is its event: whoever hears
of it first, this request or another replica by the event, writes the step, once.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from services.documents.approvals import core
from services.documents.approvals.cases import Case, Invoice, keep_move, load_case
from services.documents.approvals.core import Move, Standing
from services.documents.approvals.desk import Desk, about, requested_event
from services.documents.approvals.steps import audited, expect_approval, opened, taken
from services.documents.settlement import take_turn
from services.documents.suppliers.store import forget_account
from shared.commands import StepTaken, WithdrawApproval, Withheld, WithholdPayment
from shared.events import ApprovalWithdrawn, PaymentWithheld, now
from shared.outbox import Outbox, Transaction
from shared.words import ApprovalState

Withhold = Callable[[WithholdPayment], Awaitable[Withheld]]


class Withdrawals:
    """Carries out withdrawals."""

    def __init__(self, outbox: Outbox, desk: Desk, withhold: Withhold) -> None:
        self._outbox = outbox
        self._desk = desk
        self._withhold = withhold

    async def withdraw(self, command: WithdrawApproval) -> StepTaken:
        """The same again changes nothing. Raises `not_approved_by_you`, `payment_ordered`."""
        asker, withheld = command.asker.id, None
        while True:
            async with opened(self._outbox, command) as (tx, case):
                approval, invoice = expect_approval(case)
                standing = approval.standing
                if withheld is not None and asker not in standing.approved_by:
                    # The event was faster.
                    return await taken(tx.connection, case.document_id, changed=True)
                move = core.withdraw(standing, asker, command.reason)
                if move.changed and standing.state is ApprovalState.APPROVED and withheld != standing.rounds:
                    asked = _asked(command, case, standing)
                else:
                    if move.changed:
                        told = {"traceparent": command.traceparent}
                        await _keep(tx, self._desk, case, invoice, move, asker, command.reason, **told)
                    return await taken(tx.connection, case.document_id, changed=move.changed)
            # Not within the transaction: what else happens to invoices of the client does not wait for this.
            await self._withhold(asked)
            withheld = asked.round


async def record_payment_withheld(outbox: Outbox, desk: Desk, event: PaymentWithheld) -> None:
    """Take the approval back that the event is about, unless that was done, or people approved anew since."""
    async with outbox.transaction() as tx:
        await take_turn(tx.connection, event.client)
        case = await load_case(tx.connection, event.document_id, lock=True)
        if case is None or case.invoice is None or case.approval is None:
            return
        standing = case.approval.standing
        if (
            standing.state is ApprovalState.APPROVED
            and standing.rounds == event.round
            and event.principal in standing.approved_by
        ):
            move = core.withdraw(standing, event.principal, event.reason)
            told = {"traceparent": event.traceparent}
            await _keep(tx, desk, case, case.invoice, move, event.principal, event.reason, **told)


def _asked(command: WithdrawApproval, case: Case, standing: Standing) -> WithholdPayment:
    return WithholdPayment(
        client=case.client,
        principal=command.asker.id,
        document_id=case.document_id,
        since=now(),
        round=standing.rounds,
        reason=command.reason,
        traceparent=command.traceparent,
    )


async def _keep(
    tx: Transaction,
    desk: Desk,
    case: Case,
    invoice: Invoice,
    move: Move,
    principal: str,
    reason: str,
    **told: Any,
) -> None:
    """The step with all that follows from it. An approval that waits again is about the invoice as it holds
    now, which may have been analysed anew while it was approved."""
    assert case.approval is not None
    await keep_move(tx.connection, case.document_id, invoice, move)
    tx.event(
        ApprovalWithdrawn(
            client=case.client,
            principal=principal,
            about=about(case.document_id),
            document_id=case.document_id,
            reason=reason,
            approved_by=list(move.standing.approved_by),
            **told,
        )
    )
    tx.audit(audited("approval_withdrawn", principal, case, reason, move.standing))
    if case.approval.standing.state is ApprovalState.APPROVED:
        await forget_account(tx.connection, case.client, case.document_id, case.approval.values)
    waiting = replace(case, approval=replace(case.approval, standing=move.standing))
    followed = await desk.follow(tx, waiting, invoice, principal, "the invoice was analysed again", **told)
    if followed is None or not followed.changed:
        said = f"{principal} {move.steps[-1].words}"
        tx.event(requested_event(case, move, principal, reason=said, **told))
