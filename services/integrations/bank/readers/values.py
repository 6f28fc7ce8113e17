"""Amounts, dates and account numbers as banks write them, exactly or not at all. Pure.

Runs in the reading child too, so nothing here imports pydantic.
"""

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from shared.identifiers import is_iban

#: ISO 20022 ActiveOrHistoricCurrencyAndAmount: up to 18 digits, 5 of them decimals; some banks write more.
_AMOUNT: Final = re.compile(r"\+?(\d{1,18}(\.\d{0,10})?|\.\d{1,10})", re.ASCII)
#: SWIFT `15d`: a comma for decimals, also at the end; some banks write a point.
_SWIFT_AMOUNT: Final = re.compile(r"\d{1,18}([,.]\d{0,10})?", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
#: Characters of free text that are kept of one transaction.
TEXT_LIMIT: Final = 4_000


class WrongValue(ValueError):
    """A value that cannot be what its place wants; the message says which and why."""


def amount_of(written: str | None, what: str = "amount") -> Decimal:
    """A number without a sign, as XML writes it. Raises `WrongValue`."""
    text = (written or "").strip()
    if not _AMOUNT.fullmatch(text):
        raise WrongValue(f"the {what} {text[:40]!r} is no number without a sign")
    return Decimal(text)


def signed(written: str, mark: str | None, what: str) -> Decimal:
    """An amount with the sign that `CdtDbtInd` gives it. Raises `WrongValue`."""
    value = amount_of(written, "amount" if what == "entry" else what)
    if mark == "CRDT":
        return value
    if mark == "DBIT":
        return -value
    raise WrongValue(f"the {what} has no sign: CdtDbtInd is {mark!r} instead of CRDT or DBIT")


def swift_amount(written: str) -> Decimal:
    """`1234,5`, `100,` or `1234.56`. Raises `WrongValue`."""
    text = written.strip()
    if not _SWIFT_AMOUNT.fullmatch(text):
        raise WrongValue(f"the amount {text[:40]!r} is no number")
    return Decimal(text.replace(",", "."))


def currency_of(written: str | None, what: str = "currency") -> str:
    """ISO 4217, three capital letters. Raises `WrongValue`."""
    text = (written or "").strip()
    if not _CURRENCY.fullmatch(text):
        raise WrongValue(f"the {what} {text[:20]!r} is no currency")
    return text


@lru_cache(maxsize=1_000)
def day_of(written: str | None, what: str = "date") -> str:
    """The day of an ISO date or date and time, as the bank writes it: no time zone is applied, since the
    bank books by its own calendar. Raises `WrongValue`."""
    text = (written or "").strip()
    if not _DAY.match(text) or (len(text) > 10 and text[10] not in "T+-Z "):
        raise WrongValue(f"the {what} {text[:40]!r} is no date")
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise WrongValue(f"the {what} {text[:40]!r} is no day of the calendar") from None


def swift_day(written: str, what: str = "date") -> date:
    """`YYMMDD`; years from 80 on are of the last century. Raises `WrongValue`."""
    try:
        year, month, day = int(written[:2]), int(written[2:4]), int(written[4:6])
        return date(year + (1900 if year >= 80 else 2000), month, day)
    except ValueError:
        raise WrongValue(f"the {what} {written[:20]!r} is no day of the calendar") from None


def entry_day(written: str, valued: date) -> date:
    """`MMDD` in the year that brings it nearest to the value date. Raises `WrongValue`."""
    try:
        month, day = int(written[:2]), int(written[2:4])
        days = [date(year, month, day) for year in _years_around(valued, month, day)]
    except ValueError:
        raise WrongValue(f"the entry date {written!r} is no day of the calendar") from None
    if not days:
        raise WrongValue(f"the entry date {written!r} is no day of the calendar")
    return min(days, key=lambda one: abs((one - valued).days))


def _years_around(valued: date, month: int, day: int) -> list[int]:
    leap = month == 2 and day == 29
    years = [valued.year - 1, valued.year, valued.year + 1]
    return [year for year in years if not leap or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))]


def plain(value: Decimal) -> str:
    """The same number without an exponent and without zeros at the end of its decimals."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def cut(text: str | None) -> str | None:
    """Free text, as much of it as is kept."""
    return text if text is None or len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


@lru_cache(maxsize=10_000)
def account_of(written: str) -> str:
    """An account number in one spelling: capital letters without blanks; an IBAN where it is one or can be
    made: `50880050/0194777100888` is the German bank and account number of which the IBAN consists.

    The currency that some banks append is cut off (`CH93…957CHF`, `129199348EUR`).
    """
    bare = re.sub(r"[\s.\-]", "", written).upper()
    for candidate in (bare, re.sub(r"/?[A-Z]{3}$", "", bare)):
        if is_iban(candidate):
            return candidate
    bare = re.sub(r"(?<=\d)/?[A-Z]{3}$", "", bare)
    if german := re.fullmatch(r"(\d{8})/0*(\d{1,10})", bare, re.ASCII):
        return _with_checksum("DE", german[1] + german[2].zfill(10))
    # The bank's BIC or name before the number, as Dutch banks write it.
    tail = re.fullmatch(r"[A-Z]+[A-Z0-9]*/(.+)", bare)
    return tail[1] if tail and (is_iban(tail[1]) or tail[1].isdigit()) else bare


def _with_checksum(country: str, bban: str) -> str:
    digits = "".join(str(int(sign, 36)) for sign in f"{bban}{country}00")
    return f"{country}{98 - int(digits) % 97:02d}{bban}"
