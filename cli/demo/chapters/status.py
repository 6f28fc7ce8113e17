"""The bank answers: it takes the orders, and refuses one."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from cli.demo.bank import status_report
from cli.demo.samples import ATTACHMENT
from cli.demo.story import DocumentStory, PaymentStory
from cli.demo.visitor import Visitor
from shared.commands import DocumentDetail, PaymentFileDetail
from shared.words import ApprovalState, PaymentState, RunState

JOB: Final = "integrations.update-payment-status"
#: ISO 20022 external status reason: closed account number.
_CLOSED: Final = "AC04"


async def read_the_banks_answer(visitor: Visitor) -> None:
    """Let the bank of the demo answer each file, and read that back. The same answer each time."""
    visitor.show.chapter("The bank answers, and refuses one order")
    visitor.show.say(
        "The bank's status report (pain.002) is read back. It takes the orders, but for one: the payee's "
        "account is closed. That invoice is open again, with the bank's reason, and waits for a person."
    )
    for payment in visitor.story.payments:
        payment.rejected = _refused_by_the_bank(visitor, payment)
        assert payment.file.completed_at is not None
        at = payment.file.completed_at.replace(microsecond=0) + timedelta(seconds=1)
        report = status_report(payment.content, payment.rejected, at=at)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"pain002-{payment.file.message_id[-8:]}.xml"
            path.write_bytes(report)
            reference = await visitor.keep_file(path)
        run = await visitor.start(JOB, "the bank's answer", {"file": reference})
        visitor.story.check("the bank's answer was read", run.state is RunState.SUCCEEDED, run.sentence)
        visitor.show.run_in_short(run)
        await _see_states(visitor, payment)
    for document_id in {id for payment in visitor.story.payments for id in _refused_documents(payment)}:
        story = visitor.story.document(document_id)
        if story is not None:
            await _see_it_open_again(visitor, story)


def _refused_by_the_bank(visitor: Visitor, payment: PaymentStory) -> dict[str, str]:
    """The first order of what came with the e-mail; if a person orders it again, it is paid."""
    attached = {story.document_id for story in visitor.story.invoices if story.name == ATTACHMENT}
    return {
        order.payment_id: _CLOSED
        for order in payment.file.orders
        if order.document_id in attached and order.payment_id.endswith("-01")
    }


async def _see_states(visitor: Visitor, payment: PaymentStory) -> None:
    path = f"/payments/files/{payment.file.file_id}"
    payment.file = await visitor.gateway.get(path, PaymentFileDetail)
    for order in payment.file.orders:
        refused = order.payment_id in payment.rejected
        expected = {PaymentState.REJECTED} if refused else {PaymentState.ACCEPTED, PaymentState.PAID}
        what = "refused by the bank" if refused else "taken by the bank"
        visitor.story.check(f"{order.payee_name}: the order was {what}", order.state in expected, order.state)
    visitor.show.payment_file(payment)


def _refused_documents(payment: PaymentStory) -> set[UUID]:
    return {order.document_id for order in payment.file.orders if order.payment_id in payment.rejected}


async def _see_it_open_again(visitor: Visitor, story: DocumentStory) -> None:
    async def ask() -> DocumentDetail:
        return await visitor.look_at(story)

    def told(detail: DocumentDetail) -> bool:
        """Approved again since, or waiting again: either way it says what the bank said."""
        steps = detail.approval.steps if detail.approval is not None else []
        return any(_CLOSED in step.words for step in steps) and any(step.kind == "reopened" for step in steps)

    detail = await visitor.until(ask, told)
    reopened = f"{story.title}: is open again, with the bank's reason"
    visitor.story.check(reopened, told(detail), story.approval)
    if story.payment is PaymentState.REJECTED:
        waits = story.approval is ApprovalState.WAITING
        visitor.story.check(f"{story.title}: waits for a person", waits, story.approval)
        visitor.show.approval(story, None)
