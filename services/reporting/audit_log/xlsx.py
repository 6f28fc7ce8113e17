"""An audit report as a workbook: the list, and what proves it."""

from collections import Counter
from pathlib import Path
from typing import Any, Final

from services.reporting.audit_log.content import Content, Entry, bars_of
from services.reporting.audit_log.summary import proof_of
from services.reporting.audit_log.words import Words
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
    "number", "when", "who", "as", "deed", "concern", "client", "reason", "run_id", "before", "after",
)  # fmt: skip
#: Letters of each column.
_WIDTHS: Final = (10, 20, 24, 24, 26, 44, 16, 44, 38, 40, 40)


def write_xlsx(content: Content, folder: Path) -> Path:
    """The workbook, in `folder`."""
    words = Words(content.language)
    with open_workbook(folder, content, words("title"), content.as_of) as (book, formats):
        sheet = book.add_worksheet(words("entries"))
        write_head(sheet, [words(name) for name in _HEADS], _WIDTHS, len(content.entries), formats)
        for row, entry in enumerate(content.entries, 1):
            _write_entry(sheet, row, entry, words, formats)
        for_printing(sheet)
        _write_summary(book.add_worksheet(words("summary")), content, words, formats)
    return folder / WORKBOOK


def _write_entry(sheet: Any, row: int, entry: Entry, words: Words, formats: dict[str, Any]) -> None:
    sheet.write_number(row, 0, entry.number)
    write_moment(sheet, row, 1, entry.time, formats)
    write_texts(
        sheet,
        row,
        2,
        [
            entry.principal, entry.effective_principal, words.deed(entry.kind), entry.concern, entry.client,
            entry.reason, entry.run_id, entry.before, entry.after,
        ],
    )  # fmt: skip


def _write_summary(sheet: Any, content: Content, words: Words, formats: dict[str, Any]) -> None:
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 1, 18)
    sheet.write_string(0, 0, f"{words('title')}: {content.client}", formats["title"])
    newest = content.entries[0].number if content.entries else None
    said = proof_of(content.proof, newest, words)
    if content.cut:
        said.append(words("cut", count=words.count(len(content.entries))))
    row = 1
    for line in said:
        sheet.write_string(row, 0, line)
        row += 1
    for head, counts in (
        ("by_kind", Counter(words.deed(entry.kind) for entry in content.entries)),
        ("by_principal", Counter(entry.principal for entry in content.entries)),
    ):
        row += 1
        write_texts(sheet, row, 0, [words(head), words("entries")], formats["head"])
        for name, count in counts.most_common():
            row += 1
            write_texts(sheet, row, 0, [name])
            sheet.write_number(row, 1, count)
        row += 1
    row += 1
    write_texts(sheet, row, 0, [words("when"), words("entries")], formats["head"])
    for bar in bars_of(content):
        row += 1
        write_day(sheet, row, 0, bar.first, formats)
        sheet.write_number(row, 1, bar.count)
