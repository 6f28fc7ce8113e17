"""Candidates from the text of a document with its layout: labels, and the values beside and below them.

A value is `explicit` if a label that means nothing else names it, nothing on the document says otherwise and
no letter of it was recognized; only then, or with a check sum, may it be called certain later.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from services.documents.invoices.accounts import BEFORE_ACCOUNT, QRR, SCOR, accounts
from services.documents.invoices.labels import papers
from services.documents.invoices.labels.papers import Label
from services.documents.invoices.labels.parties import RECIPIENT
from services.documents.invoices.lines import Cell, Line, cell_below
from services.documents.invoices.parties import issuers, recipients
from services.documents.invoices.terms import terms_in
from services.documents.invoices.totals import totals
from services.documents.invoices.values import dates_in, is_american
from services.documents.invoices.words import Candidate

_SURE, _LIKELY, _GUESS = 90.0, 65.0, 40.0
#: Characters after a label within which its date begins.
_CLOSE: Final = 25
_NUMBER: Final = re.compile(r"(?:[A-Z]{1,4}\s)?(?=[\w/.-]*\d)[A-Za-z0-9](?:[\w/.-]*\w)?(?![,'’]\d)")
#: A number may be parted by spaces where its label names it: `2026 / 0815`.
_PARTED: Final = re.compile(r"\d+(?:\s[/-]\s?\d+)+")
_PLAIN_NUMBER: Final = re.compile(r"(?:nummer|number|num[ée]ro|numero|id|nr\.?|no\.?)\s*:\s*", re.IGNORECASE)
_AMOUNT: Final = re.compile(r"-?\d[\d.,'’ ]*[.,]\d\d(?!\d|[./-]\d)|\d+\s?(?:€|%|EUR\b|CHF\b)")


def read_text(lines: Sequence[Line]) -> list[Candidate]:
    """Every candidate of a document's text; several for a field where the text names several."""
    found: list[Candidate] = []
    for label in papers.NUMBERS:
        found += explicit_if_alone(_numbers(lines, label))
    if not any(one.field == "customer_number" for one in found):
        found += _numbers_of_buyers(lines)
    american = is_american([line.text for line in lines])
    found += _dates(lines, american)
    found += _terms(lines)
    found += totals(lines)
    for candidates in accounts(lines):
        found += explicit_if_alone(candidates)
    people = recipients(lines)
    found += [
        Candidate(field, name, "text", _GUESS, line.page, cell.box)
        for field, names in (("issuer_name", issuers(lines, people)), ("recipient_name", people))
        for name, line, cell in names[:1]
    ]
    return found


def _beside(lines: Sequence[Line], pattern: re.Pattern[str]) -> Iterator[list[tuple[str, Line, Cell, bool]]]:
    """For each place of a label the texts that may hold its value: what stands behind it, then below it.

    The last one of a text says whether it stands behind, on the line of the label.
    """
    for at, line in enumerate(lines):
        for index, cell in enumerate(line.cells):
            match = pattern.search(cell.text)
            if match is None or _of_another_invoice(cell.text, match):
                continue
            texts = []
            if rest := cell.text[match.end() :].lstrip(" .:\t#°"):
                texts.append((rest, line, cell, True))
            if index + 1 < len(line.cells):
                beside = line.cells[index + 1]
                texts.append((beside.text.lstrip(" .:\t#"), line, beside, True))
            for below in lines[at + 1 : at + 5]:
                if below.page == line.page and (under := cell_below(cell, index, line, below)) is not None:
                    texts.append((under.text, below, under, False))
            yield texts


def _of_another_invoice(text: str, label: re.Match[str]) -> bool:
    """Whether a label is that of an invoice which this one corrects or belongs to."""
    around = text[max(0, label.start() - 20) : label.end() + 15]
    return papers.OTHER_INVOICES.search(around) is not None


def _numbers(lines: Sequence[Line], label: Label) -> list[Candidate]:
    for pattern, strong in ((label.strong, True), (label.weak, False)):
        found: list[Candidate] = []
        for texts in _beside(lines, pattern) if pattern else ():
            for text, line, cell, behind in texts:
                value = _number_at(text)
                if value is None or (not strong and not behind):
                    continue
                if not strong and "#" not in cell.text and sum(letter.isdigit() for letter in value) < 3:
                    continue
                titled = not strong and _is_title(cell.text, value)
                confidence = (_SURE if behind else _LIKELY) if strong or titled else _GUESS
                sure = (strong or titled) and not line.recognized
                found.append(Candidate(label.field, value, "text", confidence, line.page, cell.box, sure))
                break
        if found:
            return found
    return []


