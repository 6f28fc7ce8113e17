"""A due-date report as PDF: its figures, amounts by week, who has to act, and the list."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from services.reporting.due_dates.content import (
    Content,
    Line,
    Section,
    Total,
    duties_of,
    sections_of,
    totals_of,
)
from services.reporting.due_dates.words import Words
from services.reporting.renderer.typesetting import clean, fitting, typeset

_TEMPLATE: Final = Path(__file__).with_name("report.typ")
#: Lines that stand together; a page breaks between groups.
_GROUP: Final = 10
#: Currencies that get a chart of their own.
_CHARTS: Final = 2
#: What fits into a column of the list, in em.
_SUPPLIER, _NUMBER, _STATUS = 14.2, 9.1, 11.6


def write_pdf(content: Content, folder: Path) -> Path:
    """The PDF, in `folder`."""
    return typeset(_TEMPLATE, shown(content), folder)


def shown(content: Content) -> dict[str, Any]:
    """What `report.typ` shows, in words."""
    words = Words(content.language)
    sections, totals = sections_of(content), totals_of(content)
    until = words.long_day(content.until)
    without = sum(line.amount is None or line.currency is None for line in content.lines)
    return {
        "title": words("title"),
        "client": clean(content.client),
        "until": words("until", day=until),
        "as_of": words("as_of", day=words.long_day(content.as_of)),
        "page": words("page"),
        "nothing": None if content.lines else words("nothing", day=until),
        "incomplete": words("incomplete", count=words.invoices(without)) if without else None,
        "totals": [_figures(total, content, words) for total in totals],
        "charts": [chart for total in totals[:_CHARTS] if (chart := _chart(total.currency, sections, words))],
        "who": words("who"),
        "duties": [
            [
                clean(words.next_step(duty.state, duty.role)),
                words.invoices(duty.count),
                _sums(duty.sums, words),
            ]
            for duty in duties_of(content)
        ],
        "columns": [
            words(name) for name in ("due_date", "supplier", "number", "currency", "amount", "status")
        ],
        "groups": [group for section in sections for group in _groups(section, words)],
    }


def _figures(total: Total, content: Content, words: Words) -> dict[str, Any]:
    figures = (
        (words("overdue"), total.overdue, total.overdue_count, total.overdue_count > 0),
        (words("due", day=words.day(content.until)), total.due, total.due_count, False),
        (words("total"), total.whole, total.overdue_count + total.due_count, False),
    )
    return {
        "currency": clean(total.currency),
        "figures": [
            {
                "name": name,
                "amount": words.amount(amount),
                "count": words.invoices(count),
                "late": late,
            }
            for name, amount, count, late in figures
        ],
    }


def _chart(currency: str, sections: Sequence[Section], words: Words) -> dict[str, Any] | None:
    """Bars of the amounts in one currency; none where there is nothing to compare."""
    dated = [section for section in sections if section.kind != "undated"]
    amounts = [section.sums.get(currency, Decimal()) for section in dated]
    highest = max(amounts)
    if len(dated) < 2 or highest <= 0:
        return None
    return {
        "title": words("chart", currency=clean(currency)),
        "bars": [
            {
                "name": words.section(section),
                "amount": _short(amount, words) if amount else "",
                "share": max(0.0, float(amount / highest)),
                "late": section.kind == "overdue",
            }
            for section, amount in zip(dated, amounts, strict=True)
        ],
    }


def _short(amount: Decimal, words: Words) -> str:
    """Above a bar, where there is no room for cents."""
    return words.amount(amount.quantize(Decimal(1))).removesuffix(".00")


def _groups(section: Section, words: Words) -> list[dict[str, Any]]:
    """The lines of a section in groups; the first has its heading."""
    sums = f"{words.invoices(len(section.lines))}   {_sums(section.sums, words)}"
    return [
        {
            "title": words.section(section) if not start else None,
            "sums": sums,
            "late": section.kind == "overdue",
            "rows": [_row(line, words) for line in section.lines[start : start + _GROUP]],
        }
        for start in range(0, len(section.lines), _GROUP)
    ]


def _sums(sums: dict[str, Decimal], words: Words) -> str:
    return " · ".join(
        f"{clean(currency)} {words.amount(amount)}" for currency, amount in sorted(sums.items())
    )


def _row(line: Line, words: Words) -> list[str]:
    number = line.invoice_number or words("unknown")
    status = words.next_step(line.state, line.role)
    if line.possible_duplicate:
        status = words("duplicate")
    return [
        words.day(line.due) if line.due else "\N{EN DASH}",
        fitting(line.supplier or words("unknown"), _SUPPLIER),
        fitting(number, _NUMBER),
        clean(line.currency or ""),
        words.amount(line.amount) if line.amount is not None else "\N{EN DASH}",
        fitting(status, _STATUS),
    ]
