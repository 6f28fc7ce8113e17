"""What is told about payments is kept and shown; a refused one opens the approval again."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.documents.approvals.payments import record_invoice_paid, record_payment_status
from services.documents.approvals.refusals import StepRefused
from services.documents.queries import describe_document
from shared.commands import (
    DocumentQuery,
)
from shared.events import (
    InvoicePaid,
    PaymentStatusChanged,
    now,
)
from shared.ids import new_id
from shared.words import ApprovalState, PaymentState, StepKind
from tests.integration.documents.office import VALUES, Office, kinds, reading


def status(document: UUID, after: PaymentState, **more: Any) -> PaymentStatusChanged:
    return PaymentStatusChanged(
        client="acme", principal="pia", document_id=document, file_id=new_id(), payment_id="E2E-1",
        before=PaymentState.OPEN, after=after, amount=Decimal("1190.00"), currency="CHF", **more,
    )  # fmt: skip


@pytest.mark.parametrize("said", ["the account is closed", "AC04: the account is closed"])
async def test_a_payment_that_the_bank_refuses_opens_the_approval_again(office: Office, said: str) -> None:
    document = await office.arrive(reading())
    seen = await office.version(document)
    await office.approve(document, version=seen)
    await record_payment_status(office.outbox, office.desk, status(document, PaymentState.ORDERED))
    refused = status(document, PaymentState.REJECTED, reason_code="AC04", reason=said)
    for _ in range(2):
        await record_payment_status(office.outbox, office.desk, refused)
    requested = await office.told("event.approval.requested")
    assert [one.reason for one in requested] == [
        None, "the bank refused the payment (AC04: the account is closed)",
    ]  # fmt: skip
    with pytest.raises(StepRefused, match="it is asked again since you saw it"):
        await office.approve(document, version=seen)
    corrected = await office.correct(document, iban="DE75512108001245126199")
    assert corrected.approval is not None
    assert corrected.approval.payment is not None
    assert (corrected.approval.payment.state, corrected.approval.payment.reason_code) == (
        PaymentState.REJECTED, "AC04",
    )  # fmt: skip
    taken = await office.approve(document)
    assert kinds(taken) == [
        StepKind.REQUESTED, StepKind.APPROVED, StepKind.PAYMENT, StepKind.PAYMENT, StepKind.REOPENED,
        StepKind.CORRECTED, StepKind.CHANGED, StepKind.APPROVED,
    ]  # fmt: skip
    approved = await office.told("event.invoice.approved")
    assert [one.values["iban"] for one in approved] == [VALUES["iban"], "DE75512108001245126199"]


async def test_a_late_word_about_a_payment_changes_nothing_and_a_paid_one_is_shown(office: Office) -> None:
    document = await office.arrive(reading())
    await office.approve(document)
    early = status(document, PaymentState.REJECTED, reason="no funds", time=now() - timedelta(hours=1))
    ordered = status(document, PaymentState.ORDERED, execution_date=date(2026, 3, 31))
    await record_payment_status(office.outbox, office.desk, ordered)
    await record_payment_status(office.outbox, office.desk, early)
    paid = InvoicePaid(
        client="acme", principal="pia", document_id=document, amount=Decimal("1190.0"), currency="CHF",
        booked_on=date(2026, 4, 1), account="CH9300762011623852957", transaction="transaction:1",
        matched_by="payment_id",
    )  # fmt: skip
    for _ in range(2):
        await record_invoice_paid(office.outbox, paid)
    detail = await describe_document(office.pool, DocumentQuery(document_id=document))
    assert detail.payment is not None
    assert detail.payment.amount == "1190.00"
    assert (detail.payment.state, detail.payment.booked_on, detail.payment.execution_date) == (
        PaymentState.PAID, date(2026, 4, 1), date(2026, 3, 31),
    )  # fmt: skip
    assert detail.payment.reason is None
    assert detail.approval is not None
    assert detail.approval.state is ApprovalState.APPROVED
    assert len(await office.told("event.approval.requested")) == 1
