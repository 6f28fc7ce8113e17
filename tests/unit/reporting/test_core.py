"""Where an invoice stands, from what was told of it, in whichever order it comes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from services.reporting.core import InvoiceEvent, InvoiceState, fold
from shared.events import (
    ApprovalRequested,
    ApprovalWithdrawn,
    InvoiceAnalysed,
    InvoiceApproved,
    InvoiceCorrected,
    InvoicePaid,
    InvoiceQuestioned,
    InvoiceRejected,
    PaymentStatusChanged,
)
from shared.words import PaymentState

START: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
DOCUMENT: Final = uuid4()
FACTS: Final[dict[str, Any]] = {"client": "acme", "principal": "ada", "document_id": DOCUMENT}
VALUES: Final = {
    "issuer_name": "Käserei Oberland", "invoice_number": "R-17", "gross_amount": "120.50", "currency": "CHF",
    "due_date": "2026-03-31",
}  # fmt: skip


def analysed(**changes: Any) -> InvoiceAnalysed:
    return InvoiceAnalysed(**FACTS, **{"kind": "invoice", "source": "text", "values": VALUES, **changes})


def requested() -> ApprovalRequested:
    return ApprovalRequested(
        **FACTS, rule="all", role="accounting", approvals_needed=1, due=date(2026, 3, 20)
    )


def approved(**values: str) -> InvoiceApproved:
    return InvoiceApproved(**FACTS, kind="invoice", values={**VALUES, **values}, approved_by=["ada"])


def payment(before: PaymentState, after: PaymentState) -> PaymentStatusChanged:
    return PaymentStatusChanged(
        **FACTS, file_id=UUID(int=1), payment_id="p-01", before=before, after=after, amount=Decimal("120.50"),
        currency="CHF",
    )  # fmt: skip


def paid() -> InvoicePaid:
    return InvoicePaid(
        **FACTS, amount=Decimal("120.50"), currency="CHF", booked_on=date(2026, 3, 30), account="CH1",
        transaction="bank-transaction:1", matched_by="payment_id",
    )  # fmt: skip


def in_order(*events: InvoiceEvent) -> list[InvoiceEvent]:
    return [
        event.model_copy(update={"time": START + timedelta(minutes=place)})
        for place, event in enumerate(events)
    ]


ORDERED: Final = payment(PaymentState.OPEN, PaymentState.ORDERED)
REFUSED: Final = payment(PaymentState.ORDERED, PaymentState.REJECTED)


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([analysed()], InvoiceState.READ),
        ([analysed(), requested()], InvoiceState.WAITING),
        ([requested(), InvoiceQuestioned(**FACTS, question="What for?")], InvoiceState.QUESTIONED),
        (
            [
                requested(),
                InvoiceQuestioned(**FACTS, question="What for?"),
                InvoiceQuestioned(**FACTS, question="What for?", answer="Cheese"),
            ],
            InvoiceState.WAITING,
        ),
        ([requested(), approved()], InvoiceState.TO_PAY),
        ([approved(), ApprovalWithdrawn(**FACTS, reason="wrong", approved_by=[])], InvoiceState.WAITING),
        ([requested(), InvoiceRejected(**FACTS, reason="not ours")], InvoiceState.REJECTED),
        ([approved(), ORDERED], InvoiceState.ORDERED),
        ([approved(), ORDERED, REFUSED], InvoiceState.REFUSED),
        ([approved(), ORDERED, REFUSED, requested()], InvoiceState.WAITING),
        ([approved(), ORDERED, REFUSED, requested(), approved()], InvoiceState.TO_PAY),
        ([approved(), ORDERED, paid()], InvoiceState.PAID),
        ([analysed(), paid()], InvoiceState.PAID),
        ([approved(), paid(), payment(PaymentState.PAID, PaymentState.REJECTED)], InvoiceState.REFUSED),
    ],
)
def test_events_lead_to_a_state(events: Sequence[InvoiceEvent], state: InvoiceState) -> None:
    assert fold(in_order(*events)).state is state


def test_events_out_of_order_tell_the_same() -> None:
    correction = InvoiceCorrected(
        **FACTS, before={"gross_amount": "120.50"}, after={"gross_amount": "99.00", "invoice_number": None}
    )
    events = in_order(analysed(duplicate_of=uuid4()), correction, requested(), requested())
    invoice = fold(events)
    assert (invoice.amount, invoice.invoice_number, invoice.role) == (Decimal("99.00"), None, "accounting")
    assert (invoice.due_date, invoice.possible_duplicate) == (date(2026, 3, 31), True)
    assert all(fold(order) == invoice for order in permutations(events))


def test_it_is_known_who_has_approved_asked_and_been_refused_already() -> None:
    asked = InvoiceQuestioned(**{**FACTS, "principal": "cleo"}, question="What for?")
    partly = requested().model_copy(update={"approved_by": ["ben"]})
    again = fold(in_order(approved(), ORDERED, REFUSED, partly))
    assert (again.approved_by, again.asked_by, again.payment_refused) == (("ben",), None, True)
    withdrawn = ApprovalWithdrawn(**FACTS, reason="wrong", approved_by=[])
    assert fold(in_order(partly, withdrawn)).approved_by == ()
    open_question = fold(in_order(partly, asked))
    assert (open_question.approved_by, open_question.asked_by) == (("ben",), "cleo")
    done = fold(in_order(partly, asked, approved()))
    assert (done.approved_by, done.asked_by, done.payment_refused) == ((), None, False)


def test_a_credit_note_is_below_zero_and_nonsense_is_nothing() -> None:
    assert fold([analysed(kind="credit_note")]).amount == Decimal("-120.50")
    strange = fold([analysed(values={"gross_amount": "much", "due_date": "soon"})])
    assert (strange.amount, strange.due_date, strange.supplier) == (None, None, None)
