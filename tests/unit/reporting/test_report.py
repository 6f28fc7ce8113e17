"""What a due-date report says, and that nothing in it becomes markup, a formula or a header."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import pypdfium2
import pytest

from services.reporting.due_dates.content import Content, Line, sections_of, sums_of, totals_of
from services.reporting.due_dates.summary import summary_of
from services.reporting.due_dates.words import Words
from services.reporting.letter import compose
from services.reporting.renderer.typesetting import fitting
from services.reporting.renderer.writer import Writer
from shared.words import ReportFormat

TODAY: Final = date(2026, 11, 28)
EVIL: Final = "=1+2 #strong[x]<b>"


def line(days: int | None = 0, amount: str | None = "100.00", **changes: Any) -> Line:
    due = None if days is None else TODAY + timedelta(days=days)
    fields: dict[str, Any] = {
        "document_id": "d-1", "supplier": "Käserei Oberland", "invoice_number": "R-17", "credit_note": False,
        "currency": "CHF", "state": "waiting", "role": "accounting",
    }  # fmt: skip
    return Line(due=due, amount=None if amount is None else Decimal(amount), **{**fields, **changes})


def content(*lines: Line, until: int = 30, language: str = "en") -> Content:
    return Content("acme", TODAY, TODAY + timedelta(days=until), language, lines)


LINES: Final = (
    line(-3, "1234.50"),
    line(-1, "-34.50", credit_note=True),
    line(0, "10.00", currency="EUR", state="to_pay", role=None, supplier=EVIL, invoice_number="-2+3"),
    line(1, "20.00"),
    line(2, "30.00"),
    line(4, None),
    line(None, "5.00", possible_duplicate=True),
)


def test_lines_stand_in_weeks_and_what_is_overdue_first() -> None:
    sections = sections_of(content(*LINES))
    assert [(one.kind, one.first, len(one.lines)) for one in sections[:3]] == [
        ("overdue", None, 2), ("week", TODAY, 2), ("week", date(2026, 11, 30), 2),
    ]  # fmt: skip
    assert (sections[-1].kind, len(sections[-1].lines), len(sections)) == ("undated", 1, 8)
    assert sections[0].sums == {"CHF": Decimal("1200.00")}
    assert sums_of(LINES) == {"CHF": Decimal("1255.00"), "EUR": Decimal("10.00")}
    francs, euros = totals_of(content(*LINES))
    assert (str(francs.overdue), francs.overdue_count) == ("1200.00", 2)
    assert (str(francs.due), francs.due_count) == ("50.00", 2)
    assert (euros.currency, str(euros.whole)) == ("EUR", "10.00")


def test_far_days_are_told_as_months_and_then_together() -> None:
    months = sections_of(content(line(100), until=120))[1:-1]
    assert [one.kind for one in months] == ["month"] * 5
    assert months[0].first == TODAY
    assert months[-1].last == TODAY + timedelta(days=120)
    long = sections_of(content(line(1000), until=1000))[1:-1]
    assert [one.kind for one in long] == ["month"] * 11 + ["later"]
    assert len(long[-1].lines) == 1
    assert [one.kind for one in sections_of(content(line(-5), until=-1))] == ["overdue", "undated"]


@pytest.mark.parametrize(
    ("language", "amount", "day", "week"),
    [
        ("en", "1,234.50", "28 Nov 2026", ["28\N{EN DASH}29 Nov", "30 Nov \N{EN DASH} 6 Dec"]),
        ("de", "1\N{RIGHT SINGLE QUOTATION MARK}234.50", "28.11.2026",
         ["28.\N{EN DASH}29.11.", "30.11.\N{EN DASH}6.12."]),
    ],
)  # fmt: skip
def test_each_language_writes_its_way(language: str, amount: str, day: str, week: list[str]) -> None:
    words = Words(language)
    assert (words.amount(Decimal("1234.5")), words.day(TODAY)) == (amount, day)
    assert [words.section(one) for one in sections_of(content())[1:3]] == week


def test_the_pdf_says_it_in_words(tmp_path: Path) -> None:
    path = tmp_path / Writer("due-dates", content(*LINES, language="de").plain(), str(tmp_path)).pdf()
    with pypdfium2.PdfDocument(path) as pdf:
        said = pdf[0].get_textpage().get_text_range()
    for words in ("Fällige Rechnungen", "Überfällig", "1’200.00", "Freigabe: accounting", "Zahlung anweisen"):
        assert words in said, said
    assert "#strong[x]" in said
    assert "1 Rechnung ohne Betrag oder Währung" in said


def test_a_report_of_nothing_says_so(tmp_path: Path) -> None:
    path = tmp_path / Writer("due-dates", content().plain(), str(tmp_path)).pdf()
    with pypdfium2.PdfDocument(path) as pdf:
        assert "Nothing is due until 28 December 2026." in pdf[0].get_textpage().get_text_range()


def test_the_workbook_has_types_and_no_formula(tmp_path: Path) -> None:
    path = tmp_path / Writer("due-dates", content(*LINES).plain(), str(tmp_path)).xlsx()
    with ZipFile(path) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        strings = book.read("xl/sharedStrings.xml").decode()
        assert not [name for name in book.namelist() if "externalLink" in name]
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet
    assert re.search(r'<c r="D2" s="\d+"><v>1234.5</v></c>', sheet)
    # A day, as a number of days.
    assert re.search(r'<c r="A2" s="\d+"><v>46351</v></c>', sheet)
    assert "=1+2 #strong" in strings


def test_csv_is_for_programs_and_no_formula(tmp_path: Path) -> None:
    path = tmp_path / Writer("due-dates", content(*LINES, language="de").plain(), str(tmp_path)).csv()
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [row["amount"] for row in rows] == ["1234.50", "-34.50", "10.00", "20.00", "30.00", "", "5.00"]
    assert (rows[0]["due_date"], rows[1]["kind"], rows[6]["due_date"]) == ("2026-11-25", "credit_note", "")
    assert (rows[2]["supplier"], rows[2]["invoice_number"]) == (f"'{EVIL}", "'-2+3")


def test_long_names_end_in_dots_on_their_line() -> None:
    assert fitting("Short name", 20) == "Short\N{NO-BREAK SPACE}name"
    long = fitting("Müller Transporte und Logistik Aktiengesellschaft", 10)
    assert long.endswith("\N{HORIZONTAL ELLIPSIS}")
    assert len(long) < 24


def test_a_mail_holds_figures_and_files_and_escapes_what_it_is_told() -> None:
    summary = summary_of(content(line(-9, supplier=EVIL), *LINES))
    mail = compose(
        summary.letter(),
        [(ReportFormat.PDF, "due.pdf", b"%PDF-"), (ReportFormat.CSV, "due.csv", b"a,b")],
        sender="Tagwerk <tagwerk@example.com>",
        recipient="anna@example.com",
        message_id="<1@example.com>",
        written=datetime(2026, 11, 28, 8, tzinfo=UTC),
    )
    assert mail["Subject"] == "Due invoices of acme until 28 Dec 2026"
    html = mail.get_body(("html",))
    assert html is not None
    shown = html.get_content()
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert "1,300.00" in shown
    names = [part.get_filename() for part in mail.iter_attachments()]
    assert names == ["due.pdf", "due.csv"]
