"""What is recognized by its own form, mostly with check digits: accounts, references, VAT ids, currencies."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from services.documents.invoices.labels.sums import GROSS, ITEM_HEADS, VAT
from services.documents.invoices.lines import Line
from services.documents.invoices.values import amounts_in
from services.documents.invoices.words import Box, Candidate
from shared.identifiers import (
    is_creditor_reference,
    is_iban,
    is_qr_reference,
    is_vat_id,
)

_SURE, _LIKELY, _GUESS = 90.0, 65.0, 40.0
BEFORE_ACCOUNT: Final = re.compile(r"\b[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]){11,30}")
QRR: Final = re.compile(r"(?<!\d)\d{2}(?:[ \u00a0]?\d{5}){5}(?!\d)|(?<!\d)\d{27}(?!\d)")
SCOR: Final = re.compile(r"\bRF\d{2}(?:[ \u00a0]?[A-Z0-9]){1,21}\b")
_COUNTRIES: Final = "AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK"
_VAT_ID: Final = re.compile(
    rf"\b(?:CHE[ -]?(?:\d[ .]?){{9}}|(?:{_COUNTRIES})[ .-]?(?:[A-Z0-9][ .-]?){{8,12}})"
)
#: The form of a VAT id without its check digits, where a label says that it is one.
_LABELLED_VAT_ID: Final = re.compile(
    r"(?:ust|umsatzsteuer|mwst|vat|tva|iva|btw|uid)[\w\s.°-]{0,30}?\s?:?\s*"
    r"(?P<id>(?:DE(?:\s?\d{3}){3}|ATU\s?\d{8}|FR\s?[A-Z0-9]{2}(?:\s?\d{3}){3}|IT\s?\d{11}|"
    r"GB\s?\d{9}|NL\s?\d{9}B\d{2}|CHE[\s-]?\d{3}[.\s]?\d{3}[.\s]?\d{3}))(?!\w)",
    re.IGNORECASE,
)
_OF_THE_RECIPIENT: Final = re.compile(r"\b(?:ihre?|kunden|customer|your|votre|client|buyer|vostr[ao])", re.I)
_BIC: Final = re.compile(
    r"\b(?:BIC|SWIFT)(?:\s*[-/]\s*(?:BIC|"
    r"SWIFT))?(?:[\s-]*code)?\s*:?\s*(?P<bic>[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)\b",
    re.I,
)
_CURRENCIES: Final = {
    "€": "EUR",
    "£": "GBP",
    "$": "USD",
    "FR.": "CHF",
    "SFR.": "CHF",
    "SFR": "CHF",
    "US$": "USD",
}
_CURRENCY: Final = re.compile(r"\b(?:EUR|CHF|USD|GBP|SEK|NOK|DKK|PLN|CZK|HUF)(?![A-Za-z])|\b[Ss]?Fr\.|€|£|\$")
_CURRENCY_LABEL: Final = re.compile(
    r"\b(?:w[äa]hrung|currency|devise|monnaie|valuta|divisa|betr[äa]ge|amounts?|montants?|importi)\b",
    re.IGNORECASE,
)


def accounts(lines: Sequence[Line]) -> Iterator[list[Candidate]]:
    """Candidates field by field."""
    yield _currencies(lines)
    yield list(_ibans(lines))
    yield list(_bics(lines))
    yield list(_references(lines))
    yield from _vat_ids(lines).values()


def _currencies(lines: Sequence[Line]) -> list[Candidate]:
    """Currencies that stand on a line with an amount or at the head of a column, the most frequent first;
    those of the total before all others."""
    counts: dict[str, list[Line]] = {}
    of_total: set[str] = set()
    for line in lines:
        total = any(pattern.search(line.text) for pattern in GROSS)
        if (
            amounts_in(line.text)
            or total
            or VAT.search(line.text)
            or _CURRENCY_LABEL.search(line.text)
            or ITEM_HEADS.search(line.text)
        ):
            for match in _CURRENCY.finditer(line.text):
                currency = _CURRENCIES.get(match[0].upper(), match[0])
                counts.setdefault(currency, []).append(line)
                if total:
                    of_total.add(currency)
    ordered = sorted(counts, key=lambda currency: (currency not in of_total, -len(counts[currency])))
    if len(of_total) == 1:
        ordered = ordered[:1]
    return [
        # A dollar has many countries.
        Candidate("currency", currency, "text", _LIKELY, counts[currency][0].page, explicit=currency != "USD")
        for currency in ordered
    ]


def _ibans(lines: Sequence[Line]) -> Iterator[Candidate]:
    for line in lines:
        for match in BEFORE_ACCOUNT.finditer(line.text.replace("   ", " ")):
            compact = re.sub(r"\s", "", match[0])
            valid = next((compact[:n] for n in range(len(compact), 14, -1) if is_iban(compact[:n])), None)
            if valid is not None:
                yield Candidate("iban", valid, "text", _SURE, line.page, _box_of(line, match[0]), True)
            elif re.search(r"\bIBAN\b", line.text):
                yield Candidate("iban", compact[:34], "text", _GUESS, line.page, _box_of(line, match[0]))


def _bics(lines: Sequence[Line]) -> Iterator[Candidate]:
    for line in lines:
        for match in _BIC.finditer(line.text):
            box = _box_of(line, match[0])
            yield Candidate("bic", match["bic"].upper(), "text", _SURE, line.page, box, not line.recognized)


def _references(lines: Sequence[Line]) -> Iterator[Candidate]:
    for line in lines:
        for pattern, is_valid in ((QRR, is_qr_reference), (SCOR, is_creditor_reference)):
            for match in pattern.finditer(line.text):
                compact = re.sub(r"\s", "", match[0])
                if is_valid(compact):
                    yield Candidate(
                        "reference", compact, "text", _SURE, line.page, _box_of(line, match[0]), True
                    )


def _vat_ids(lines: Sequence[Line]) -> dict[str, list[Candidate]]:
    found: dict[str, list[Candidate]] = {"issuer_vat_id": [], "recipient_vat_id": []}
    for line, cell in ((row, cell) for row in lines for cell in row.cells):
        for match in _VAT_ID.finditer(cell.text):
            valid = _vat_id_at(match[0])
            if valid is not None:
                before = line.text[: line.text.index(cell.text) + match.start()]
                field = _whose(before)
                found[field].append(Candidate(field, valid, "text", _SURE, line.page, cell.box, True))
    for line in lines:
        for cell in line.cells:
            for match in _LABELLED_VAT_ID.finditer(cell.text):
                field = _whose(cell.text[: match.start("id")])
                # One that fails its check digits is shown as such, where there is none that passes.
                if not found[field]:
                    value = re.sub(r"[\s.-]", "", match["id"]).upper()
                    found[field].append(Candidate(field, value, "text", _GUESS, line.page, cell.box))
    return found


def _whose(before: str) -> str:
    return "recipient_vat_id" if _OF_THE_RECIPIENT.search(before) else "issuer_vat_id"


def _vat_id_at(text: str) -> str | None:
    """The longest valid VAT id at the beginning of `text` behind which no further digit or letter follows:
    the beginning of an IBAN is none."""
    for end in range(len(text), 9, -1):
        if end < len(text) and re.match(r"\w| \d", text[end:]):
            continue
        compact = re.sub(r"[\s.-]", "", text[:end])
        if is_vat_id(compact):
            return compact
    return None


def _box_of(line: Line, text: str) -> Box | None:
    return next((cell.box for cell in line.cells if text.strip() in cell.text), None)
