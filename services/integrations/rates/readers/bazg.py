"""Daily exchange rates (selling) of the Swiss Federal Office for Customs and Border Security, BAZG.

Format: `wechselkurse` with `gueltigkeit`, the days on which the rates hold (several before a weekend), and
`devise` elements with `waehrung` (`1 EUR`, `100 EGP`) and `kurs`, the price of that many in CHF.
Source: https://www.rates.bazg.admin.ch/
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from services.integrations.rates.core import Publication, Rate, WrongRate, exact_rate, once_each
from services.integrations.rates.readers.document import local_name, malformed
from shared.words import RateSource

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ROOT: Final = "wechselkurse"

#: `100 EGP`.
_UNIT: Final = re.compile(r"(\d+) +([A-Z]{3})", re.ASCII)
_DATE: Final = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}", re.ASCII)
#: Between dates: a list, or from one to another.
_AND: Final = re.compile(r"\s*[,;]\s*|\s+")
_TO: Final = re.compile(r"\s*(?:-|\N{EN DASH}|bis|to)\s*")
#: Days that one file can hold for; the longest holidays with their weekends are shorter.
_LONGEST: Final = 31


def read(root: "Element", origin: str) -> Publication:
    """Every currency on every day of the validity. Raises `rates_malformed`."""
    days = days_of(_text(root, "gueltigkeit"), origin)
    currencies = [element for element in root if local_name(element) == "devise"]
    if not currencies:
        raise malformed(origin, "there is no currency in it (`devise`)")
    entries = [entry for day in days for element in currencies for entry in _entries(element, day)]
    return Publication(RateSource.BAZG, once_each(entries))


def days_of(written: str, origin: str) -> list[date]:
    """The days of a validity: `04.06.2026`, `05.06.2026,06.06.2026,07.06.2026` or `05.06.2026 - 07.06.2026`.

    Raises `rates_malformed`.
    """
    written = written.strip()
    dates = list(_DATE.finditer(written))
    wrong = malformed(origin, f"the validity {written[:100]!r} is no list of dates")
    if not dates or dates[0].start() != 0 or dates[-1].end() != len(written):
        raise wrong
    try:
        days = [datetime.strptime(found.group(), "%d.%m.%Y").date() for found in dates]  # noqa: DTZ007
    except ValueError:
        raise wrong from None
    valid = days[:1]
    for (one, other), day in zip(pairwise(dates), days[1:], strict=True):
        between = written[one.end() : other.start()]
        if _TO.fullmatch(between):
            count = (day - valid[-1]).days
            if not 0 <= count < _LONGEST:
                raise wrong
            valid += [valid[-1] + timedelta(days=number) for number in range(1, count + 1)]
        elif _AND.fullmatch(between):
            valid.append(day)
        else:
            raise wrong
    if len(valid) > _LONGEST:
        raise wrong
    return list(dict.fromkeys(valid))


def _entries(element: "Element", day: date) -> Iterator[Rate | WrongRate]:
    written = _text(element, "waehrung")
    unit = _UNIT.fullmatch(written)
    try:
        if unit is None:
            raise ValueError(f"{written[:40]!r} is no number of a currency")
        value = exact_rate(_text(element, "kurs"), unit[1])
    except ValueError as error:
        currency = unit[2] if unit else element.attrib.get("code", "").upper()
        yield WrongRate(RateSource.BAZG, currency[:20], day, str(error))
    else:
        yield Rate(RateSource.BAZG, unit[2], day, value)


def _text(element: "Element", name: str) -> str:
    """The text of the child `name`, without white space around it; empty if there is none."""
    for child in element:
        if local_name(child) == name:
            return (child.text or "").strip()
    return ""
