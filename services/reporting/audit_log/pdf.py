"""An audit report as PDF: figures, entries by day, what proves them, what to check, and the list."""

from collections import Counter
from pathlib import Path
from typing import Any, Final

from services.reporting.audit_log.content import (
    DAYS,
    GAPS,
    REFUSALS,
    RIGHTS,
    Content,
    Entry,
    bars_of,
)
from services.reporting.audit_log.summary import proof_of, span_of
from services.reporting.audit_log.words import Words
from services.reporting.renderer.typesetting import clean, fitting, typeset

_TEMPLATE: Final = Path(__file__).with_name("report.typ")
#: Entries that are told one by one; a workbook has them all.
_TOLD: Final = 1_000
#: Entries that stand together; a page breaks between groups.
_GROUP: Final = 10
#: Kinds and principals that are counted one by one.
_COUNTED: Final = 8
#: What fits into a column of the list, in em.
_WHO, _DEED, _CONCERN = 10.5, 12.0, 21.5


def write_pdf(content: Content, folder: Path) -> Path:
    """The PDF, in `folder`."""
    return typeset(_TEMPLATE, shown(content), folder)


def shown(content: Content) -> dict[str, Any]:
    """What `report.typ` shows, in words."""
    words, entries = Words(content.language), content.entries
    told = entries[:_TOLD]
    figures = (
        ("entries", len(entries), False),
        ("people", len({entry.principal for entry in entries}), False),
        ("refusals", content.count(REFUSALS), content.count(REFUSALS) > 0),
        ("rights", content.count(RIGHTS), False),
    )
    more = len(entries) - len(told)
    return {
        "title": words("title"),
        "client": clean(content.client),
        "until": clean(" · ".join([span_of(words, content.since, content.until), *_filters(content, words)])),
        "as_of": words("as_of", day=words.long_day(content.as_of)),
        "page": words("page"),
        "nothing": None if entries else words("nothing"),
        "figures": [
            {"name": words(name), "value": words.count(count), "late": late} for name, count, late in figures
        ]
        if entries
        else [],
        "chart": _chart(content, words),
        "proof": {
            "title": words("proof"),
            "lines": [
                clean(line) for line in proof_of(content.proof, entries[0].number if entries else None, words)
            ],
            "broken": content.proof.cause is not None,
        },
        "to_check": {"title": words("to_check"), "lines": _to_check(content, words)},
        "counts": [
            {
                "title": words("by_kind"),
                "rows": _most(Counter(words.deed(one.kind) for one in entries), words),
            },
            {"title": words("by_principal"), "rows": _most(Counter(one.principal for one in entries), words)},
        ]
        if entries
        else [],
        "cut": words("cut", count=words.count(len(entries))) if content.cut else None,
        "list": words("list"),
        "columns": [words(name) for name in ("when", "who", "deed", "concern")],
        "groups": [
            [_row(entry, words) for entry in told[start : start + _GROUP]]
            for start in range(0, len(told), _GROUP)
        ],
        "more": words("more", count=words.count(more)) if more else None,
    }


def _filters(content: Content, words: Words) -> list[str]:
    said = []
    if content.principal is not None:
        said.append(words("only_principal", principal=content.principal))
    if content.kinds:
        said.append(words("only_kinds", kinds=", ".join(words.deed(kind) for kind in content.kinds)))
    return said


def _to_check(content: Content, words: Words) -> list[str]:
    found = (("check_refusals", REFUSALS), ("check_rights", RIGHTS), ("check_gaps", GAPS))
    said = [words(name, count=words.count(count)) for name, kinds in found if (count := content.count(kinds))]
    return [*said, words("check_export")]


def _most(counts: "Counter[str]", words: Words) -> list[list[str]]:
    most = counts.most_common()
    rows = [[clean(name), words.count(count)] for name, count in most[:_COUNTED]]
    if rest := most[_COUNTED:]:
        rows.append(
            [words("others", count=words.count(len(rest))), words.count(sum(count for _, count in rest))]
        )
    return rows


def _chart(content: Content, words: Words) -> dict[str, Any] | None:
    """Bars of how many there are; none where there is nothing to compare, or not all are known."""
    bars = bars_of(content)
    highest = max((bar.count for bar in bars), default=0)
    if len(bars) < 2 or highest == 0 or content.cut:
        return None
    weeks = (content.until - content.since).days >= DAYS
    every = 1 if len(bars) <= 10 else 5
    return {
        "title": words("chart_weeks" if weeks else "chart"),
        "bars": [
            {
                "name": words.short_day(bar.first) if place % every == 0 else "",
                "amount": words.count(bar.count) if bar.count else "",
                "share": bar.count / highest,
                "late": bar.refused > 0,
            }
            for place, bar in enumerate(bars)
        ],
    }


def _row(entry: Entry, words: Words) -> dict[str, Any]:
    who = entry.principal
    if entry.effective_principal:
        who = f"{who} ({entry.effective_principal})"
    return {
        "cells": [
            words.moment(entry.time),
            fitting(who, _WHO),
            fitting(words.deed(entry.kind), _DEED),
            fitting(entry.concern, _CONCERN),
        ],
        "late": entry.kind in REFUSALS | GAPS,
    }
