"""Numbers are exact, keys are unique, and an outcome is relative to the run."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.integrations.rates.core import (
    BATCH,
    Rate,
    StoredRate,
    WrongRate,
    batches,
    exact_rate,
    judge,
    once_each,
)
from shared.ids import new_id
from shared.words import Outcome, RateSource

DAY = date(2026, 3, 6)
amounts = st.decimals(min_value="0.000001", max_value="99999999", places=6, allow_nan=False)


def usd(value: str) -> Rate:
    return Rate(RateSource.ECB, "USD", DAY, Decimal(value))


@given(amounts, st.sampled_from(["1", "10", "100", "1000", "10000"]))
def test_a_unit_is_divided_out_without_a_rest(amount: Decimal, unit: str) -> None:
    one = exact_rate(format(amount, "f"), unit)
    assert one * Decimal(unit) == amount
    rate = Rate(RateSource.BAZG, "XAF", DAY, one)
    told = rate.as_told().model_dump(mode="json")["rate"]
    assert Decimal(told) == one
    assert "E" not in told
    assert rate.sentence == f"1 XAF = {told} CHF"


@given(st.text(max_size=12))
def test_whatever_is_written_is_an_exact_positive_number_or_refused(written: str) -> None:
    try:
        rate = exact_rate(written)
    except ValueError:
        return
    assert rate > 0
    assert rate == Decimal(written)


@pytest.mark.parametrize(
    "written",
    ["", "0", "0.000", "-1", "+1", "1e5", "1,5", "1'000.5", "NaN", "Infinity", "١", "1.", ".5", " 1", "1_0"],
)
def test_what_is_no_plain_positive_number_is_no_rate(written: str) -> None:
    with pytest.raises(ValueError, match="is not a positive number"):
        exact_rate(written)


@pytest.mark.parametrize("unit", ["0", "x", "-100"])
def test_a_unit_has_to_be_a_positive_number(unit: str) -> None:
    with pytest.raises(ValueError, match="the unit"):
        exact_rate("1.5", unit)


def test_a_quotient_that_does_not_end_is_refused_and_not_rounded() -> None:
    with pytest.raises(ValueError, match="does not end"):
        exact_rate("1", "3")


def test_zeros_at_the_end_make_no_difference() -> None:
    assert str(exact_rate("395.10")) == "395.1"
    assert str(exact_rate("100.00")) == "100"


def test_the_pair_says_which_currency_costs_what() -> None:
    assert usd("1.0705").sentence == "1 EUR = 1.0705 USD"
    assert Rate(RateSource.BAZG, "EGP", DAY, Decimal("0.0166619")).sentence == "1 EGP = 0.0166619 CHF"
    assert usd("1").key == "rate:ecb:USD:2026-03-06"


def test_the_same_value_twice_is_one_rate_and_two_values_are_none() -> None:
    assert once_each([usd("1.5"), usd("1.50")]) == (usd("1.5"),)
    (wrong,) = once_each([usd("1.5"), usd("1.6"), usd("1.5")])
    assert isinstance(wrong, WrongRate)
    assert wrong.cause == "the publication gives both 1.5 and 1.6"


@pytest.mark.parametrize("turned", [False, True])
def test_a_rate_and_a_wrong_one_for_the_same_day_are_wrong(turned: bool) -> None:
    pair: list[Rate | WrongRate] = [usd("1.5"), WrongRate(RateSource.ECB, "USD", DAY, "no number")]
    (wrong,) = once_each(reversed(pair) if turned else pair)
    assert isinstance(wrong, WrongRate)


@given(st.integers(min_value=0, max_value=3 * BATCH))
def test_batches_lose_nothing_and_keep_the_order(count: int) -> None:
    rates = [usd("1")] * count
    parts = list(batches(rates))
    assert [rate for part in parts for rate in part] == rates
    assert all(0 < len(part) <= BATCH for part in parts)


def test_a_new_rate_is_created_and_in_the_next_run_unchanged() -> None:
    run = new_id()
    first = judge(usd("1.5"), None, run)
    assert (first.record.outcome, first.write, first.before) == (Outcome.CREATED, True, None)
    stored = StoredRate(Decimal("1.5"), None, run)
    again = judge(usd("1.50"), stored, new_id())
    assert (again.record.outcome, again.write) == (Outcome.UNCHANGED, False)


def test_what_an_earlier_attempt_of_the_run_did_is_still_told_as_done() -> None:
    run = new_id()
    created = judge(usd("1.5"), StoredRate(Decimal("1.5"), None, run), run)
    assert (created.record.outcome, created.write) == (Outcome.CREATED, False)
    updated = judge(usd("1.5"), StoredRate(Decimal("1.5"), Decimal("1.4"), run), run)
    assert (updated.record.outcome, updated.write) == (Outcome.UPDATED, False)
    assert updated.record.changes == {"rate": ("1.4", "1.5")}


def test_another_value_is_updated_with_before_and_after() -> None:
    judged = judge(usd("1.6"), StoredRate(Decimal("1.5"), Decimal("1.4"), new_id()), new_id())
    assert (judged.record.outcome, judged.write, judged.before) == (Outcome.UPDATED, True, Decimal("1.5"))
    assert judged.record.changes == {"rate": ("1.5", "1.6")}


def test_a_source_that_changes_between_two_attempts_is_told_from_before_the_run() -> None:
    run = new_id()
    judged = judge(usd("1.7"), StoredRate(Decimal("1.6"), Decimal("1.5"), run), run)
    assert (judged.write, judged.before) == (True, Decimal("1.5"))
    assert judged.record.changes == {"rate": ("1.5", "1.7")}
    back = judge(usd("1.5"), StoredRate(Decimal("1.6"), Decimal("1.5"), run), run)
    assert (back.record.outcome, back.write) == (Outcome.UNCHANGED, True)
