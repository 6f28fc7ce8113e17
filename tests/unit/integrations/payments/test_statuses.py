"""Which statement changes an order, which does not, and which needs a person."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.integrations.payments.messages import BankMessage, Said, Verdict
from services.integrations.payments.statuses import Change, Ordered, about, judge, strangers
from shared.words import Outcome, PaymentState

AT = datetime(2026, 3, 12, 12, tzinfo=UTC)
FILE = UUID(int=7)


def order(n: int = 1, *, block: str = "B1", state: PaymentState = PaymentState.ORDERED) -> Ordered:
    return Ordered(
        f"E{n}", "M1", block, f"{block}-{n}", FILE, UUID(int=n), Decimal("10.00"), "CHF", date(2026, 3, 11),
        f"invoice {n}", state, status_at=None if state is PaymentState.ORDERED else AT,
    )  # fmt: skip


def says(verdict: Verdict, *, hours: float = 1, **more: object) -> Said:
    values = {"payment_id": "E1", **more}
    return Said(verdict, "CODE", AT + timedelta(hours=hours), **values)  # type: ignore[arg-type]


def message(*said: Said) -> BankMessage:
    return BankMessage("pain.002", "STS", AT, said)


S, A, R, P = PaymentState.ORDERED, PaymentState.ACCEPTED, PaymentState.REJECTED, PaymentState.PAID
UNCHANGED, UPDATED, FAILED = Outcome.UNCHANGED, Outcome.UPDATED, Outcome.FAILED


@pytest.mark.parametrize(
    ("state", "verdict", "hours", "after", "outcome"),
    [
        (S, Verdict.NOTHING_YET, 1, S, UNCHANGED),
        (S, Verdict.ACCEPTED, 1, A, UPDATED), (S, Verdict.PAID, 1, P, UPDATED),
        (S, Verdict.REJECTED, 1, R, UPDATED), (S, Verdict.RETURNED, 1, R, UPDATED),
        (A, Verdict.ACCEPTED, 1, A, UNCHANGED), (A, Verdict.PAID, 1, P, UPDATED),
        (A, Verdict.REJECTED, 1, R, UPDATED), (A, Verdict.REJECTED, 0, R, UPDATED),
        (A, Verdict.REJECTED, -1, A, UNCHANGED), (A, Verdict.PAID, -1, P, UPDATED),
        (P, Verdict.ACCEPTED, 1, P, UNCHANGED), (P, Verdict.PAID, 1, P, UNCHANGED),
        (P, Verdict.REJECTED, 1, P, FAILED), (P, Verdict.REJECTED, -1, P, FAILED),
        (P, Verdict.REJECTED, -24, P, UNCHANGED), (P, Verdict.RETURNED, 24, R, UPDATED),
        (R, Verdict.REJECTED, 1, R, UNCHANGED), (R, Verdict.RETURNED, 1, R, UNCHANGED),
        (R, Verdict.ACCEPTED, 0, R, UNCHANGED), (R, Verdict.ACCEPTED, -1, R, UNCHANGED),
        (R, Verdict.ACCEPTED, 1, R, FAILED), (R, Verdict.PAID, 1, R, FAILED),
        (R, Verdict.PAID, -1, R, UNCHANGED),
    ],
)  # fmt: skip
def test_every_transition(
    state: PaymentState, verdict: Verdict, hours: float, after: PaymentState, outcome: Outcome
) -> None:
    one = says(verdict, hours=hours)
    judged = judge(message(one), order(state=state), [one])
    assert (judged.order.state, judged.record.outcome) == (after, outcome)
    assert (judged.change is not None) == (outcome is UPDATED)
    if outcome is UNCHANGED:
        assert judged.record.message
    if judged.record.failure:
        assert judged.record.failure.code == "status_contradictory"


def test_the_closer_statement_holds() -> None:
    orders = [order(1), order(2), order(3, block="B2"), order(4, block="B3")]
    said = message(
        says(Verdict.ACCEPTED, payment_id=None, message_id="M1"),
        says(Verdict.REJECTED, payment_id=None, message_id="M1", block_id="B1"),
        says(Verdict.PAID, payment_id="E2", message_id="M1", block_id="B1"),
        says(Verdict.NOTHING_YET, payment_id=None, instruction_id="B2-3", message_id="M1"),
    )
    verdicts = {one.payment_id: [s.verdict for s in found] for one, found in about(said, orders)}
    assert verdicts == {
        "E1": [Verdict.REJECTED], "E2": [Verdict.PAID], "E3": [Verdict.NOTHING_YET], "E4": [Verdict.ACCEPTED],
    }  # fmt: skip


def test_of_a_block_that_is_only_partly_named_the_others_stay() -> None:
    said = message(says(Verdict.REJECTED, payment_id="E1", message_id="M1", block_id="B1"))
    assert [one.payment_id for one, _ in about(said, [order(1), order(2)])] == ["E1"]


@pytest.mark.parametrize(("amount", "outcome"), [("20.00", UPDATED), ("19.00", FAILED)])
def test_a_block_that_was_booked_in_one_sum_pays_its_orders_if_the_sum_is_theirs(
    amount: str, outcome: Outcome
) -> None:
    orders = [order(1), order(2)]
    said = message(says(Verdict.PAID, payment_id=None, block_id="B1", amount=Decimal(amount), currency="CHF"))
    judged = [judge(said, one, found) for one, found in about(said, orders)]
    assert [one.record.outcome for one in judged] == [outcome, outcome]


def test_a_rejected_order_is_not_in_the_sum_of_its_block() -> None:
    orders = [order(1), order(2, state=R)]
    said = message(
        says(Verdict.PAID, payment_id=None, block_id="B1", amount=Decimal("10.00"), currency="CHF", hours=-1)
    )
    judged = [judge(said, one, found) for one, found in about(said, orders)]
    assert [one.record.outcome for one in judged] == [UPDATED, UNCHANGED]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"amount": Decimal("10.01"), "currency": "CHF"}, "status_amount_differs"),
        ({"message_id": "M2"}, "status_of_another_file"),
    ],
)
def test_what_does_not_fit_the_order_changes_nothing(more: dict[str, Any], code: str) -> None:
    one = says(Verdict.REJECTED, **more)
    judged = judge(message(one), order(), [one])
    assert judged.change is None
    assert judged.record.failure is not None
    assert judged.record.failure.code == code


def test_an_amount_in_another_currency_is_not_compared() -> None:
    one = says(Verdict.PAID, amount=Decimal("11.00"), currency="EUR")
    assert judge(message(one), order(), [one]).order.state is P


def test_what_this_run_changed_before_counts_as_changed() -> None:
    one = says(Verdict.REJECTED, reason_code="AC04")
    known = replace(order(state=R), changed_by={"STS": Change(S, R, "AC04: the account is closed")})
    record = judge(message(one), known, [one]).record
    assert (record.outcome, record.changes) == (UPDATED, {"payment": (S, R)})
    assert record.message == "rejected: AC04: the account is closed"


def test_strangers_are_named_and_ours_are_not() -> None:
    said = message(
        says(Verdict.REJECTED, payment_id="E1"),
        says(Verdict.REJECTED, payment_id="E9"),
        says(Verdict.ACCEPTED, payment_id=None, message_id="M9"),
    )
    assert [record.label for record in strangers(said, [order()])] == ["payment E9", "file M9"]


@given(st.lists(st.tuples(st.sampled_from(list(Verdict)), st.integers(-48, 48)), max_size=8))
def test_a_message_that_comes_again_never_changes_anything(history: list[tuple[Verdict, int]]) -> None:
    """Whatever a bank said before, in whatever order."""
    current = order()
    for verdict, hours in history:
        one = says(verdict, hours=hours)
        current = judge(message(one), current, [one]).order
        again = judge(message(one), current, [one])
        assert again.change is None
