"""Candidates from the text of a document with its layout: labels, and the values beside and below them.

A value is `explicit` if a label that means nothing else names it, nothing on the document says otherwise and
no letter of it was recognized; only then, or with a check sum, may it be called certain later.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from services.documents.invoices import labels
from services.documents.invoices.checks import (
    is_creditor_reference,
    is_iban,
    is_qr_reference,
    is_vat_id,
)
from services.documents.invoices.lines import Cell, Line, cell_below
from services.documents.invoices.parties import issuers, recipients
from services.documents.invoices.totals import totals
from services.documents.invoices.values import amounts_in, dates_in
from services.documents.invoices.words import Candidate

_SURE, _LIKELY, _GUESS = 90.0, 65.0, 40.0
#: Characters after a label within which its date begins.
_CLOSE: Final = 25
_NUMBER: Final = re.compile(r"(?:[A-Z]{1,4}\s)?(?=[\w/.-]*\d)[A-Za-z0-9](?:[\w/.-]*\w)?(?![,'’]\d)")
_AMOUNT: Final = re.compile(r"-?\d[\d.,'’ ]*[.,]\d\d(?!\d|[./-]\d)|\d+\s?(?:€|%|EUR\b|CHF\b)")
_CURRENCY_LABEL: Final = re.compile(
    r"\b(?:w[äa]hrung|currency|devise|monnaie|valuta|divisa)\b", re.IGNORECASE
)
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]){11,30}")
_QRR: Final = re.compile(r"(?<!\d)\d{2}(?:[ \u00a0]?\d{5}){5}(?!\d)|(?<!\d)\d{27}(?!\d)")
_SCOR: Final = re.compile(r"\bRF\d{2}(?:[ \u00a0]?[A-Z0-9]){1,21}\b")
_COUNTRIES: Final = "AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK"
_VAT_ID: Final = re.compile(
    rf"\b(?:CHE[ -]?(?:\d[ .]?){{9}}|(?:{_COUNTRIES})[ .-]?(?:[A-Z0-9][ .-]?){{8,12}})"
)
_OF_THE_RECIPIENT: Final = re.compile(r"\b(?:ihre?|kunden|customer|your|votre|client|buyer|vostr[ao])", re.I)
_CURRENCIES: Final = {"€": "EUR", "£": "GBP", "$": "USD", "FR.": "CHF", "SFR.": "CHF", "SFR": "CHF"}
_CURRENCY: Final = re.compile(r"\b(?:EUR|CHF|USD|GBP|SEK|NOK|DKK|PLN|CZK|HUF)\b|\b[Ss]?Fr\.|€|£|\$")


def read_text(lines: Sequence[Line]) -> list[Candidate]:
    """Every candidate of a document's text; several for a field where the text names several."""
    found: list[Candidate] = []
    for label in labels.NUMBERS:
        found += _explicit_if_alone(_numbers(lines, label))
    found += _dates(lines)
    found += totals(lines)
    found += _explicit_if_alone(_currencies(lines))
    found += _explicit_if_alone(_ibans(lines))
    found += _explicit_if_alone(_references(lines))
    found += _vat_ids(lines)
    found += [
        Candidate("issuer_name", name, "text", _GUESS, line.page, cell.box)
        for name, line, cell in issuers(lines)[:1]
    ]
    found += [
        Candidate("recipient_name", name, "text", _GUESS, line.page, cell.box)
        for name, line, cell in recipients(lines)[:1]
    ]
    return found


