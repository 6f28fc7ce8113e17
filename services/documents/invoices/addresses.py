"""Structured addresses, as payment files want them: street and number apart, where that is certain."""

import re
from collections.abc import Iterator
from typing import Final

#: `Musterstrasse 12a`: in these countries the number stands behind the street.
_NUMBER_BEHIND: Final = frozenset(
    {"CH", "LI", "DE", "AT", "IT", "NL", "ES", "PL", "CZ", "DK", "SE", "NO", "FI"}
)
#: `12 rue du Lac`: and in these before it; in Switzerland as well.
_NUMBER_BEFORE: Final = frozenset({"FR", "LU", "BE", "GB", "IE", "US", "CH"})
_BEHIND: Final = re.compile(
    r"(?P<street>\D*[^\d\s,]),?\s+(?P<number>\d{1,5}\s?[a-zA-Z]?(?:\s?[-/+]\s?\d{1,4}\s?[a-zA-Z]?)?)"
)
_BEFORE: Final = re.compile(r"(?P<number>\d{1,5}(?:\s?(?:bis|ter|[a-zA-Z]))?),?\s+(?P<street>[^\d\s]\D*)")
_TOWN: Final = re.compile(
    r"(?:(?P<country>[A-Z]{1,2})[ -])?(?P<code>\d{4,5})\s+(?P<town>\D{2,}?(?:\s\d{1,2})?)"
)


def address_fields(
    street: str, postal_code: str, town: str, country: str, number: str = ""
) -> Iterator[tuple[str, str]]:
    """The fields of the payee's address. A number in the street is taken out of it where it is surely one."""
    if not number:
        street, number = split_street(street, country.strip().upper())
    yield "payee_street", street
    yield "payee_building_number", number
    yield "payee_postal_code", postal_code
    yield "payee_town", town
    yield "payee_country", country


def split_street(line: str, country: str) -> tuple[str, str]:
    """`("Gasse", "1a")` of `Gasse 1a`; the whole line and nothing where it is not certain."""
    line = " ".join(line.split())
    if country in _NUMBER_BEHIND and (match := _BEHIND.fullmatch(line)):
        return match["street"].rstrip(" ,"), match["number"]
    if country in _NUMBER_BEFORE and (match := _BEFORE.fullmatch(line)):
        return match["street"], match["number"]
    return line, ""


def split_town(line: str) -> tuple[str, str] | None:
    """`("8000", "Zürich")` of `CH-8000 Zürich`; None where it is not certain."""
    match = _TOWN.fullmatch(" ".join(line.split()))
    return None if match is None else (match["code"], match["town"])
