"""A report as CSV, for programs: the same columns in every language, ISO 8601 days, amounts with a point."""

import csv
from pathlib import Path
from typing import Final

from services.reporting.due_dates.content import Content, Line

COLUMNS: Final = (
    "document_id", "kind", "supplier", "invoice_number", "due_date", "amount", "currency", "state", "role",
    "possible_duplicate",
)  # fmt: skip
#: With what a spreadsheet takes a text for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write_csv(content: Content, folder: Path) -> Path:
    """UTF-8, RFC 4180, in `folder`."""
    target = folder / "report.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_row(line) for line in content.lines)
    return target


def _row(line: Line) -> list[str]:
    return [
        line.document_id,
        "credit_note" if line.credit_note else "invoice",
        harmless(line.supplier),
        harmless(line.invoice_number),
        line.due.isoformat() if line.due else "",
        f"{line.amount:f}" if line.amount is not None else "",
        harmless(line.currency),
        line.state,
        harmless(line.role),
        "true" if line.possible_duplicate else "false",
    ]


def harmless(text: str | None) -> str:
    """A text that no spreadsheet takes for a formula, with an apostrophe before it (OWASP, CSV injection)."""
    if not text:
        return ""
    return f"'{text}" if text.startswith(_FORMULA) else text
