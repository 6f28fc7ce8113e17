"""Which label stands before a value on a supplier's invoices, learned from a correction, and what it leads
to on the next one. Pure, and light: the reading processes import it.

Rules know what invoices usually call their fields. A supplier that calls its invoice number `Vorgang`
teaches it once: a person corrects the value, the label beside or above it is kept for this supplier, and
the next invoice is read by it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.documents.core import compact
from services.documents.invoices.lines import Cell, Line, cell_below
from services.documents.invoices.values import amounts_in, dates_in
from services.documents.invoices.words import AMOUNTS, DATES, Candidate
from services.documents.suppliers.identity import issuer_keys

#: Fields whose values change from invoice to invoice.
LEARNABLE: Final = frozenset(
    {"invoice_number", "invoice_date", "due_date", "customer_number", "order_number", *AMOUNTS}
)
_AMOUNT: Final = re.compile(r"-?\d[\d.,'’\u00a0\u202f ]*[\d–-]")
_NUMBER: Final = re.compile(r"(?=[\w/.-]*\d)[A-Za-z0-9](?:[\w/.-]*\w)?")
_CURRENCY: Final = re.compile(r"(?:\b[A-Z]{3}|€|\$|£|\bS?Fr\.?)\s*$")
_LONGEST: Final = 60
#: Characters behind a label within which its value begins.
_CLOSE: Final = 12
_CONFIDENCE: Final = 90.0


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known of one supplier: by what it is recognized, and field -> label."""

    keys: tuple[str, ...]
    labels: Mapping[str, str]


def label_of(lines: Sequence[Line], field: str, value: str) -> str | None:
    """The label that stands before `value` on the page: in its cell, in the one to the left, or above it. Of
    several places the first with a label; of amounts the last, where sums stand."""
    places = [
        (at, index, position)
        for at, line in enumerate(lines)
        for index, cell in enumerate(line.cells)
        for found, position in _values(field, cell.text)
        if compact(found) == compact(value)
    ]
    for at, index, position in reversed(places) if field in AMOUNTS else places:
        line = lines[at]
        cell = line.cells[index]
        texts = [cell.text[:position]]
        if index > 0:
            texts.append(line.cells[index - 1].text)
        texts += [above.text for above in _above(lines, at, cell)]
        for text in texts:
            if (label := _label(text)) is not None:
                return label
    return None


def with_hints(
    read: Sequence[Candidate], lines: Sequence[Line], hints: Iterable[Hint], others: Iterable[Candidate] = ()
) -> list[Candidate]:
    """The candidates of a text with what the labels of its supplier lead to, in place of what rules made of
    these fields. `others` are candidates of codes and e-invoices, which may tell who the supplier is."""
    hint = _of_supplier([*others, *read], lines, hints)
    if hint is None:
        return list(read)
    learned = [
        candidate
        for field, label in hint.labels.items()
        if (candidate := _by_label(lines, field, label)) is not None
    ]
    fields = {candidate.field for candidate in learned}
    return [*learned, *(candidate for candidate in read if candidate.field not in fields)]


def _of_supplier(
    candidates: Iterable[Candidate], lines: Sequence[Line], hints: Iterable[Hint]
) -> Hint | None:
    named = {key for one in candidates for key in issuer_keys({one.field: one.value})}
    named |= {f"name:{compact(cell.text)}" for line in lines for cell in line.cells}
    matching = [hint for hint in hints if named.intersection(hint.keys)]
    # The surest key decides: keys begin with `vat`, `iban` or `name`.
    order = ("vat", "iban", "name")
    return min(
        matching,
        key=lambda hint: min(order.index(key.split(":")[0]) for key in named.intersection(hint.keys)),
        default=None,
    )


def _by_label(lines: Sequence[Line], field: str, label: str) -> Candidate | None:
    """The value that the label leads to; of several the last, as of sums, and then it is a guess."""
    pattern = re.compile(rf"(?<!\w){re.escape(label)}(?!\w)", re.IGNORECASE)
    found: list[Candidate] = []
    for at, line in enumerate(lines):
        for index, cell in enumerate(line.cells):
            if (match := pattern.search(" ".join(cell.text.split()))) is None:
                continue
            rest = " ".join(cell.text.split())[match.end() :]
            beside = line.cells[index + 1 : index + 2]
            below = [
                under
                for lower in lines[at + 1 : at + 3]
                if lower.page == line.page and (under := cell_below(cell, index, line, lower)) is not None
            ]
            for text, place in ((rest, cell), *((other.text, other) for other in (*beside, *below))):
                first = next(_values(field, text), None)
                if first is not None and first[1] <= _CLOSE:
                    sure = not line.recognized
                    found.append(Candidate(field, first[0], "text", _CONFIDENCE, line.page, place.box, sure))
                    break
    if not found:
        return None
    last = found[-1]
    if len({one.value for one in found}) > 1:
        return Candidate(field, last.value, "text", 65.0, last.page, last.box)
    return last


def _values(field: str, text: str) -> Iterator[tuple[str, int]]:
    """Everything in `text` that may be a value of the field, with its position."""
    if field in DATES:
        yield from ((value, position) for value, ambiguous, position in dates_in(text) if not ambiguous)
    elif field in AMOUNTS:
        for match in _AMOUNT.finditer(text):
            amounts = amounts_in(match[0])
            if len(amounts) == 1:
                yield amounts[0], match.start()
    else:
        dates = {position for _, _, position in dates_in(text)}
        yield from (
            (match[0], match.start()) for match in _NUMBER.finditer(text) if match.start() not in dates
        )


def _above(lines: Sequence[Line], at: int, cell: Cell) -> Iterator[Cell]:
    for upper in reversed(lines[max(0, at - 2) : at]):
        for index, other in enumerate(upper.cells):
            if upper.page == lines[at].page and cell_below(other, index, upper, lines[at]) == cell:
                yield other


def _label(text: str) -> str | None:
    """The words at the end of `text` as a label: without what changes (numbers), and without a currency."""
    words = _CURRENCY.sub("", re.split(r"\d", text)[-1].strip(" .:;#°\t-–|"))
    label = " ".join(words.strip(" .:;#°\t-–|").split())
    letters = sum(letter.isalpha() for letter in label)
    return label.casefold() if letters >= 3 and len(label) <= _LONGEST else None
