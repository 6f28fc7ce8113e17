"""Which rule decides, over currencies and without knowing all, and by when."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.documents.approvals.currencies import Converted, KnownRate, convert
from services.documents.approvals.rules import (
    DEFAULT_RULES,
    AmountLimits,
    Rule,
    Subject,
    business_days,
    demand_for,
    due_for,
)
from shared.words import RateSource

TODAY = date(2026, 3, 12)  # a Thursday
OFFICE = Rule(
    "printing", "office", clients=frozenset({"muster-ag"}), supplier_names=("Nordlicht*",),
    amount=AmountLimits("CHF", below=Decimal(500)), cost_center="4400",
)  # fmt: skip
RULES = (OFFICE, *DEFAULT_RULES)


def no_rate(amount: Decimal, currency: str, wanted: str) -> Converted | None:
    return Converted(amount) if currency == wanted else None


def subject(amount: str | None = "100.00", currency: str | None = "CHF", **changes: object) -> Subject:
    fields = {"client": "muster-ag", "supplier_name": "nordlicht druck gmbh", **changes}
    return Subject(amount=Decimal(amount) if amount else None, currency=currency, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("about", "rule"),
    [
        (subject(), "printing"),
        (subject("499.99"), "printing"),
        (subject("500.00"), "every other invoice"),
        (subject(client="other"), "every other invoice"),
        (subject(supplier_name="Südlicht"), "every other invoice"),
        (subject("4999.99"), "every other invoice"),
        (subject("5000.00"), "four eyes from 5000 CHF"),
    ],
)
def test_the_first_rule_that_fits_decides(about: Subject, rule: str) -> None:
    demand = demand_for(about, RULES, no_rate, TODAY)
    assert (demand.rule, demand.note) == (rule, None)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (subject("100.00", "USD", client="x"), "there is no rate to compare USD with CHF"),
        (subject(None, "CHF", client="x"), "the amount or its currency is not known"),
        (subject("100.00", None, client="x"), "the amount or its currency is not known"),
    ],
)
def test_what_cannot_be_compared_gets_the_strictest_rule_that_may_be_meant(about: Subject, said: str) -> None:
    demand = demand_for(about, RULES, no_rate, TODAY)
    assert (demand.rule, demand.approvals) == ("four eyes from 5000 CHF", 2)
    assert demand.note == f"{said}; the strictest of the rules that may be meant applies"


def test_an_amount_is_compared_by_the_rate_and_the_approval_says_by_which() -> None:
    def rate(amount: Decimal, currency: str, wanted: str) -> Converted:
        return Converted(amount * Decimal("0.9"), "BAZG, 2026-03-11")

    demand = demand_for(subject("6000.00", "USD", client="x"), RULES, rate, TODAY)
    assert demand.rule == "four eyes from 5000 CHF"
    assert demand.note == "6000.00 USD are 5400.00 CHF (BAZG, 2026-03-11)"


def test_a_cost_center_of_the_invoice_goes_before_that_of_the_rule() -> None:
    assert demand_for(subject(), RULES, no_rate, TODAY).cost_center == "4400"
    assert demand_for(subject(cost_center="1500"), RULES, no_rate, TODAY).cost_center == "1500"


@pytest.mark.parametrize(
    ("due_date", "due"),
    [
        (date(2026, 4, 10), date(2026, 4, 7)),
        (date(2026, 3, 30), date(2026, 3, 25)),
        (date(2026, 3, 13), TODAY),
        (date(2020, 1, 1), TODAY),
        (None, date(2026, 3, 19)),
    ],
)
def test_an_approval_is_due_before_the_payment_and_never_in_the_past(
    due_date: date | None, due: date
) -> None:
    assert due_for(due_date, DEFAULT_RULES[-1], TODAY) == due


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(-60, 60))
def test_business_days_end_on_one_and_count_every_one_between(start: date, count: int) -> None:
    end = business_days(start, count)
    assert count == 0 or end.weekday() < 5
    step = 1 if count > 0 else -1
    days = [start + timedelta(days=step * number) for number in range(1, abs((end - start).days) + 1)]
    assert sum(day.weekday() < 5 for day in days) == abs(count)


def known(source: RateSource, base: str, quote: str, rate: str, day: str) -> KnownRate:
    return KnownRate(source, date.fromisoformat(day), base, quote, Decimal(rate))


RATES = [
    known(RateSource.ECB, "EUR", "USD", "1.10", "2026-03-11"),
    known(RateSource.ECB, "EUR", "USD", "1.20", "2026-03-13"),
    known(RateSource.ECB, "EUR", "CHF", "0.95", "2026-03-10"),
    known(RateSource.ECB, "EUR", "GBP", "0.85", "2026-03-11"),
    known(RateSource.BAZG, "USD", "CHF", "0.88", "2026-03-12"),
]


@pytest.mark.parametrize(
    ("amount", "currency", "wanted", "value", "by"),
    [
        ("5", "CHF", "CHF", "5", None),
        # BAZG first where francs are on one side; its rate is the price of one.
        ("100", "USD", "CHF", "88.00", "BAZG, 2026-03-12"),
        # The ECB where BAZG has none.
        ("100", "EUR", "CHF", "95.00", "ECB, 2026-03-10"),
        # The rate of tomorrow does not count, and the older of two rates is told.
        ("110", "USD", "EUR", "100", "ECB, 2026-03-11"),
        ("110", "USD", "GBP", "85.00", "ECB, 2026-03-11"),
        ("85", "GBP", "CHF", "95.00", "ECB, 2026-03-10"),
    ],
)
def test_amounts_are_converted_by_the_newest_rate_up_to_the_day(
    amount: str, currency: str, wanted: str, value: str, by: str | None
) -> None:
    converted = convert(Decimal(amount), currency, wanted, TODAY, RATES)
    assert converted is not None
    assert (converted.amount, converted.by) == (Decimal(value), by)


def test_without_a_rate_there_is_no_amount() -> None:
    assert convert(Decimal(1), "SEK", "CHF", TODAY, RATES) is None
    assert convert(Decimal(1), "USD", "CHF", date(2026, 3, 9), RATES) is None
