"""An exception report as PDF: how many, on which days, and what is to be done about each."""

from pathlib import Path
from typing import Any, Final

from services.reporting.exceptions.content import DAYS, Content, Line, bars_of, sections_of
from services.reporting.exceptions.words import Words
from services.reporting.renderer.typesetting import clean, typeset

_TEMPLATE: Final = Path(__file__).with_name("report.typ")
#: Lines of a kind that are told one by one; a workbook has them all.
_TOLD: Final = 200
#: Letters of a text of others, which may be as long as an exception is.
_LONGEST: Final = 400


def write_pdf(content: Content, folder: Path) -> Path:
    """The PDF, in `folder`."""
    return typeset(_TEMPLATE, shown(content), folder)


def shown(content: Content) -> dict[str, Any]:
    """What `report.typ` shows, in words."""
    words = Words(content.language)
    waiting = sum(line.open for line in content.lines)
    since, until = content.since.date(), content.as_of
    span = words.long_day(until)
    if since != until:
        span = words("span", first=words.long_day(since), last=span)
    return {
        "title": words("title"),
        "client": clean(content.client),
        "until": span,
        "as_of": words("as_of", day=words.long_day(until)),
        "page": words("page"),
        "nothing": None if content.lines else words("nothing"),
        "figures": [
            {"name": words(name), "value": words.count(count), "late": late}
            for name, count, late in (
                ("open", waiting, waiting > 0),
                ("settled", len(content.lines) - waiting, False),
                ("all", len(content.lines), False),
            )
        ]
        if content.lines
        else [],
        "counts": [
            [words.heading(kind, content.stuck_after), words.count(len(lines))]
            for kind, lines in sections_of(content)
        ],
        "chart": _chart(content, words),
        "hidden": words("hidden", count=words.count(content.hidden)) if content.hidden else None,
        "sections": [
            {
                "title": words.heading(kind, content.stuck_after),
                "count": words.count(len(lines)),
                "rows": [_row(line, words) for line in lines[:_TOLD]],
                "more": words("more", count=words.count(len(lines) - _TOLD)) if len(lines) > _TOLD else None,
            }
            for kind, lines in sections_of(content)
        ],
    }


def _chart(content: Content, words: Words) -> dict[str, Any] | None:
    """Bars of how many there were; none where there is nothing to compare."""
    bars = bars_of(content)
    highest = max((bar.count for bar in bars), default=0)
    if len(bars) < 2 or highest == 0:
        return None
    weeks = (content.as_of - content.since.date()).days >= DAYS
    every = 1 if len(bars) <= 10 else 5
    return {
        "title": words("chart_weeks" if weeks else "chart"),
        "bars": [
            {
                "name": words.short_day(bar.first) if place % every == 0 else "",
                "amount": words.count(bar.count) if bar.count else "",
                "share": bar.count / highest,
                "late": bar.open > 0,
            }
            for place, bar in enumerate(bars)
        ],
    }


def _row(line: Line, words: Words) -> dict[str, Any]:
    facts = [words.state(line)]
    if line.kind == "run" and line.failed:
        facts.append(words("of_records", failed=words.count(line.failed), records=words.count(line.records)))
    if line.retry and line.open:
        facts.append(words(line.retry))
    if line.amount is not None:
        facts.append(f"{line.currency or ''} {words.amount(line.amount)}".strip())
    cause = "" if line.kind == "run" and line.cause is None else words.cause(line)
    return {
        "when": words.moment(line.at) if line.kind != "stuck" else words.day(line.at.date()),
        "what": clean(f"{line.what} {line.number or ''}".strip() if line.kind == "stuck" else line.what),
        "facts": clean(" · ".join(filter(None, facts))),
        "cause": _shortened(cause),
        "next": _shortened(words.next_step(line)) if line.open else "",
        "id": clean(line.run_id or line.key),
        "open": line.open,
    }


def _shortened(text: str) -> str:
    text = clean(text)
    return text if len(text) <= _LONGEST else text[:_LONGEST].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
