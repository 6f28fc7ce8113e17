"""A report of reminders as PDF: how many, at which steps, and what became of each."""

from pathlib import Path
from typing import Any, Final

from services.reporting.reminded.content import GROUPS, Content, Line, groups_of, steps_of
from services.reporting.reminded.words import Words
from services.reporting.renderer.typesetting import clean, typeset

_TEMPLATE: Final = Path(__file__).with_name("report.typ")
#: Lines of a group that are told one by one; a workbook has them all.
_TOLD: Final = 300


def write_pdf(content: Content, folder: Path) -> Path:
    """The PDF, in `folder`."""
    return typeset(_TEMPLATE, shown(content), folder)


def shown(content: Content) -> dict[str, Any]:
    """What `report.typ` shows, in words."""
    words, groups = Words(content.language), groups_of(content)
    counts = {name: len(lines) for name, lines in groups}
    return {
        "title": words("title"),
        "client": clean(content.client),
        "until": words.days(content),
        "as_of": words("as_of", day=words.long_day(content.as_of)),
        "page": words("page"),
        "nothing": None if content.lines else words("nothing"),
        "figures": [
            {
                "name": words(name),
                "value": words.count(counts.get(name, 0)),
                "late": name != "done" and name in counts,
            }
            for name in GROUPS
            if content.lines
        ],
        "chart": _chart(content, words),
        "sections": [
            {
                "title": words(name),
                "count": words.count(len(lines)),
                "rows": [_row(line, words) for line in lines[:_TOLD]],
                "more": words("more", count=words.count(len(lines) - _TOLD)) if len(lines) > _TOLD else None,
            }
            for name, lines in groups
        ],
    }


def _chart(content: Content, words: Words) -> dict[str, Any] | None:
    """A bar for each step; none where there is nothing to compare."""
    steps = steps_of(content)
    if len(steps) < 2:
        return None
    highest = max(count for _, count, _ in steps)
    return {
        "title": words("steps"),
        "bars": [
            {
                "name": words("step_n", step=step),
                "amount": words.count(count),
                "share": count / highest,
                "late": waiting > 0,
            }
            for step, count, waiting in steps
        ],
    }


def _row(line: Line, words: Words) -> dict[str, Any]:
    doubtful = line.group == "in_doubt"
    return {
        "when": words.day(line.on),
        "what": clean(words.invoice(line)),
        "sum": clean(words.sum(line)),
        "whom": clean(f"{words.whom(line)} · {words('step_n', step=line.step)}"),
        "facts": f"{words(line.matter)}, {words('due').lower()} {words.day(line.due)}",
        "state": words(line.state),
        "next": words("decide", run=line.run_id, effect=line.effect) if doubtful else "",
        "open": line.group != "done",
    }