def why_no_invoice(lines: Sequence[Line], candidates: Iterable[Candidate]) -> str | None:
    """Why a text is no invoice; None if it is one: it calls itself one, and names a sum or a number."""
    fields = {candidate.field for candidate in candidates}
    if not lines:
        return "it has no text, no e-invoice inside and no payment code"
    if not any(labels.INVOICE.search(line.text) or labels.CREDIT_NOTE.search(line.text) for line in lines):
        return "it has no e-invoice inside and no payment code, and its text calls itself no invoice"
    other = next(
        (
            match
            for line in lines[:15]
            for cell in line.cells
            if (match := labels.OTHER_KINDS.search(cell.text))
        ),
        None,
    )
    if other is not None and "invoice_number" not in fields:
        return f"it has no e-invoice inside and no payment code, and calls itself {other[0].strip()!r}"
    if not fields & {"gross_amount", "net_amount"}:
        return "it has no e-invoice inside and no payment code, and its text names no sum to pay"
    if not fields & {"invoice_number", "invoice_date", "iban"}:
        return "it has no e-invoice inside and no payment code, and its text names no number, date or account"
    return None


def is_credit_note(lines: Sequence[Line]) -> bool:
    return any(labels.CREDIT_NOTE.search(cell.text) for line in lines[:25] for cell in line.cells)


def _beside(lines: Sequence[Line], pattern: re.Pattern[str]) -> Iterator[list[tuple[str, Line, Cell, bool]]]:
    """For each place of a label the texts that may hold its value: what stands behind it, then below it.

    The last one of a text says whether it stands behind, on the line of the label.
    """
    for at, line in enumerate(lines):
        for index, cell in enumerate(line.cells):
            match = pattern.search(cell.text)
            if match is None:
                continue
            texts = []
            if rest := cell.text[match.end() :].lstrip(" .:\t#°"):
                texts.append((rest, line, cell, True))
            if index + 1 < len(line.cells):
                beside = line.cells[index + 1]
                texts.append((beside.text.lstrip(" .:\t#"), line, beside, True))
            for below in lines[at + 1 : at + 3]:
                if below.page == line.page and (under := cell_below(cell, index, line, below)) is not None:
                    texts.append((under.text, below, under, False))
            yield texts


def _numbers(lines: Sequence[Line], label: labels.Label) -> list[Candidate]:
    for pattern, strong in ((label.strong, True), (label.weak, False)):
        found: list[Candidate] = []
        for texts in _beside(lines, pattern) if pattern else ():
            for text, line, cell, behind in texts:
                value = _number_at(text)
                if value is None or (not strong and not behind):
                    continue
                if not strong and "#" not in cell.text and sum(letter.isdigit() for letter in value) < 3:
                    continue
                confidence = (_SURE if behind else _LIKELY) if strong else _GUESS
                sure = strong and behind and not line.recognized
                found.append(Candidate(label.field, value, "text", confidence, line.page, cell.box, sure))
                break
        if found:
            return found
    return []


def _number_at(text: str) -> str | None:
    """The number at the beginning of `text`; None if there is a date, an amount, an account or a word."""
    match = _NUMBER.match(text)
    if match is None or _IBAN.match(text) or _AMOUNT.match(text):
        return None
    if any(position == 0 for _, _, position in dates_in(text)):
        return None
    return match[0].rstrip(".-/")


def _dates(lines: Sequence[Line]) -> Iterator[Candidate]:
    for label in labels.DATES:
        for pattern, strong in ((label.strong, True), (label.weak, False)):
            if pattern is not None and (found := _dates_beside(lines, label.field, pattern, strong)):
                yield from _explicit_if_alone(found)
                break
        else:
            if label.field == "invoice_date":
                yield from _unlabelled_date(lines)


def _dates_beside(
    lines: Sequence[Line], field: str, pattern: re.Pattern[str], strong: bool
) -> list[Candidate]:
    found = []
    for texts in _beside(lines, pattern):
        for text, line, cell, behind in texts:
            first = next(dates_in(text), None)
            if first is None or first[2] > _CLOSE or labels.OTHER_DATES.search(text[: first[2]]):
                continue
            value, ambiguous, _ = first
            sure = behind and not ambiguous and not line.recognized
            confidence = _SURE if strong and behind else _LIKELY
            found.append(Candidate(field, value, "text", confidence, line.page, cell.box, sure))
            break
    return found


