"""Writing a workbook: days as days, amounts as numbers, all else as text and never as a formula."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from xlsxwriter import Workbook

from services.reporting.contents import Content

#: Name of the file.
WORKBOOK: Final = "report.xlsx"
_INK: Final = "#1d2733"
_ACCENT: Final = "#2d4fb8"
_LATE: Final = "#b3372b"
_AMOUNT: Final = "#,##0.00;[Red]-#,##0.00"
#: Of a cell.
_LONGEST: Final = 32_767
_DAY: Final = {"en": "d mmm yyyy", "de": "dd.mm.yyyy"}


@contextmanager
def open_workbook(
    folder: Path, content: Content, title: str, made: date
) -> Iterator[tuple[Workbook, dict[str, Any]]]:
    """A workbook in `folder` with its formats: `head`, `title`, `bold`, `day`, `late`, `moment`, `amount`."""
    day = _DAY[content.language]
    # Without `constant_memory` the same text is kept once for all cells, which makes smaller files.
    with Workbook(folder / WORKBOOK, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties(
            {"title": title, "company": content.client, "created": datetime.combine(made, time())}
        )
        styles: dict[str, dict[str, Any]] = {
            "head": {"bold": True, "font_color": "white", "bg_color": _ACCENT, "valign": "vcenter"},
            "title": {"bold": True, "font_size": 16, "font_color": _INK},
            "bold": {"bold": True},
            "day": {"num_format": day, "align": "left"},
            "late": {"num_format": day, "align": "left", "font_color": _LATE},
            "moment": {"num_format": f"{day} hh:mm:ss", "align": "left"},
            "amount": {"num_format": _AMOUNT},
        }
        yield book, {name: book.add_format(style) for name, style in styles.items()}


def write_head(
    sheet: Any, heads: Sequence[str], widths: Sequence[int], rows: int, formats: dict[str, Any]
) -> None:
    """The first row of a list with so many rows below; `widths` in letters."""
    for column, (head, width) in enumerate(zip(heads, widths, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, head, formats["head"])
    sheet.set_row(0, 20)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, rows), len(heads) - 1)


def for_printing(sheet: Any) -> None:
    """A4 across, as wide as the page, with the first row on each."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def write_texts(sheet: Any, row: int, column: int, texts: Sequence[str | None], format: Any = None) -> None:
    """Texts side by side; nothing where there is none. A cell holds 32,767 characters at most."""
    for place, text in enumerate(texts):
        if text:
            sheet.write_string(row, column + place, text[:_LONGEST], format)


def write_day(sheet: Any, row: int, column: int, day: date, formats: dict[str, Any]) -> None:
    sheet.write_datetime(row, column, datetime.combine(day, time()), formats["day"])


def write_moment(sheet: Any, row: int, column: int, moment: datetime | None, formats: dict[str, Any]) -> None:
    """A moment as the clock of its zone shows it: a workbook knows no zones."""
    if moment is not None:
        sheet.write_datetime(row, column, moment.replace(tzinfo=None), formats["moment"])
