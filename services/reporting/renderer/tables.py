"""Writing CSV, for programs."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

#: With what a spreadsheet takes a text for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]], folder: Path) -> Path:
    """UTF-8, RFC 4180, in `folder`."""
    target = folder / "report.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return target


def harmless(text: str | None) -> str:
    """A text that no spreadsheet takes for a formula, with an apostrophe before it (OWASP, CSV injection)."""
    if not text:
        return ""
    return f"'{text}" if text.startswith(_FORMULA) else text
