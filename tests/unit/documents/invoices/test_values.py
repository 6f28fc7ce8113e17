"""Amounts and dates in the forms of five languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.documents.invoices.values import amounts_in, dates_in


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("1'234.50", ["1234.50"]),
        ("CHF 1’234.50", ["1234.50"]),
        ("1.234,50 €", ["1234.50"]),
        ("1 234,50 €", ["1234.50"]),
        ("1\u202f234,50", ["1234.50"]),
        ("$1,234.50", ["1234.50"]),
        ("EUR 45", ["45.00"]),
        ("Fr. 1'200.–", ["1200.00"]),
        ("-7,67", ["-7.67"]),
        ("24.99 5.00 29.99", ["24.99", "5.00", "29.99"]),
        ("19,00 %", []),
        ("7.7% 155.55", ["155.55"]),
        ("12.03.2026", []),
        ("4711", []),
        ("1.2.3", []),
    ],
)
def test_an_amount_is_read_as_it_is_written(text: str, amounts: list[str]) -> None:
    assert amounts_in(text) == amounts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12.03.2026", "2026-03-12"),
        ("12.3.26", "2026-03-12"),
        ("2026-03-12", "2026-03-12"),
        ("12. März 2026", "2026-03-12"),
        ("1er mars 2026", "2026-03-01"),
        ("2 Juillet 2015", "2015-07-02"),
        ("12 marzo 2026", "2026-03-12"),
        ("19 april 2014", "2014-04-19"),
        ("August 3 , 2014", "2014-08-03"),
        ("Jan 31, 2022", "2022-01-31"),
        ("03/25/2026", "2026-03-25"),
    ],
)
def test_a_date_is_read_as_it_is_written(text: str, found: str) -> None:
    assert [(value, ambiguous) for value, ambiguous, _ in dates_in(text)] == [(found, False)]


def test_a_date_that_may_be_american_is_said_to_be_ambiguous() -> None:
    assert list(dates_in("03/04/2026")) == [("2026-04-03", True, 0)]


@pytest.mark.parametrize("text", ["31.02.2026", "99.99.2026", "1.2", "192.168.10.20"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert list(dates_in(text)) == []


@given(st.decimals(min_value=0, max_value=9_999_999, places=2))
def test_every_amount_is_read_in_every_form(amount: object) -> None:
    plain = f"{amount:.2f}"
    swiss = f"{amount:,.2f}".replace(",", "'")
    german = f"{amount:,.2f}".replace(",", "x").replace(".", ",").replace("x", ".")
    for form in (plain, swiss, german, f"{amount:,.2f}"):
        assert amounts_in(f"Total {form}") == [plain], form
