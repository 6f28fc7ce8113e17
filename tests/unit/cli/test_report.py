"""The HTML report of a tour: everything in one file, and nothing of a document is taken for HTML."""

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cli.report.drawing import timeline_svg
from cli.report.page import render_report, write_report
from cli.report.thumbnails import thumbnail
from shared.words import RunState
from tests.unit.cli.examples import QUESTIONS, detail
from tests.unit.cli.stories import a_story

VOID = {"meta", "img", "br", "link"}


class Reader(HTMLParser):
    """Collects tags and addresses, and fails on tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def page(tmp_path: Path) -> str:
    return render_report(a_story(tmp_path))


def test_the_report_needs_nothing_from_elsewhere(page: str) -> None:
    reader = read(page)
    assert "script" not in reader.tags
    assert all(address.startswith("data:") for address in reader.addresses)
    assert "@import" not in page
    assert "url(" not in page


def test_what_documents_and_services_say_is_text(page: str) -> None:
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "letter &lt;b&gt;.pdf" in page
    assert "<b>1</b> record failed" not in page


def test_the_report_tells_the_whole_tour(page: str) -> None:
    for word in (
        "What became of 2 documents",
        "Rechnung Nr. 2026-0417",
        "pdf_encrypted",
        "Ask the sender for an unlocked copy.",
        "the same bytes are the same document",
        "91 % confidence",
        "100.0 % like the true text",
        "1 of 2",
        "the rerun changed nothing (found: 2 created)",
    ):
        assert word in page
    for title, words in QUESTIONS.values():
        assert page.count(title) == 4
        assert words in page


def test_the_report_is_for_light_dark_and_paper(page: str) -> None:
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_the_timeline_is_a_picture_with_words() -> None:
    svg = ElementTree.fromstring(timeline_svg(detail(state=RunState.SUCCEEDED)))
    titles = [title.text for title in svg.iter("title")]
    assert svg.attrib["role"] == "img"
    assert "recognized" in svg.attrib["aria-label"]
    assert "attempt 1 on host:4711: succeeded" in titles
    assert "<b>1</b> record failed" in titles
    for rectangle in svg.iter("rect"):
        assert float(rectangle.attrib["x"]) + float(rectangle.attrib["width"]) <= 720


def test_a_run_that_never_started_has_a_timeline_too() -> None:
    run = detail(state=RunState.CANCELLED, started_at=None, attempts=[])
    svg = ElementTree.fromstring(timeline_svg(run))
    assert [rectangle.attrib["class"] for rectangle in svg.iter("rect")] == ["waiting"]


def test_a_run_of_no_length_does_not_divide_by_it() -> None:
    run = detail(state=RunState.CANCELLED)
    ended_at_once = run.model_copy(update={"finished_at": run.requested_at, "started_at": run.requested_at})
    assert re.search(r"nan|inf", timeline_svg(ended_at_once)) is None


def test_a_killed_writer_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tmp_path / "out" / "report.html"
    write_report(a_story(tmp_path), report)
    before = report.read_text()

    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_report(a_story(tmp_path), report)
    assert report.read_text() == before


def test_samples_have_pictures_and_what_is_none_has_not(tmp_path: Path) -> None:
    samples = Path(__file__).parents[3] / "samples"
    for name in ("invoice-scanned.pdf", "fax-two-pages.tif", "receipt-photo.jpg"):
        address = thumbnail(samples / name)
        assert address is not None
        assert address.startswith("data:image/jpeg;base64,")
        assert len(address) < 200_000
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 and no more")
    assert thumbnail(broken) is None
