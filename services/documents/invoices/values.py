"""Amounts and dates as they are written in German, French, Italian, Dutch and English."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Final

#: Characters that group thousands: space, no-break and narrow spaces, apostrophes (U+0027, U+2019) and what
#: recognition makes of them.
_GROUPING: Final = " \u00a0\u202f\u2009'’`´"
_AMOUNT: Final = re.compile(
    rf"(?:(?<![\w.,/-])|(?<=EUR)|(?<=CHF)|(?<=USD)|(?<=GBP))(?P<minus>[-−–]\s?)?"
    rf"(?P<whole>\d{{1,3}}(?:[{_GROUPING}.,]\d{{3}})+|\d+)"
    r"(?:(?P<cents>[.,]\d{2})|[.,](?P<none>[-–—]{1,2}))"
    r"(?![\d%]|[.,/]\d|\s?%)"
)
#: A whole number counts as an amount only beside its currency.
_BESIDE_CURRENCY: Final = re.compile(
    r"(?<![\w.,])(?P<before>€|\$|£|EUR|CHF|USD|GBP|Fr\.)\s?(?P<first>\d{1,7})(?![\d.,'’]|\s?%)"
    r"|(?<![\w.,'’])(?P<second>\d{1,7})\s?(?P<after>€|EUR\b|CHF\b|USD\b|GBP\b)"
)

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "januar january janvier gennaio januari jan jän jänner janv gen",
            "februar february février fevrier febbraio februari feb févr fév",
            "märz maerz march mars marzo maart mar mrz mär mrt",
            "april avril aprile apr avr",
            "mai may maggio mei mag",
            "juni june juin giugno jun giu",
            "juli july juillet luglio jul juil lug",
            "august août aout agosto augustus aug ago",
            "september septembre settembre sep sept set",
            "oktober october octobre ottobre okt oct ott",
            "november novembre nov",
            "dezember december décembre decembre dicembre dez dec déc dic",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE: Final = re.compile(
    r"(?<![\d.,/-])(?:"
    r"(?P<y1>(?:19|20)\d\d)(?P<s1>[-/.])(?P<m1>\d{1,2})(?P=s1)(?P<d1>\d{1,2})"
    r"|(?P<a2>\d{1,2})(?P<s2>\s?[./-]\s?)(?P<b2>\d{1,2})(?P=s2)(?P<y2>(?:19|20)?\d\d)"
    rf"|(?P<d3>\d{{1,2}})(?:\.|er|°|º|st|nd|rd|th)?[\s-]*(?P<m3>{_MONTH})\.?,?[\s-]*(?P<y3>(?:19|20)\d\d)"
    rf"|(?<![a-zäöü])(?P<m4>{_MONTH})\.?\s*(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?\s*,?\s*(?P<y4>(?:19|20)\d\d)"
    r")(?!\d)",
    re.IGNORECASE,
)


def amounts_in(text: str) -> list[str]:
    """Every amount in `text`, in its order, as `1234.50`. A number without decimals is none, unless its
    currency stands beside it."""
    found: list[tuple[int, str]] = []
    for match in _AMOUNT.finditer(text):
        whole = re.sub(r"\D", "", match["whole"])
        cents = (match["cents"] or ".00")[1:]
        found.append((match.start(), f"{'-' if match['minus'] else ''}{int(whole)}.{cents}"))
    for match in _BESIDE_CURRENCY.finditer(text):
        found.append((match.start(), f"{int(match['first'] or match['second'])}.00"))
    return [value for _, value in sorted(found)]


def dates_in(text: str, american: bool | None = None) -> Iterator[tuple[str, bool, int]]:
    """Every date in `text` as (ISO date, whether it could be read as another one, position).

    `03/04/2026` is 3 April in most of the world and 4 March in the United States: `american` says which, and
    where it is not known, the former is taken and said to be ambiguous. Dots are never American.
    """
    for match in _DATE.finditer(text):
        ambiguous = False
        if match["y1"]:
            parts = (match["y1"], match["m1"], match["d1"])
        elif match["y2"]:
            day, month = int(match["a2"]), int(match["b2"])
            if month > 12 >= day or (american and "/" in match["s2"] and day <= 12):
                day, month = month, day
            elif american is None and day <= 12 and day != month and "/" in match["s2"]:
                ambiguous = True
            parts = (match["y2"], str(month), str(day))
        elif match["y3"]:
            parts = (match["y3"], str(_MONTHS[match["m3"].lower()]), match["d3"])
        else:
            parts = (match["y4"], str(_MONTHS[match["m4"].lower()]), match["d4"])
        year = int(parts[0])
        try:
            found = date(year + 2000 if year < 100 else year, int(parts[1]), int(parts[2]))
        except ValueError:
            continue
        yield found.isoformat(), ambiguous, match.start()


#: Where dates are not American: other languages, VAT, currencies and accounts of other countries.
_ELSEWHERE: Final = re.compile(
    r"\b(?:rechnung|datum|facture|[ée]ch[ée]ance|fattura|scadenza|factuur|VAT|MwSt|TVA|IVA|"
    r"IBAN|GBP|CHF)\b|[€£]",
    re.IGNORECASE,
)
_AMERICA: Final = re.compile(
    r"\b[A-Z]{2}\s\d{5}(?:-\d{4})?\b|\bsales\s+tax\b|\bEIN\b|\bABA\b|\brouting\s+number\b"
)


def is_american(texts: Iterable[str]) -> bool | None:
    """Whether a document writes the month first; None if nothing tells. A date that can only be read one way
    tells it of all, then the language, then the address."""
    text = "\n".join(texts)
    orders = set()
    for match in _DATE.finditer(text):
        if match["y2"] and "/" in match["s2"]:
            first, second = int(match["a2"]), int(match["b2"])
            if first > 12 >= second:
                orders.add(False)
            elif second > 12 >= first:
                orders.add(True)
    if len(orders) == 1:
        return orders.pop()
    if orders or (_ELSEWHERE.search(text) and _AMERICA.search(text)):
        return None
    if _ELSEWHERE.search(text):
        return False
    return True if _AMERICA.search(text) else None


def money(value: str) -> Decimal:
    """A normalized amount as a number."""
    return Decimal(value)


def written(amount: Decimal) -> str:
    """A number as an amount is kept: two decimals, more only if there are more."""
    exact = amount.normalize()
    exponent = exact.as_tuple().exponent
    return f"{amount:.2f}" if not isinstance(exponent, int) or exponent >= -2 else f"{exact:f}"
