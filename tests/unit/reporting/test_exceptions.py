"""What an exception report says, and that nothing in it becomes markup or a formula."""

import csv
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pypdfium2
import pytest

from services.reporting.exceptions.content import Content, Line, bars_of
from services.reporting.exceptions.pdf import shown
from services.reporting.exceptions.summary import summary_of
from services.reporting.exceptions.words import Words
from services.reporting.letter import as_html, as_text
from services.reporting.renderer.writer import Writer

ZONE: Final = ZoneInfo("Europe/Zurich")
TODAY: Final = date(2026, 11, 28)
EVIL: Final = "=1+2 #strong[x]<b>"


def line(kind: str, day: int, what: str = "Import daily rates", **changes: Any) -> Line:
    return Line(kind, datetime(2026, 11, day, 9, 12, tzinfo=ZONE), what, "integrations.rates", **changes)


LINES: Final = (
    line("doubt", 27, run_id="r-1", number="mail:1", cause="it broke off"),
    line("run", 28, state="failed", cause=EVIL, next_step=EVIL, code="gone", retry="safe"),
    line("run", 27, state="partially_failed", cause="one is wrong", records=120, failed=3, open=False),
    line("missed", 25, number="integrations.rates"),
    line("stuck", 3, what=EVIL, state="waiting", role="accounting", amount=Decimal("1234.50"),
         currency="CHF", number="-2+3"),
)  # fmt: skip


def content(*lines: Line, language: str = "en", since: date = date(2026, 11, 22), hidden: int = 0) -> Content:
    begin = datetime(since.year, since.month, since.day, tzinfo=ZONE)
    return Content("acme", TODAY, begin, language, 5, lines, hidden)


def text_of(path: Path) -> str:
    with pypdfium2.PdfDocument(path) as pdf:
        return " ".join(page.get_textpage().get_text_range() for page in pdf)


def test_what_was_written_is_read_back() -> None:
    assert Content.of(content(*LINES).plain()).plain() == content(*LINES).plain()


def test_days_have_bars_and_long_spans_weeks() -> None:
    assert [(bar.first.day, bar.count, bar.open) for bar in bars_of(content(*LINES))] == [
        (22, 0, 0), (23, 0, 0), (24, 0, 0), (25, 1, 1), (26, 0, 0), (27, 2, 1), (28, 1, 1),
    ]  # fmt: skip
    weeks = bars_of(content(*LINES, since=date(2026, 10, 1)))
    assert [(bar.first, bar.last) for bar in weeks][-1] == (date(2026, 11, 26), TODAY)
    assert sum(bar.count for bar in weeks) == 4
    assert shown(content(line("run", 28, state="failed"), since=TODAY))["chart"] is None


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["Still to do", "3 of 120 records failed", "waits for approval: accounting", "decide first",
                "2 more concern jobs", "nobody was there to start it"]),
        ("de", ["Noch zu tun", "3 von 120 Datensätzen", "wartet auf Freigabe: accounting",
                "zuerst entscheiden", "2 weitere betreffen Jobs", "Verpasste Termine"]),
    ],
)  # fmt: skip
def test_the_pdf_says_it_in_words(tmp_path: Path, language: str, said: list[str]) -> None:
    lines = (*LINES, line("run", 26, state="interrupted", retry="decide"))
    orders = content(*lines, language=language, hidden=2).plain()
    text = text_of(tmp_path / Writer("exceptions", orders, str(tmp_path)).pdf())
    for words in [*said, "#strong[x]"]:
        assert words in text, text


def test_causes_are_told_in_the_language_of_the_report() -> None:
    refused = line("run", 28, state="failed", cause="no connection: 127.0.0.1 refuses it", next_step="Wait.")
    assert Words("de").cause(refused) == "keine Verbindung: 127.0.0.1 lehnt sie ab"
    assert Words("en").cause(refused) == refused.cause
    letter = summary_of(content(refused, language="de")).letter()
    assert "lehnt sie ab" in as_text(letter)


def test_a_report_of_nothing_says_so(tmp_path: Path) -> None:
    text = text_of(tmp_path / Writer("exceptions", content().plain(), str(tmp_path)).pdf())
    assert "Nothing went wrong, and nothing waits for anybody." in text
    letter = summary_of(content(language="de")).letter()
    assert letter.subject == "Ausnahmen bei acme: keine"
    assert "Es ist nichts schiefgegangen" in as_text(letter)


def test_the_workbook_has_types_and_no_formula(tmp_path: Path) -> None:
    path = tmp_path / Writer("exceptions", content(*LINES).plain(), str(tmp_path)).xlsx()
    with ZipFile(path) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        strings = book.read("xl/sharedStrings.xml").decode()
        assert not [name for name in book.namelist() if "externalLink" in name]
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet
    assert "=1+2 #strong" in strings
    # A moment, as a number of days; numbers of records; an amount.
    assert re.search(r'<c r="B3" s="\d+"><v>46354\.38\d*</v></c>', sheet)
    assert re.search(r'<c r="I4"[^>]*><v>120</v></c><c r="J4"[^>]*><v>3</v></c>', sheet)
    assert re.search(r'<c r="M6" s="\d+"><v>1234.5</v></c>', sheet)


def test_csv_is_for_programs_and_no_formula(tmp_path: Path) -> None:
    path = tmp_path / Writer("exceptions", content(*LINES, language="de").plain(), str(tmp_path)).csv()
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [row["kind"] for row in rows] == ["doubt", "run", "run", "missed", "stuck"]
    assert rows[1]["at"] == "2026-11-28T09:12:00+01:00"
    assert (rows[1]["cause"], rows[4]["invoice_number"]) == (f"'{EVIL}", "'-2+3")
    assert (rows[2]["open"], rows[2]["records"], rows[4]["amount"]) == ("false", "120", "1234.50")


def test_a_mail_names_what_is_to_be_done_and_escapes_what_it_is_told() -> None:
    letter = summary_of(content(*LINES)).letter()
    assert letter.subject == "Exceptions of acme: 4 to look after"
    assert [row[1] for row in letter.rows][-1] == f"{EVIL}: waits for approval: accounting"
    html = as_html(letter)
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