def _unlabelled_date(lines: Sequence[Line]) -> Iterator[Candidate]:
    """The first date in the upper part, as in `Bern, 12. März 2026`: a guess."""
    for line in lines[:25]:
        if labels.OTHER_DATES.search(line.text):
            continue
        for cell in line.cells:
            if (first := next(dates_in(cell.text), None)) is not None:
                yield Candidate("invoice_date", first[0], "text", _GUESS, line.page, cell.box)
                return


def _currencies(lines: Sequence[Line]) -> list[Candidate]:
    """Currencies that stand on a line with an amount, the most frequent first."""
    counts: dict[str, list[Line]] = {}
    for line in lines:
        if amounts_in(line.text) or labels.VAT.search(line.text) or _CURRENCY_LABEL.search(line.text):
            for match in _CURRENCY.finditer(line.text):
                counts.setdefault(_CURRENCIES.get(match[0].upper(), match[0]), []).append(line)
    ordered = sorted(counts, key=lambda currency: -len(counts[currency]))
    return [
        # A dollar has many countries.
        Candidate("currency", currency, "text", _LIKELY, counts[currency][0].page, explicit=currency != "USD")
        for currency in ordered
    ]


def _ibans(lines: Sequence[Line]) -> Iterator[Candidate]:
    for line in lines:
        for match in _IBAN.finditer(line.text.replace("   ", " ")):
            compact = re.sub(r"\s", "", match[0])
            valid = next((compact[:n] for n in range(len(compact), 14, -1) if is_iban(compact[:n])), None)
            if valid is not None:
                yield Candidate("iban", valid, "text", _SURE, line.page, _box_of(line, match[0]), True)
            elif re.search(r"\bIBAN\b", line.text):
                yield Candidate("iban", compact[:34], "text", _GUESS, line.page, _box_of(line, match[0]))


def _references(lines: Sequence[Line]) -> Iterator[Candidate]:
    for line in lines:
        for pattern, is_valid in ((_QRR, is_qr_reference), (_SCOR, is_creditor_reference)):
            for match in pattern.finditer(line.text):
                compact = re.sub(r"\s", "", match[0])
                if is_valid(compact):
                    yield Candidate(
                        "reference", compact, "text", _SURE, line.page, _box_of(line, match[0]), True
                    )


def _vat_ids(lines: Sequence[Line]) -> list[Candidate]:
    found: dict[str, list[Candidate]] = {"issuer_vat_id": [], "recipient_vat_id": []}
    for line in lines:
        for match in _VAT_ID.finditer(line.text.replace("   ", " ")):
            valid = _vat_id_at(match[0])
            if valid is not None:
                before = line.text[: match.start()]
                field = "recipient_vat_id" if _OF_THE_RECIPIENT.search(before) else "issuer_vat_id"
                found[field].append(
                    Candidate(field, valid, "text", _SURE, line.page, _box_of(line, match[0]), True)
                )
    return [candidate for group in found.values() for candidate in _explicit_if_alone(group)]


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


def _box_of(line: Line, text: str) -> tuple[float, float, float, float] | None:
    return next((cell.box for cell in line.cells if text.strip() in cell.text), None)


def _explicit_if_alone(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Each value once, the likeliest first; none of several different ones is explicit."""
    by_value: dict[str, Candidate] = {}
    for candidate in candidates:
        known = by_value.get(candidate.value)
        if known is None or (candidate.explicit, candidate.confidence) > (known.explicit, known.confidence):
            by_value[candidate.value] = candidate
    ordered = sorted(by_value.values(), key=lambda candidate: -candidate.confidence)
    if len(ordered) == 1:
        return ordered
    return [
        Candidate(one.field, one.value, one.source, min(one.confidence, _LIKELY), one.page, one.box)
        for one in ordered
    ]
