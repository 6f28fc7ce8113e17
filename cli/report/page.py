"""The report of a tour: one HTML file that needs nothing else, not even a script."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from cli.demo.show import how_sure
from cli.demo.story import Story
from cli.render.words import STATE_STYLES, duration, plain
from cli.report.drawing import timeline_svg
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
        "how_sure": how_sure,
        "timeline": timeline_svg,
    }
    pages = sum(len(document.records) for document in story.documents)
    runs = [document.run for document in story.documents]
    return environment.get_template("template.html.j2").render(
        story=story,
        pages=pages,
        runs=runs,
        thumbnails={document.name: thumbnail(document.path) for document in story.documents},
        held=sum(check.held for check in story.checks),
        written_at=datetime.now(UTC),
        software=version("tagwerk"),
        machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    )
