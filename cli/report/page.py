"""The report of a tour: one HTML file that needs nothing else, not even a script."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from cli.demo.story import Story
from cli.demo.words import (
    APPROVAL_SIGNS,
    PAYMENT_SIGNS,
    amount_of,
    called_words,
    changed_words,
    field_words,
    job_words,
    money,
    outcomes,
    party_of,
    retry_words,
    source_words,
    to_be_done,
)
from cli.render.words import STATE_STYLES, duration, plain
from cli.report.drawing import chain_bars, timeline_svg
from cli.report.thumbnails import thumbnail


def write_report(story: Story, path: Path) -> None:
    """Write the report; a reader sees the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(render_report(story), encoding="utf-8")
    unfinished.replace(path)


def render_report(story: Story) -> str:
    environment = Environment(
        loader=PackageLoader("cli", "report"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": duration,
        "plain": plain,
        "clock": lambda time: f"{time.astimezone(UTC):%H:%M:%S}",
        "sign": lambda state: STATE_STYLES[state][0],
        "approval_sign": lambda state: APPROVAL_SIGNS[state][0],
        "payment_sign": lambda state: PAYMENT_SIGNS[state][0],
        "timeline": timeline_svg,
        "job": job_words,
        "source": source_words,
        "field": field_words,
        "amount": amount_of,
        "to_be_done": to_be_done,
        "party": party_of,
        "outcomes": outcomes,
        "changed": changed_words,
        "called": called_words,
        "retry": retry_words,
        "picture": thumbnail,
        "in_full": lambda content: content.decode(errors="replace"),
    }
    environment.globals["money"] = money
    return environment.get_template("template.html.j2").render(
        story=story,
        chains={document.document_id: chain_bars(story.runs_of(document)) for document in story.documents},
        held=sum(check.held for check in story.checks),
        written_at=datetime.now(UTC),
        software=version("tagwerk"),
        machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    )
