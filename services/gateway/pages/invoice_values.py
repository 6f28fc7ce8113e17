"""Values of an invoice as people write and read them. Pure."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from services.gateway.pages.languages import N_

AMOUNTS: Final = frozenset({"net_amount", "vat_amount", "gross_amount", "payable_amount"})
DATES: Final = frozenset({"invoice_date", "due_date"})
_GROUPED: Final = frozenset({"iban", "reference"})

AMBIGUOUS: Final = N_("This may be read in two ways; write it with two decimals, such as 1234.00.")
NO_AMOUNT: Final = N_("This is no amount; write it such as 1234.50.")

#: What stands between thousands besides a point or comma: apostrophes and spaces of every kind.
_BETWEEN: Final = re.compile(r"['\u2018\u2019\s]")
_QR_REFERENCE: Final = re.compile(r"[0-9]{27}")
_CREDITOR_REFERENCE: Final = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")


def grouped(name: str, value: str) -> str:
    """IBANs and creditor references in groups of four, QR references in two digits and groups of five, as
    they are printed; anything else as it stands."""
    if name == "iban" or (name == "reference" and _CREDITOR_REFERENCE.fullmatch(value)):
        return _groups(value, 4)
    if name == "reference" and _QR_REFERENCE.fullmatch(value):
        return f"{value[:2]} {_groups(value[2:], 5)}"
    return value


def amount_typed(said: str) -> str:
    """`1'234.50`, `1.234,50` and `1 234,5` as `1234.50`, for every reader the same. Raises `ValueError` with
    a message: a lone point or comma before three digits may part thousands or decimals."""
    text = _BETWEEN.sub("", said).replace("\u2212", "-")
    match = re.fullmatch(
        r"(-?)([0-9]+|[0-9]{1,3}(?:([.,])[0-9]{3})(?:\3[0-9]{3})*)(?:([.,])([0-9]{1,2}))?", text
    )
    if match is None or (match[3] is not None and match[3] == match[4]):
        raise ValueError(NO_AMOUNT)
    if match[4] is None and len(re.findall(r"[.,]", text)) == 1:
        raise ValueError(AMBIGUOUS)
    whole = re.sub(r"[.,]", "", match[2])
    return f"{match[1]}{whole}.{(match[5] or '').ljust(2, '0')}"


def understood(name: str, said: str) -> str:
    """What a person typed, as it is sent. Days that are written in another way than `31.12.2026` are left to
    the documents service, which refuses those that may be read in two ways. Raises `ValueError`."""
    value = said.strip()
    if not value:
        return ""
    if name in AMOUNTS:
        return amount_typed(value)
    if name in DATES and (match := re.fullmatch(r"([0-9]{1,2})\.\s?([0-9]{1,2})\.\s?([0-9]{4})", value)):
        try:
            return date(int(match[3]), int(match[2]), int(match[1])).isoformat()
        except ValueError:
            return value
    return re.sub(r"\s", "", value) if name in _GROUPED else value


def corrections(typed: Mapping[str, str]) -> tuple[dict[str, str | None], dict[str, str]]:
    """The fields that differ from what the form showed, None for one that was emptied; and what is wrong with
    those that nobody understands: messages."""
    changed: dict[str, str | None] = {}
    wrong: dict[str, str] = {}
    for key, said in typed.items():
        name = key.removeprefix("is.")
        was = typed.get(f"was.{name}", "")
        if name == key or said.strip() == was.strip():
            continue
        try:
            value = understood(name, said)
        except ValueError as error:
            wrong[name] = str(error)
            continue
        if value != _as_it_was(name, was):
            changed[name] = value or None
    return changed, wrong


def _as_it_was(name: str, was: str) -> str:
    """What was read may be no amount at all."""
    try:
        return understood(name, was)
    except ValueError:
        return was


def _groups(value: str, size: int) -> str:
    return " ".join(value[at : at + size] for at in range(0, len(value), size))
