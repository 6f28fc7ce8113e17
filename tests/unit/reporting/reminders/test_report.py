"""What a report of reminders says, in every format."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import pypdfium2
import pytest

from services.reporting.letter import as_text
from services.reporting.reminded.content import Content, Line, steps_of
from services.reporting.reminded.summary import summary_of
from services.reporting.renderer.writer import Writer

TODAY: Final = date(2026, 3, 20)
EVIL: Final = "=1+2 #strong[x]<b>"


def line(**changes: Any) -> Line:
    facts: dict[str, Any] = {
        "on": date(2026, 3, 12), "person": "ada", "substitute": None, "matter": "approve",
        "due": date(2026, 3, 12), "step": 1, "document_id": "d-1", "supplier": "Käserei Oberland",
        "invoice_number": "R-1", "amount": Decimal("1234.50"), "currency": "CHF", "state": "waiting",
        "group": "open", "run_id": "r-1", "effect": "reminders:m-1",
    }  # fmt: skip
    return Line(**{**facts, **changes})


LINES: Final = (
    line(group="in_doubt", step=2, supplier=EVIL),
    line(step=3, substitute="ben"),
    line(group="done", state="paid", amount=None),
)


def content(*lines: Line, language: str = "en") -> Content:
    return Content("acme", date(2026, 3, 1), TODAY, language, lines)


def test_what_was_written_is_read_back() -> None:
    assert Content.of(content(*LINES).plain()) == Content("acme", date(2026, 3, 1), TODAY, "en", list(LINES))
    assert steps_of(content(*LINES)) == [(1, 1, 0), (2, 1, 1), (3, 1, 1)]


@pytest.mark.parametrize(("language", "words"), [("en", "Not done yet"), ("de", "Noch nicht erledigt")])
def test_every_format_holds_every_reminder(tmp_path: Path, language: str, words: str) -> None:
    writer = Writer("reminders", content(*LINES, language=language).plain(), str(tmp_path))
    with pypdfium2.PdfDocument(tmp_path / writer.pdf()) as document:
        text = "".join(page.get_textpage().get_text_bounded() for page in document)
    for said in (words, EVIL, "tagwerk decide r-1 reminders:m-1 happened", "ben"):
        assert said in text.replace("\r\n", " ")
    rows = list(csv.DictReader((tmp_path / writer.csv()).read_text().splitlines()))
    assert [(row["result"], row["sent_to"], row["supplier"][:2]) for row in rows] == [
        ("in_doubt", "ada", "'="),
        ("open", "ben", "Kä"),
        ("done", "ada", "Kä"),
    ]
    with ZipFile(tmp_path / writer.xlsx()) as book:
        sheet, strings = book.read("xl/worksheets/sheet1.xml"), book.read("xl/sharedStrings.xml").decode()
    assert b"<f>" not in sheet
    assert words in strings


def test_a_mail_tells_what_is_not_done() -> None:
    letter = summary_of(content(*LINES)).letter()
    assert letter.subject == "Reminders of acme: 2 not done"
    assert "Käserei Oberland, R-1: ada, Step 3" in as_text(letter)
    assert "Nobody was reminded of anything." in as_text(summary_of(content()).letter())
