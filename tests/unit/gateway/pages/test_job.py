import re
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from services.gateway.identity.core import local_path
from services.gateway.pages.job import job_view
from services.gateway.pages.preferences import LANGUAGES, Language
from services.gateway.pages.schema import parameters_of
from services.gateway.pages.troubleshooting import ROOT, render, troubleshooting
from shared.commands import Durations, JobOverview, RunsPage
from shared.incoming import IncomingFile
from tests.unit.gateway.pages.jobs import CLERK, entry, run, took


class Wanted(BaseModel):
    since: date | None = Field(default=None, description="No day before this one")
    files: list[IncomingFile] = []
    source: Literal["ecb", "bazg"] = "ecb"
    count: int = Field(ge=1, le=9)


def test_parameters_are_read_from_the_schema() -> None:
    found = {parameter.name: parameter for parameter in parameters_of(Wanted.model_json_schema())}
    assert list(found) == ["count", "since", "files", "source"], "required ones first"
    assert (found["since"].type, found["since"].default) == ("day", None)
    assert found["since"].description == "No day before this one"
    assert (found["files"].type, found["files"].several, found["files"].limits) == ("file", True, [])
    assert (found["source"].type, found["source"].choices) == ("choice", ["ecb", "bazg"])
    assert found["source"].default == "ecb"
    assert (found["count"].type, found["count"].required) == ("whole number", True)
    assert found["count"].limits == ["≥ 1", "≤ 9"]


def test_a_job_page_knows_how_its_runs_stand_and_whether_there_is_more() -> None:
    job = entry()
    runs = [run(job.id, minutes_ago=1, duration=4), run(job.id, minutes_ago=2, duration=2)]
    stands = JobOverview(job=job.id, states={"succeeded": 2}, ended=2, succeeded=2, typical=3.0)
    durations = Durations(items=[took(4), took(2)])
    view = job_view(job, CLERK, RunsPage(items=runs, next_cursor="more"), stands, durations, None)
    assert (view.overview, view.more_runs, list(view.runs)) == (stands, True, runs)
    assert view.chart is not None
    nothing = job_view(job, CLERK, RunsPage(items=[]), None, Durations(items=[]), None)
    assert (nothing.overview, nothing.chart) == (None, None)


def test_troubleshooting_is_html_with_anchors_for_codes_and_nothing_live() -> None:
    html = render(
        "# Title\n\nSee [the page](../operations.md#x), [a site](https://example.org).\n\n"
        "## The file\n\n### `file_empty`\n1. <script>alert(1)</script>\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    )
    assert "Title" not in html
    assert '<h4 id="file_empty"><code>file_empty</code></h4>' in html
    assert "<h3>The file</h3>" in html
    assert "<script>" not in html
    assert "operations.md" not in html
    assert '<a href="https://example.org">a site</a>' in html
    assert '<table tabindex="0">' in html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", sorted((ROOT / "docs/jobs").glob("*.md")), ids=lambda page: page.stem)
def test_every_troubleshooting_page_is_rendered_in_every_language(page: Path, language: Language) -> None:
    guide = troubleshooting(f"docs/jobs/{page.name}", language)
    assert guide is not None
    assert guide.language == language, "the page is not translated"
    assert "<h3>" in guide.html
    assert "](" not in guide.html


@pytest.mark.parametrize("page", sorted((ROOT / "docs/jobs/de").glob("*.md")), ids=lambda page: page.stem)
def test_a_translated_page_tells_as_much_as_the_page_itself(page: Path) -> None:
    """The same headings, steps and rows in the same order, the same code, addresses and settings."""
    english, german = ((folder / page.name).read_text() for folder in (page.parents[1], page.parent))
    assert _outline(german) == _outline(english)
    assert set(re.findall(r"`([a-zA-Z_./-]{3,})`", english)) <= set(
        re.findall(r"`([a-zA-Z_./-]{3,})`", german)
    )


def _outline(text: str) -> list[str]:
    lines = [re.match(r"#{1,3} (`\w+`)?|\d+\. |\|", line) for line in text.splitlines()]
    return [line[0] for line in lines if line]


@pytest.mark.parametrize("page", ["docs/jobs/none.md", "docs/jobs/../api.md", "/etc/passwd", "README.md", ""])
def test_no_other_file_is_read(page: str) -> None:
    assert troubleshooting(page) is None


@pytest.mark.parametrize(
    ("wanted", "leads"),
    [
        ("/runs?state=failed", "/runs?state=failed"),
        ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/"), ("", "/"),
        ("/\r\nSet-Cookie: a=b", "/"), ("javascript:alert(1)", "/"),
    ],
)  # fmt: skip
def test_nobody_is_led_elsewhere(wanted: str, leads: str) -> None:
    assert local_path(wanted) == leads
