"""Files of the ECB and of the BAZG to rates; what is neither is refused with the reason."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.integrations.rates.core import Publication, Rate, WrongRate
from services.integrations.rates.readers.bazg import days_of
from services.integrations.rates.readers.rates import read_rates
from shared.errors import TagwerkError
from shared.words import RateSource
from tests.support.rates_files import BILLION_LAUGHS, XXE, bazg_file, ecb_file, ecb_history

WEEKEND = [date(2026, 3, 6), date(2026, 3, 7), date(2026, 3, 8)]


def values(publication: Publication) -> dict[tuple[str, str], str]:
    """(day, currency) -> value."""
    return {
        (rate.day.isoformat(), rate.currency): str(rate.value)
        for rate in publication.entries
        if isinstance(rate, Rate)
    }


def wrong(publication: Publication) -> list[WrongRate]:
    return [entry for entry in publication.entries if isinstance(entry, WrongRate)]


def refusal(content: bytes) -> str:
    with pytest.raises(TagwerkError) as caught:
        read_rates(content, "here")
    assert caught.value.failure.concern == "here"
    assert not caught.value.failure.retryable
    return caught.value.failure.code


def test_a_daily_file_of_the_ecb_has_one_rate_for_each_currency() -> None:
    publication = read_rates(ecb_file({"2026-03-06": {"USD": "1.0705", "HUF": "395.10"}}), "here")
    assert publication.source is RateSource.ECB
    assert values(publication) == {("2026-03-06", "USD"): "1.0705", ("2026-03-06", "HUF"): "395.1"}


def test_the_history_of_the_ecb_has_every_day() -> None:
    publication = read_rates(ecb_history(90), "here")
    assert len(publication.entries) == 90 * 30
    assert publication.first_day == date(2026, 3, 2)


def test_the_unit_of_the_bazg_is_divided_out() -> None:
    publication = read_rates(bazg_file("04.06.2026", [("1 EUR", "0.92526"), ("100 EGP", "1.66619")]), "here")
    assert publication.source is RateSource.BAZG
    assert values(publication) == {("2026-06-04", "EUR"): "0.92526", ("2026-06-04", "EGP"): "0.0166619"}


@given(
    st.decimals(min_value="0.00001", max_value="99999", places=5),
    st.sampled_from(["1", "10", "100", "1000"]),
)
def test_any_price_of_any_unit_is_read_exactly(price: Decimal, unit: str) -> None:
    (rate,) = read_rates(bazg_file("04.06.2026", [(f"{unit} XAF", format(price, "f"))]), "here").entries
    assert isinstance(rate, Rate)
    assert rate.value * Decimal(unit) == price


def test_before_a_weekend_a_rate_holds_for_each_of_its_days() -> None:
    publication = read_rates(bazg_file("06.03.2026,07.03.2026,08.03.2026", [("1 USD", "0.8")]), "here")
    assert [entry.day for entry in publication.entries] == WEEKEND


@pytest.mark.parametrize(
    "written",
    [
        "06.03.2026,07.03.2026,08.03.2026", "06.03.2026, 07.03.2026, 08.03.2026",
        "6.3.2026; 7.3.2026;8.3.2026",
        "06.03.2026 07.03.2026\n08.03.2026", "06.03.2026-08.03.2026", "06.03.2026 – 08.03.2026",
        "06.03.2026 bis 08.03.2026", "6.3.2026, 7.3.2026 - 8.3.2026",
        "06.03.2026,06.03.2026,07.03.2026,8.3.2026",
    ],
)  # fmt: skip
def test_a_validity_is_a_list_of_days_or_a_span(written: str) -> None:
    assert days_of(written, "here") == WEEKEND


@pytest.mark.parametrize(
    "written",
    [
        "", "today", "2026-03-06", "32.03.2026", "06.03.2026,", "06.03.2026/07.03.2026", "from 06.03.2026",
        "08.03.2026 - 06.03.2026", "06.03.2026 - 06.03.2036", "06.03.2026 or 07.03.2026", "06.03.20260",
    ],
)  # fmt: skip
def test_any_other_validity_is_refused_and_not_guessed(written: str) -> None:
    assert refusal(bazg_file(written, [("1 USD", "0.8")])) == "rates_malformed"


def test_one_wrong_entry_leaves_the_others() -> None:
    publication = read_rates(
        ecb_file({"2026-03-06": {"USD": "1.0705", "CHF": "n/a", "euro": "1", "": "2"}}), "here"
    )
    assert values(publication) == {("2026-03-06", "USD"): "1.0705"}
    assert [(entry.currency, entry.cause) for entry in wrong(publication)] == [
        ("CHF", "the rate 'n/a' is not a positive number"),
        ("euro", "'euro' is no currency"),
        ("", "'' is no currency"),
    ]
    record = wrong(publication)[0].record()
    assert record.failure is not None
    assert (record.key, record.failure.code) == ("rate:ecb:CHF:2026-03-06", "rate_invalid")


def test_a_unit_that_is_none_is_told_with_the_currency() -> None:
    publication = read_rates(
        bazg_file("04.06.2026", [("EGP", "1"), ("3 XAF", "1"), ("0 JPY", "1"), ("100 EUR", "x")]), "here"
    )
    assert [(entry.currency, entry.cause) for entry in wrong(publication)] == [
        ("EGP", "'EGP' is no number of a currency"),
        ("XAF", "1 divided by 3 does not end"),
        ("JPY", "the unit '0' is not a positive number"),
        ("EUR", "the rate 'x' is not a positive number"),
    ]


def test_other_namespaces_are_read_too() -> None:
    content = ecb_file({"2026-03-06": {"USD": "1.5"}}).replace(b"eurofxref'", b"eurofxref/2'")
    assert values(read_rates(content, "here")) == {("2026-03-06", "USD"): "1.5"}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"no xml", b"<a><b></a>", ecb_history(1)[:-30], b"<rates/>", b"<Envelope/>", b"\xff\xfe\x00",
        b"<?xml version='1.0' encoding='nonsense'?><Envelope/>",
        ecb_file({"yesterday": {"USD": "1"}}), bazg_file("04.06.2026", []), b"<wechselkurse/>",
    ],
)  # fmt: skip
def test_what_is_no_file_of_rates_is_malformed(content: bytes) -> None:
    assert refusal(content) == "rates_malformed"


@pytest.mark.parametrize("content", [XXE, BILLION_LAUGHS, b"<!DOCTYPE html><html/>"])
def test_entities_and_document_types_are_refused(content: bytes) -> None:
    assert refusal(content) == "rates_xml_unsafe"


@given(st.binary(max_size=200))
def test_no_content_raises_anything_but_a_refusal(content: bytes) -> None:
    assert refusal(content) in {"rates_malformed", "rates_xml_unsafe"}
