"""A due-date report as a workbook: the list, and a summary."""

from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from services.reporting.due_dates.content import Content, Line, duties_of, totals_of
from services.reporting.due_dates.words import Words
from services.reporting.renderer.workbook import (
    WORKBOOK,
    for_printing,
    open_workbook,
    write_head,
    write_texts,
)

#: Letters of each column of the list.
_WIDTHS: Final = (13, 36, 20, 15, 10, 30, 20, 38)


def write_xlsx(content: Content, folder: Path) -> Path:
    """A workbook with the list and a summary, in `folder`."""
    words = Words(content.language)
    with open_workbook(folder, content, words("title"), content.as_of) as (book, formats):
        _write_list(book.add_worksheet(words("title")), content, words, formats)
        _write_summary(book.add_worksheet(words("summary")), content, words, formats)
    return folder / WORKBOOK


def _write_list(sheet: Any, content: Content, words: Words, formats: dict[str, Any]) -> None:
    heads = ("due_date", "supplier", "number", "amount", "currency", "status", "duplicate", "document")
    write_head(sheet, [words(name) for name in heads], _WIDTHS, len(content.lines), formats)
    for row, line in enumerate(content.lines, 1):
        _write_line(sheet, row, line, content, words, formats)
    for_printing(sheet)


def _write_line(
    sheet: Any, row: int, line: Line, content: Content, words: Words, formats: dict[str, Any]
) -> None:
    if line.due is not None:
        late = line.due < content.as_of
        sheet.write_datetime(row, 0, datetime.combine(line.due, time()), formats["late" if late else "day"])
    write_texts(sheet, row, 1, [line.supplier, line.invoice_number])
    if line.amount is not None:
        sheet.write_number(row, 3, _number(line.amount), formats["amount"])
    duplicate = words("yes") if line.possible_duplicate else None
    write_texts(
        sheet, row, 4, [line.currency, words.next_step(line.state, line.role), duplicate, line.document_id]
    )


def _write_summary(sheet: Any, content: Content, words: Words, formats: dict[str, Any]) -> None:
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 4, 18)
    sheet.write_string(0, 0, f"{words('title')}: {content.client}", formats["title"])
    sheet.write_string(1, 0, words("until", day=words.day(content.until)))
    sheet.write_string(2, 0, words("as_of", day=words.day(content.as_of)))
    heads = [words("currency"), words("overdue"), words("due", day=words.day(content.until)), words("total")]
    for column, head in enumerate(heads):
        sheet.write_string(4, column, head, formats["head"])
    row = 5
    for total in totals_of(content):
        sheet.write_string(row, 0, total.currency)
        for column, amount in enumerate((total.overdue, total.due, total.whole), 1):
            sheet.write_number(row, column, _number(amount), formats["amount"])
        row += 1
    row += 1
    for column, head in enumerate((words("who"), words("number"), words("amount"), words("currency"))):
        sheet.write_string(row, column, head, formats["head"])
    for duty in duties_of(content):
        row += 1
        sheet.write_string(row, 0, words.next_step(duty.state, duty.role))
        sheet.write_number(row, 1, duty.count)
        for place, (currency, amount) in enumerate(sorted(duty.sums.items())):
            row += place > 0
            sheet.write_number(row, 2, _number(amount), formats["amount"])
            sheet.write_string(row, 3, currency)


def _number(amount: Decimal) -> float:
    """What a workbook can hold: 15 digits, more than any invoice has."""
    return float(amount)
