"""Net, VAT and gross amount from the text: what adds up is told from what only looks like a sum."""

import re
from collections.abc import Sequence
from itertools import product
from typing import Final

from services.documents.invoices import labels
from services.documents.invoices.lines import Line, cell_below
from services.documents.invoices.values import amounts_in, money, written
from services.documents.invoices.words import Candidate

#: Confidence in percent: sums that add up, and sums that nothing confirms.
_LIKELY, _GUESS = 65.0, 40.0
#: A line with a rate of tax, also where its column says only above that it is one.
_RATE: Final = re.compile(r"\d\s?%|\bVAT\b")


def totals(lines: Sequence[Line]) -> list[Candidate]:
    """Net, VAT and gross: the combination of labelled sums that adds up, else the likeliest of each.

    Not `explicit` here: what adds up is told by the judgement, which sees the other sources too.
    """
    gross = [found for pattern in labels.GROSS for found in _amounts_behind(lines, pattern)]
    net = _amounts_behind(lines, labels.NET)
    vat = [
        found
        for found in _amounts_behind(lines, labels.VAT)
        if not labels.NO_VAT_SUM.search(found[1].text)
    ]  # fmt: skip
    rows = [_row_that_adds_up(line) for line in lines if _is_total_row(line)]
    for row, line in ((row, line) for row, line in rows if row is not None):
        return [
            Candidate(field, value, "text", _LIKELY, line.page, line.cells[0].box)
            for field, value in zip(("net_amount", "vat_amount", "gross_amount"), row, strict=True)
        ]
    taxes = list(vat)
    if len(distinct := dict(vat)) > 1:  # one for each rate
        together = written(sum((money(value) for value in distinct), start=money("0")))
        taxes.append((together, vat[0][1]))
    taxes += [(amount, line) for line in lines if _RATE.search(line.text) for amount in amounts_in(line.text)]
    for (g, g_line), (v, v_line), (n, n_line) in product(gross[:8], taxes[:40], net[:8]):
        if money(n) + money(v) == money(g) and (money(v) != 0 or v_line in (line for _, line in vat)):
            return [
                Candidate("net_amount", n, "text", _LIKELY, n_line.page, n_line.cells[-1].box),
                Candidate("vat_amount", v, "text", _LIKELY, v_line.page, v_line.cells[-1].box),
                Candidate("gross_amount", g, "text", _LIKELY, g_line.page, g_line.cells[-1].box),
            ]
    picked = []
    for field, values in (("gross_amount", gross), ("net_amount", net), ("vat_amount", taxes)):
        if values:
            value, line = values[0]
            picked.append(Candidate(field, value, "text", _GUESS, line.page, line.cells[-1].box))
    return picked


def _amounts_behind(lines: Sequence[Line], pattern: re.Pattern[str]) -> list[tuple[str, Line]]:
    """The last amount on each line behind a label, or the one below it."""
    found = []
    for at, line in enumerate(lines):
        for index, cell in enumerate(line.cells):
            match = pattern.search(cell.text)
            if match is None:
                continue
            behind = " | ".join(
                [cell.text[match.end() :], *(other.text for other in line.cells[index + 1 :])]
            )
            if amounts := amounts_in(behind):
                found.append((amounts[-1 if index + 1 == len(line.cells) else 0], line))
                if len(amounts) > 1:
                    found.append((amounts[-1], line))
            elif at + 1 < len(lines) and (under := cell_below(cell, index, line, lines[at + 1])) is not None:
                found += [(amount, lines[at + 1]) for amount in amounts_in(under.text)[:1]]
            break
    return found


def _is_total_row(line: Line) -> bool:
    return any(pattern.search(line.text) for pattern in labels.GROSS)


def _row_that_adds_up(line: Line) -> tuple[tuple[str, str, str] | None, Line]:
    """`Total 24.99 5.00 29.99`: net, VAT and gross on one line."""
    amounts = amounts_in(" | ".join(cell.text for cell in line.cells))
    for net, vat, gross in zip(amounts, amounts[1:], amounts[2:], strict=False):
        if money(net) + money(vat) == money(gross) and money(vat) != 0:
            return (net, vat, gross), line
    return None, line
