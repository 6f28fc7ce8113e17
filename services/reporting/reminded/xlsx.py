"""A report of reminders as a workbook: the list, and how many there were at each step."""

from pathlib import Path
from typing import Any, Final

from services.reporting.reminded.content import Content, Line, groups_of, steps_of
from services.reporting.reminded.words import Words
from services.reporting.renderer.workbook import (
    WORKBOOK,
    for_printing,
    open_workbook,
    write_day,
    write_head,
    write_texts,
)

_HEADS: Final = (
    "group", "on", "person", "substitute", "matter", "due", "step", "supplier", "number", "amount",
    "currency", "now", "document", "run",
)  # fmt: skip
#: Letters of each column.
_WIDTHS: Final = (30, 14, 20, 20, 20, 14, 8, 36, 18, 14, 10, 24, 38, 38)


def write_xlsx(content: Content, folder: Path) -> Path:
    """The workbook, in `folder`."""
    words = Words(content.language)
    with open_workbook(folder, content, words("title"), content.as_of) as (book, formats):
        sheet = book.add_worksheet(words("title"))
        write_head(sheet, [words(name) for name in _HEADS], _WIDTHS, len(content.lines), formats)
        for row, line in enumerate(content.lines, 1):
            _write_line(sheet, row, line, words, formats)
        for_printing(sheet)
        _write_summary(book.add_worksheet(words("summary")), content, words, formats)
    return folder / WORKBOOK


def _write_line(sheet: Any, row: int, line: Line, words: Words, formats: dict[str, Any]) -> None:
    write_texts(sheet, row, 0, [words(line.group)])
    write_day(sheet, row, 1, line.on, formats)
    write_texts(sheet, row, 2, [line.person, line.substitute or line.person, words(line.matter)])
    write_day(sheet, row, 5, line.due, formats)
    sheet.write_number(row, 6, line.step)
    write_texts(sheet, row, 7, [line.supplier, line.invoice_number])
    if line.amount is not None:
        sheet.write_number(row, 9, float(line.amount), formats["amount"])
    write_texts(sheet, row, 10, [line.currency, words(line.state), line.document_id, line.run_id])


def _write_summary(sheet: Any, content: Content, words: Words, formats: dict[str, Any]) -> None:
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 2, 22)
    sheet.write_string(0, 0, f"{words('title')}: {content.client}", formats["title"])
    sheet.write_string(1, 0, words.days(content))
    row = 3
    write_texts(sheet, row, 0, [words("group"), words("all")], formats["head"])
    for group, lines in groups_of(content):
        row += 1
        sheet.write_string(row, 0, words(group))
        sheet.write_number(row, 1, len(lines))
    row += 2
    write_texts(sheet, row, 0, [words("step"), words("all"), words("open")], formats["head"])
    for step, count, waiting in steps_of(content):
        row += 1
        sheet.write_number(row, 0, step)
        sheet.write_number(row, 1, count)
        sheet.write_number(row, 2, waiting)
