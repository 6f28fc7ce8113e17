"""Files that the sources really published."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from services.integrations.rates.core import Rate
from services.integrations.rates.readers.rates import read_rates
from shared.errors import TagwerkError


def some_of(corpus: Path, pattern: str) -> list[Path]:
    found = sorted(corpus.glob(pattern))
    if not found:
        pytest.skip(f"no samples {pattern} in {corpus}")
    return found


def rates_of(file: Path) -> dict[str, Rate]:
    entries = read_rates(file.read_bytes(), file.name).entries
    assert all(isinstance(entry, Rate) for entry in entries), "no entry of a real file is wrong"
    return {entry.key: entry for entry in entries if isinstance(entry, Rate)}


def test_a_day_of_the_ecb_is_read_whole(corpus: Path) -> None:
    (file,) = some_of(corpus, "rates/eurofxref-daily_2024-06-28.xml")
    rates = rates_of(file)
    assert len(rates) == 30
    assert {rate.day for rate in rates.values()} == {date(2024, 6, 28)}
    for currency, value in {"USD": "1.0705", "HUF": "395.1", "IDR": "17487.21", "CHF": "0.9634"}.items():
        assert rates[f"rate:ecb:{currency}:2024-06-28"].value == Decimal(value)
    written = file.read_text()
    assert all(f"currency='{rate.currency}'" in written for rate in rates.values())


def test_a_day_of_the_bazg_is_read_with_its_units_divided_out(corpus: Path) -> None:
    (file,) = some_of(corpus, "rates/bazg_xmldaily_2026-06-03_trimmed.xml")
    assert {key: str(rate.value) for key, rate in rates_of(file).items()} == {
        "rate:bazg:EUR:2026-06-04": "0.92526",
        "rate:bazg:USD:2026-06-04": "0.79588",
        "rate:bazg:EGP:2026-06-04": "0.0166619",
    }


@pytest.mark.parametrize("name", ["laughs.xml", "xxe.xml"])
def test_hostile_xml_is_refused(corpus: Path, name: str) -> None:
    (file,) = some_of(corpus, f"hostile/{name}")
    with pytest.raises(TagwerkError) as caught:
        read_rates(file.read_bytes(), name)
    assert caught.value.failure.code == "rates_xml_unsafe"
