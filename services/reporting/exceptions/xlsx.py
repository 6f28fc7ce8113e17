"""An exception report as a workbook: the list, and how many there are of each kind and on each day."""

from pathlib import Path
from typing import Any, Final

from services.reporting.exceptions.content import Content, Line, bars_of, sections_of
from services.reporting.exceptions.words import Words
from services.reporting.renderer.workbook import (
    WORKBOOK,
    for_printing,
    open_workbook,
    write_day,
    write_head,
    write_moment,
    write_texts,
)

_HEADS: Final = (
    "kind", "when", "to_do", "what", "state", "code", "cause", "next", "records", "failed_records", "retry",
    "number", "amount", "currency", "run_id", "key",
)  # fmt: skip
#: Letters of each column.
_WIDTHS: Final = (30, 20, 8, 36, 28, 26, 60, 60, 11, 14, 24, 18, 14, 10, 38, 38)


def write_xlsx(content: Content, folder: Path) -> Path:
    """The workbook, in `folder`."""
    words = Words(content.language)
    with open_workbook(folder, content, words("title"), content.as_of) as (book, formats):
        sheet = book.add_worksheet(words("title"))
        write_head(sheet, [words(name) for name in _HEADS], _WIDTHS, len(content.lines), formats)
        for row, line in enumerate(content.lines, 1):
            _write_line(sheet, row, line, content, words, formats)
        for_printing(sheet)
        _write_summary(book.add_worksheet(words("summary")), content, words, formats)
    return folder / WORKBOOK


def _write_line(
    sheet: Any, row: int, line: Line, content: Content, words: Words, formats: dict[str, Any]
) -> None:
    write_texts(sheet, row, 0, [words.heading(line.kind, content.stuck_after)])
    write_moment(sheet, row, 1, line.at, formats)
    to_do = words("yes") if line.open else None
    write_texts(
        sheet,
        row,
        2,
        [to_do, line.what, words.state(line), line.code, words.cause(line), words.next_step(line)],
    )
    if line.kind == "run":
        sheet.write_number(row, 8, line.records)
        sheet.write_number(row, 9, line.failed)
    write_texts(sheet, row, 10, [words(line.retry) if line.retry else None, line.number])
    if line.amount is not None:
        sheet.write_number(row, 12, float(line.amount), formats["amount"])
    write_texts(sheet, row, 13, [line.currency, line.run_id, line.key])


def _write_summary(sheet: Any, content: Content, words: Words, formats: dict[str, Any]) -> None:
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 2, 18)
    sheet.write_string(0, 0, f"{words('title')}: {content.client}", formats["title"])
    sheet.write_string(1, 0, words("as_of", day=words.day(content.as_of)))
    row = 3
    write_texts(sheet, row, 0, [words("kind"), words("all"), words("open")], formats["head"])
    for kind, lines in sections_of(content):
        row += 1
        sheet.write_string(row, 0, words.heading(kind, content.stuck_after))
        sheet.write_number(row, 1, len(lines))
        sheet.write_number(row, 2, sum(line.open for line in lines))
    row += 2
    write_texts(sheet, row, 0, [words("when"), words("all"), words("open")], formats["head"])
    for bar in bars_of(content):
        row += 1
        write_day(sheet, row, 0, bar.first, formats)
        sheet.write_number(row, 1, bar.count)
        sheet.write_number(row, 2, bar.open)
