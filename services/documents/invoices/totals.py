"""Net, VAT and gross amount from the text: what adds up is told from what only looks like a sum."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import product
from typing import Final

from services.documents.invoices.labels.sums import (
    GROSS,
    INCLUDED,
    ITEM_HEADS,
    NET,
    NO_TOTAL,
    NO_VAT_SUM,
    PAID,
    PAYABLE,
    VAT,
)
from services.documents.invoices.lines import Cell, Line, cell_below, same_column
from services.documents.invoices.values import amounts_in, money, written
from services.documents.invoices.words import Candidate

#: Confidence in percent: sums that add up, a labelled one alone, and one that nothing confirms.
_LIKELY, _LABELLED, _GUESS = 75.0, 65.0, 40.0
_RATE: Final = re.compile(r"(?<![\d.,])(?P<rate>\d{1,2}(?:[.,]\d{1,3})?)\s?%")
#: Sums may differ from what adds up by this: cash is rounded to five, positions to one hundredth.
_ROUNDING: Final = Decimal("0.05")
_CENT: Final = Decimal("0.02")
#: Points: a box with the total may be as wide as the page.
_WIDE: Final = 600.0


@dataclass(frozen=True, slots=True)
class Sum:
    """A labelled amount. The lower the rank, the surer is its label."""

    kind: str
    value: Decimal
    line: Line
    cell: Cell
    rank: int
    rate: Decimal | None = None
    #: Its label says that it is what is to be paid.
    payable: bool = False

    def candidate(self, field: str, confidence: float, *, explicit: bool = False) -> Candidate:
        explicit = explicit and not self.line.recognized
        value = written(self.value)
        return Candidate(field, value, "text", confidence, self.line.page, self.cell.box, explicit)


def totals(lines: Sequence[Line]) -> list[Candidate]:
    """Net, VAT and gross amount: the labelled sums that add up, else the likeliest gross amount, with the VAT
    that is included in it; and what is to be paid, where a part was paid before.

    What adds up is called certain by the judgement, which sees the other sources too.
    """
    sums = list(_sums(lines))
    gross = _in_order(one for one in sums if one.kind == "gross")
    best = gross[0] if gross else None
    if (found := _that_add_up(sums, gross)) is not None:
        net, vat, total = found
        candidates = [
            net.candidate("net_amount", _LIKELY),
            vat.candidate("vat_amount", _LIKELY),
            total.candidate("gross_amount", _LIKELY),
        ]
        if best is not None and best.value != total.value and not _is_left_over(best, total, sums):
            candidates.append(best.candidate("gross_amount", _GUESS))
        return [*candidates, *_payable(total, sums)]
    if best is None:
        return [one.candidate("net_amount", _GUESS) for one in sums if one.kind == "net"][:1]
    highest = max((money(value) for line in lines for value in amounts_in(line.text)), default=best.value)
    alone = best.rank == 0 and len({one.value for one in gross if one.rank == 0}) == 1
    candidates = [best.candidate("gross_amount", _LABELLED, explicit=alone and best.value >= highest)]
    if (included := _included(sums, best.value)) is not None:
        # It is the share that its rate has in the total: both are confirmed.
        candidates = [
            best.candidate("gross_amount", _LIKELY, explicit=True),
            included.candidate("vat_amount", _LIKELY, explicit=True),
        ]
    else:
        candidates += [one.candidate("vat_amount", _GUESS) for one in sums if one.kind == "vat"][:1]
        candidates += [one.candidate("net_amount", _GUESS) for one in sums if one.kind == "net"][:1]
    return [*candidates, *_payable(best, sums)]


def _in_order(sums: Iterator[Sum]) -> list[Sum]:
    """The surest first; of equally sure ones the last, for totals stand at the end."""
    from_last = list(sums)
    from_last.reverse()
    return sorted(from_last, key=lambda one: one.rank)


def _that_add_up(sums: Sequence[Sum], gross: Sequence[Sum]) -> tuple[Sum, Sum, Sum] | None:
    """Net, VAT and gross of the surest labels that add up: exactly, or but for the rounding of cash."""
    nets = _together([one for one in sums if one.kind == "net"])
    taxes = [
        *_together([one for one in sums if one.kind == "vat"]),
        *(one for one in sums if one.kind == "rate"),
    ]
    for tolerance in (Decimal(0), _ROUNDING):
        fitting = [
            (net, vat, total)
            for total, vat, net in product(gross[:8], taxes[:40], nets[:8])
            if abs(net.value + vat.value - total.value) <= tolerance and (vat.value != 0 or vat.kind == "vat")
        ]
        if fitting:
            return min(fitting, key=lambda three: (three[2].rank, three[0].rank + three[1].rank))
    return None


def _together(taxes: Sequence[Sum]) -> list[Sum]:
    """Sums of one kind, and before them what they give together: one stands there for each rate."""
    ordered = _in_order(iter(taxes))
    best = [one for one in taxes if one.rank == ordered[0].rank] if ordered else []
    lines = {id(one.line): one for one in best}
    if len(lines) < 2:
        return ordered
    total = sum((one.value for one in lines.values()), start=Decimal(0))
    return [Sum(best[0].kind, total, best[0].line, best[0].cell, best[0].rank), *ordered]


def _included(sums: Sequence[Sum], gross: Decimal) -> Sum | None:
    """The VAT that a rate makes of a total which includes it."""
    for one in sums:
        if one.kind == "vat" and one.rate:
            share = (gross * one.rate / (100 + one.rate)).quantize(Decimal("0.01"), ROUND_HALF_UP)
            if abs(share - one.value) <= _CENT:
                return one
    return None


def _is_left_over(best: Sum, total: Sum, sums: Sequence[Sum]) -> bool:
    """Whether `best` is what is left of the total after what was paid before."""
    return any(one.kind == "paid" and abs(total.value - abs(one.value) - best.value) <= _CENT for one in sums)


def _payable(total: Sum, sums: Sequence[Sum]) -> list[Candidate]:
    """What is to be paid, where a label says so: the total, or what is left of it."""
    named = [one for one in sums if one.payable]
    left = [
        one
        for one in sums
        if one.kind == "gross" and one.value != total.value and _is_left_over(one, total, sums)
    ]
    if left:
        return [left[0].candidate("payable_amount", _LIKELY, explicit=True)]
    alone = len({one.value for one in named}) == 1
    return [
        one.candidate("payable_amount", _LABELLED, explicit=alone and one.value == total.value)
        for one in named[-1:]
    ]


def _sums(lines: Sequence[Line]) -> Iterator[Sum]:
    for at, line in enumerate(lines):
        heads = ITEM_HEADS.search(line.text) is not None
        labelled = [
            (index, *named)
            for index, cell in enumerate(line.cells)
            if (named := _kind_of(cell.text)) is not None
        ]
        for index, kind, rank, end in labelled:
            cell = line.cells[index]
            following = [other for other, *_ in labelled if other > index]
            behind = [
                (cell.text[end:], cell),
                *((other.text, other) for other in line.cells[index + 1 : min(following, default=None)]),
            ]
            amounts = [(value, place) for text, place in behind for value in amounts_in(text)]
            rate = _rate_in(line.text)
            if amounts:
                # The last one: `MWST 8.1 % von 1000.00   81.00`. In a row of a table that adds up all three.
                value, place = amounts[-1]
                payable = PAYABLE.search(cell.text) is not None
                yield Sum(kind, money(value), line, place, rank, rate, payable)
                if kind == "gross" and (row := _row_that_adds_up([value for value, _ in amounts])):
                    yield Sum("net", row[0], line, amounts[-3][1], rank)
                    yield Sum("vat", row[1], line, amounts[-2][1], rank)
                continue
            if heads:
                continue
            if (column := _column_below(lines, at, index)) is not None:
                yield Sum(kind, *column, rank + 2, rate)
        if not labelled and (rate := _rate_in(line.text)) is not None and not heads:
            for cell in line.cells:
                for value in amounts_in(cell.text):
                    yield Sum("rate", money(value), line, cell, 4, rate)


def _column_below(lines: Sequence[Line], at: int, index: int) -> tuple[Decimal, Line, Cell] | None:
    """The amount below a head; of several, as in a table of rates, what they give together, which may be the
    last of them."""
    line, cell = lines[at], lines[at].cells[index]
    values: list[Decimal] = []
    last: tuple[Line, Cell] | None = None
    for below in lines[at + 1 : at + 9]:
        if below.page != line.page or (last and any(_kind_of(one.text) for one in below.cells)):
            break
        if last is None:
            under = cell_below(cell, index, line, below, _WIDE)
        else:
            near = (one for one in below.cells if same_column(last[1], one))
            under = next((one for one in near if one.box[1] - last[1].box[3] < 1.5 * one.height), None)
        amounts = amounts_in(under.text) if under is not None else []
        if under is not None and amounts:
            values.append(money(amounts[0]))
            last = below, under
        elif last is not None:
            break
    if last is None:
        return None
    before = sum(values[:-1], start=Decimal(0))
    return (values[-1] if before in (0, values[-1]) else before + values[-1], *last)


def _kind_of(text: str) -> tuple[str, int, int] | None:
    """What a cell's label says of a sum: kind, rank, and where the label ends."""
    net, vat = NET.search(text), VAT.search(text)
    # `Versandkosten netto` is a part of the net amount, and no total.
    if NO_TOTAL.search(text) and net is None and vat is None:
        return None
    if match := PAID.search(text):
        return "paid", 0, match.end()
    strong, weak = (pattern.search(text) for pattern in GROSS)
    if net is not None and (strong is None or net.start() <= strong.start()):
        return "net", 0, net.end()
    if strong is not None:
        return "gross", 0, strong.end()
    if vat is not None and not NO_VAT_SUM.search(text):
        if (
            weak is not None
            and weak.start() < vat.start()
            and INCLUDED.search(text[weak.end() : vat.start()])
        ):
            return "gross", 0, weak.end()
        return "vat", 0, vat.end()
    if weak is not None:
        return "gross", 1, weak.end()
    return None


def _rate_in(text: str) -> Decimal | None:
    match = _RATE.search(text)
    return None if match is None else Decimal(match["rate"].replace(",", "."))


def _row_that_adds_up(values: Sequence[str]) -> tuple[Decimal, Decimal] | None:
    """`Total 24.99 5.00 29.99`: net and VAT before the gross amount."""
    if len(values) < 3:
        return None
    net, vat, gross = (money(value) for value in values[-3:])
    return (net, vat) if net + vat == gross and vat != 0 else None
