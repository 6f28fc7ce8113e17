"""Euro foreign exchange reference rates of the European Central Bank, daily file and history.

Format: `Envelope/Cube/Cube[@time]/Cube[@currency][@rate]`, one `Cube[@time]` a day, none on the holidays of
TARGET. 1 EUR costs `rate` of the currency.
Source: https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/
"""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from services.integrations.rates.core import CURRENCY, Publication, Rate, WrongRate, exact_rate, once_each
from services.integrations.rates.readers.document import local_name, malformed
from shared.words import RateSource

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ROOT = "Envelope"


def read(root: "Element", origin: str) -> Publication:
    """Every day of the file. Raises `rates_malformed` for a day that is none, or no day at all."""
    days = [element for element in root.iter() if local_name(element) == "Cube" and "time" in element.attrib]
    if not days:
        raise malformed(origin, "there is no day in it (`Cube` with `time`)")
    entries = [entry for element in days for entry in _entries(element, _day(element, origin))]
    return Publication(RateSource.ECB, once_each(entries))


def _day(element: "Element", origin: str) -> date:
    written = element.attrib["time"]
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise malformed(origin, f"the day {written[:40]!r} is no date") from None


def _entries(element: "Element", day: date) -> Iterator[Rate | WrongRate]:
    for cube in element:
        if local_name(cube) != "Cube":
            continue
        currency = cube.attrib.get("currency", "")
        try:
            if not CURRENCY.fullmatch(currency):
                raise ValueError(f"{currency[:40]!r} is no currency")
            value = exact_rate(cube.attrib.get("rate", ""))
        except ValueError as error:
            yield WrongRate(RateSource.ECB, currency[:20], day, str(error))
        else:
            yield Rate(RateSource.ECB, currency, day, value)
