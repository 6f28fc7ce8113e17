"""Payment codes: the Swiss QR-bill and the GiroCode, from the text of a QR code to candidates.

Swiss Implementation Guidelines QR-bill 2.x (SIX): 31 lines and more, the first three `SPC`, `0200`, `1`.
GiroCode: EPC069-12, `BCD`, version 001 or 002, service `SCT`.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from services.documents.invoices.addresses import address_fields, split_town
from services.documents.invoices.values import written
from services.documents.invoices.words import Box, Candidate

#: Lines of a QR-bill, counted from 0.
_QR_IBAN, _QR_CREDITOR_TYPE, _QR_CREDITOR, _QR_AMOUNT, _QR_CURRENCY = 3, 4, 5, 18, 19
_QR_DEBTOR, _QR_REFERENCE_TYPE, _QR_REFERENCE, _QR_MESSAGE, _QR_BILLING = 21, 27, 28, 29, 31
_QR_LINES: Final = 29
_EPC_LINES: Final = 7
#: `0:30`, no discount within 30 days.
_NET_TERMS: Final = re.compile(r"0(?:\.0+)?:(\d{1,3})")
#: A code carries its own error correction: what is read is what was printed.
_CONFIDENCE: Final = 99.0


def read_code(text: str, page: int, box: Box | None) -> list[Candidate]:
    """What a code says; an empty list if it is none of a payment."""
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    if lines[:1] == ["SPC"] and len(lines) >= _QR_LINES:
        pairs, source = list(_qr_bill(lines)), "qr_bill"
    elif lines[:1] == ["BCD"] and len(lines) >= _EPC_LINES and lines[3] == "SCT":
        pairs, source = list(_girocode(lines)), "girocode"
    else:
        return []
    return [
        Candidate(
            field, value, source, _CONFIDENCE, page, box,
            # Of all that a code says, only the due date is computed.
            derived="invoice date and days to pay stand in the QR-bill" if field == "due_date" else None,
        )
        for field, value in pairs
        if value.strip()
    ]  # fmt: skip


def _qr_bill(lines: list[str]) -> Iterator[tuple[str, str]]:
    lines = [*lines, *[""] * 8]
    yield "iban", _compact(lines[_QR_IBAN])
    yield "issuer_name", lines[_QR_CREDITOR]
    yield "payee_name", lines[_QR_CREDITOR]
    yield from _creditor_address(lines[_QR_CREDITOR_TYPE], lines[_QR_CREDITOR + 1 : _QR_CREDITOR + 6])
    yield "payable_amount", _amount(lines[_QR_AMOUNT])
    yield "currency", lines[_QR_CURRENCY]
    yield "recipient_name", lines[_QR_DEBTOR]
    if lines[_QR_REFERENCE_TYPE] in ("QRR", "SCOR"):
        yield "reference", _compact(lines[_QR_REFERENCE])
    yield "message", lines[_QR_MESSAGE]
    yield from _billing_information(lines[_QR_BILLING])


def _creditor_address(kind: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    """Structured (`S`): street, number, postal code, town, country. Combined (`K`, until November 2025): two
    lines and the country; what cannot surely be split is left out, but for the street."""
    first, second, postal_code, town, country = lines
    if kind == "S":
        yield from address_fields(first, postal_code, town, country, second or " ")
    elif kind == "K":
        parted = split_town(second)
        yield from address_fields(first, *(parted or ("", "")), country)


def _billing_information(line: str) -> Iterator[tuple[str, str]]:
    """Swico S1: `//S1/10/<invoice number>/11/<date yymmdd>/30/<UID>/32/<VAT>/40/<terms>`; `\\/` is a slash in
    a value. Terms are discounts in percent with their days, `2:10;0:30`: without discount there are 30 days.
    Source: Swico, syntax definition S1."""
    if not line.startswith("//S1/"):
        return
    parts = line.removeprefix("//S1/").replace("\\/", "\0").split("/")
    values = {tag: value.replace("\0", "/") for tag, value in zip(parts[::2], parts[1::2], strict=False)}
    yield "invoice_number", values.get("10", "")
    issued = values.get("11", "")
    if len(issued) == 6 and issued.isdigit():
        day = f"20{issued[:2]}-{issued[2:4]}-{issued[4:]}"
        yield "invoice_date", day
        yield "due_date", _due(day, values.get("40", ""))
    yield "customer_number", values.get("20", "")
    registered = values.get("30", "")
    yield "issuer_vat_id", f"CHE{registered}" if registered.isdigit() else registered


def _due(issued: str, terms: str) -> str:
    """The day until which to pay without discount; empty if the terms name none, or several."""
    days = {match[1] for one in terms.split(";") if (match := _NET_TERMS.fullmatch(one.strip()))}
    if len(days) != 1:
        return ""
    try:
        return (date.fromisoformat(issued) + timedelta(days=int(days.pop()))).isoformat()
    except ValueError:
        return ""


def _girocode(lines: list[str]) -> Iterator[tuple[str, str]]:
    lines = [*lines, *[""] * 6]
    yield "issuer_name", lines[5]
    yield "payee_name", lines[5]
    yield "bic", _compact(lines[4])
    yield "iban", _compact(lines[6])
    if lines[7][:3].isalpha() and lines[7]:
        yield "currency", lines[7][:3]
        yield "payable_amount", _amount(lines[7][3:])
    yield "reference", _compact(lines[9])
    yield "message", lines[10]


def _compact(value: str) -> str:
    return "".join(value.split()).upper()


def _amount(value: str) -> str:
    try:
        return written(Decimal(value)) if value else ""
    except InvalidOperation:
        return value