def _numbers_of_buyers(lines: Sequence[Line]) -> list[Candidate]:
    """`Käufer:` and below it `Nummer: 4711`, before the name."""
    found = []
    for line, *below in zip(lines, lines[1:], lines[2:], strict=False):
        if RECIPIENT.match(line.text):
            for under in below:
                match = _PLAIN_NUMBER.match(under.text)
                if match is not None and (value := _number_at(under.text[match.end() :])) is not None:
                    box = under.cells[-1].box
                    found.append(Candidate("customer_number", value, "text", _LIKELY, under.page, box))
    return found[:1]


def _is_title(text: str, number: str) -> bool:
    """Whether a cell is `Rechnung 2026-4711`, perhaps with a date behind it, and nothing else."""
    before, _, after = text.partition(number)
    alone = len(before.split()) <= 3 and (
        not after.strip(" .,-–/") or next(dates_in(after), None) is not None
    )
    return alone and re.fullmatch(r"(?:19|20)\d\d", number) is None


def _number_at(text: str) -> str | None:
    """The number at the beginning of `text`; None if there is a date, an amount, an account or a word."""
    if any(position == 0 for _, _, position in dates_in(text)):
        return None
    if (parted := _PARTED.match(text)) is not None:
        return re.sub(r"\s", "", parted[0])
    match = _NUMBER.match(text)
    if match is None or any(form.match(text) for form in (BEFORE_ACCOUNT, QRR, SCOR, _AMOUNT)):
        return None
    return match[0].rstrip(".-/")


def _dates(lines: Sequence[Line], american: bool | None) -> Iterator[Candidate]:
    for label in papers.DATES:
        for pattern, strong in ((label.strong, True), (label.weak, False)):
            if pattern is None:
                continue
            if found := _dates_beside(lines, label.field, pattern, strong, american):
                yield from explicit_if_alone(found)
                break
        else:
            if label.field == "invoice_date":
                yield from _unlabelled_date(lines, american)


def _dates_beside(
    lines: Sequence[Line], field: str, pattern: re.Pattern[str], strong: bool, american: bool | None
) -> list[Candidate]:
    found = []
    for texts in _beside(lines, pattern):
        for text, line, cell, behind in texts:
            first = next(dates_in(text, american), None)
            if first is None or first[2] > _CLOSE or papers.OTHER_DATES.search(text[: first[2]]):
                continue
            value, ambiguous, _ = first
            sure = not ambiguous and not line.recognized
            confidence = _SURE if strong and behind else _LIKELY
            found.append(Candidate(field, value, "text", confidence, line.page, cell.box, sure))
            break
    return found


def _unlabelled_date(lines: Sequence[Line], american: bool | None) -> Iterator[Candidate]:
    """The first date in the upper part, as in `Bern, 12. März 2026`: a guess."""
    for line in lines[:30]:
        if papers.OTHER_DATES.search(line.text) or papers.DATES[0].strong.search(line.text):
            continue
        for cell in line.cells:
            if (first := next(dates_in(cell.text, american), None)) is not None:
                yield Candidate("invoice_date", first[0], "text", _GUESS, line.page, cell.box)
                return


def _terms(lines: Sequence[Line]) -> Iterator[Candidate]:
    """Days within which is to be paid, of the whole text: a sentence may go over several lines."""
    read = terms_in("\n".join(cell.text for line in lines for cell in line.cells))
    if read is None:
        return
    line = next(
        (
            line
            for line in lines
            if str(read.days) in line.text and read.words[:12] in " ".join(line.text.split())
        ),
        lines[0],
    )
    yield Candidate(
        "terms", str(read.days), "text", _LIKELY, line.page, None, read.from_date and not line.recognized,
        derived=read.words,
    )  # fmt: skip


def explicit_if_alone(candidates: Iterable[Candidate]) -> list[Candidate]:
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
