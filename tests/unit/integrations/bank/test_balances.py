"""Sums that are off by how much, statements that join, and accounts under two names."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from services.integrations.bank.balances import Neighbour, apart, balance_problem, gaps, why_unchecked
from services.integrations.bank.core import Balance, Statement, same_account

DAY = date(2026, 3, 2)
NEXT = date(2026, 3, 3)


def balance(amount: str, day: date = DAY, currency: str = "CHF") -> Balance:
    return Balance(Decimal(amount), currency, day)


def statement(
    opening: Balance | None, closing: Balance | None, total: str = "0", unusable: int = 0
) -> Statement:
    return Statement(
        family="camt", message="camt.053.001.08", account="CH93", currency="CHF", id="S", number="1",
        page=None,
        opening=opening, closing=closing, total=Decimal(total), entries=2, not_booked=0, unusable=unusable,
        first_day=DAY, last_day=DAY,
    )  # fmt: skip


def stored(number: int, opening: Balance, closing: Balance) -> Neighbour:
    return Neighbour(UUID(int=number), opening, closing, f"Statement {number}")


@pytest.mark.parametrize(
    ("closing", "total", "said"),
    [("90.00", "-10.00", None), ("90.01", "-10.00", "0.01 more"), ("80.00", "-10.00", "10.00 less")],
)
def test_a_wrong_sum_says_by_how_much(closing: str, total: str, said: str | None) -> None:
    problem = balance_problem(statement(balance("100.00"), balance(closing), total))
    assert (problem is None) == (said is None)
    if problem is not None and said is not None:
        assert said in problem.cause


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (statement(None, balance("1")), "no opening"),
        (statement(balance("1"), None), "no closing"),
        (statement(balance("1"), balance("2", currency="EUR")), "opens in CHF and closes in EUR"),
        (statement(balance("1"), balance("2"), unusable=3), "3 of its entries"),
    ],
)
def test_balances_that_cannot_be_checked_are_told_and_refuse_nothing(one: Statement, said: str) -> None:
    assert balance_problem(one) is None
    assert said in (why_unchecked(one) or "")


def test_only_statements_that_do_not_join_leave_a_gap() -> None:
    one = statement(balance("100"), balance("90", NEXT))
    before, after = (
        stored(1, balance("7"), balance("100")),
        stored(2, balance("90", NEXT), balance("1", NEXT)),
    )
    assert gaps(one, before, after) == gaps(one, None, None) == []
    assert (
        len(gaps(one, stored(3, balance("7"), balance("99")), stored(4, balance("91", NEXT), balance("1"))))
        == 2
    )


def test_statements_are_apart_that_join_in_a_chain() -> None:
    first, second = stored(1, balance("100"), balance("90")), stored(2, balance("90"), balance("80"))
    whole = stored(3, balance("100", date(2026, 3, 1)), balance("70"))
    third = statement(balance("80"), balance("70"))
    assert apart(third, [first, second, whole]) == {UUID(int=1), UUID(int=2)}
    assert apart(third, [first, whole]) == frozenset(), "without the second nobody knows"


def test_the_same_statement_in_another_format_is_not_apart_although_its_sum_is_nothing() -> None:
    netted = statement(balance("100"), balance("100"))
    assert apart(netted, [stored(1, balance("100"), balance("100"))]) == frozenset()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("CH9300762011623852957", "623852957", True),
        ("DE54512106009223382012", "51210600/9223382012", True),
        ("DE54512106009223382012", "99999999/9223382012", False),
        ("CH9300762011623852957", "52957", False),
        ("CH9300762011623852957", "CH5604835012345678009", False),
        ("623852957", "623852958", False),
    ],
)
def test_a_number_and_the_iban_of_which_it_is_the_end_are_the_same_account(
    one: str, other: str, same: bool
) -> None:
    assert same_account(one, other) is same_account(other, one) is same
