"""The HTML report of a tour: everything in one file, and nothing of a document is taken for HTML."""

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cli.demo.story import TakenRun
from cli.report.drawing import chain_bars, timeline_svg
from cli.report.page import render_report, write_report
from cli.report.thumbnails import thumbnail
from shared.words import RunState
from tests.unit.cli.examples import OTHER_RUN, QUESTIONS, at, detail
from tests.unit.cli.stories import a_story

VOID = {"meta", "img", "br", "link"}


class Reader(HTMLParser):
    """Collects tags and addresses, and fails on tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.ids: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action")]
        self.ids |= {value or "" for name, value in attrs if name == "id"}
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
def page() -> str:
    return render_report(a_story())


def test_the_report_needs_nothing_from_elsewhere(page: str) -> None:
    reader = read(page)
    assert "script" not in reader.tags
    assert all(address.startswith(("data:", "#")) for address in reader.addresses)
    anchors = {address.removeprefix("#") for address in reader.addresses if address.startswith("#")}
    assert anchors <= reader.ids, "a link within the page leads somewhere"
    assert "@import" not in page
    assert "url(" not in page


def test_what_documents_and_services_say_is_text(page: str) -> None:
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "letter &lt;b&gt;.pdf" in page
    assert "<b>1</b> record failed" not in page
    assert "Nordlicht &lt;Druck&gt; GmbH" in page


def test_the_report_tells_the_whole_tour(page: str) -> None:
    for word in (
        "Three papers, from arrival to payment",
        "1949.75",
        "the QR-bill",
        "the text says 1947.95",
        "contradicted",
        "approved: fine; one more person has to approve",
        "No invoice stands in it",
        "CHF 1,949.75",
        "AC04: the account is closed",
        "&lt;Document&gt;&amp;&lt;/Document&gt;",
        "CHF -1,949.75",
        "found by payment id",
        "pdf_encrypted",
        "Ask the sender for an unlocked copy.",
        "the same bytes are the same document",
        "1 of 2 things were as expected",
        "the same statement again changes nothing (found: 2 created)",
    ):
        assert word in page
    for title, words in QUESTIONS.values():
        # Of each of the three runs, and once more where the failure is told.
        assert page.count(title) == 4
        assert words in page


def test_each_run_says_in_a_word_what_its_answers_say(page: str) -> None:
    row = re.search(r"the same statement again</span>.*?</summary>", page, re.DOTALL)
    assert row is not None
    words = [" ".join(re.sub("<[^>]*>", "", cell).split()) for cell in row[0].split("</span><span>")]
    assert "data changed no" in words
    assert "called outside no" in words
    assert "retry safe" in words[-1]


def test_the_way_of_a_document_lies_on_one_scale() -> None:
    first = TakenRun(detail(state=RunState.SUCCEEDED), "letter.pdf")
    later = detail(OTHER_RUN, RunState.SUCCEEDED, requested_at=at(2.5), started_at=at(3), finished_at=at(5))
    bars = chain_bars([first, TakenRun(later, "letter.pdf")])
    assert [bar.job for bar in bars] == ["OCR", "OCR"]
    places = [(bar.left, bar.waiting, bar.working) for bar in bars]
    assert [round(share) for place in places for share in place] == [0, 6, 44, 50, 10, 40]
    assert bars[0].cause == "document.uploaded"
    assert chain_bars([]) == []


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
    write_report(a_story(), report)
    before = report.read_text()

    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_report(a_story(), report)
    assert report.read_text() == before


def test_pages_have_pictures_and_what_cannot_be_shown_has_none() -> None:
    samples = Path(__file__).parents[3] / "samples"
    for name in ("qr-bill-scanned.pdf", "invoice-zugferd.pdf"):
        address = thumbnail((samples / name).read_bytes())
        assert address is not None
        assert address.startswith("data:image/jpeg;base64,")
        assert len(address) < 250_000
    assert thumbnail(b"%PDF-1.7 and no more") is None
    assert thumbnail(None) is None
