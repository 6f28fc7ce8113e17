"""A due-date report as CSV, for programs: the same columns in every language, ISO 8601 days,
amounts with a point."""

from pathlib import Path
from typing import Final

from services.reporting.due_dates.content import Content, Line
from services.reporting.renderer.tables import harmless, write_table

COLUMNS: Final = (
    "document_id", "kind", "supplier", "invoice_number", "due_date", "amount", "currency", "state", "role",
    "possible_duplicate",
)  # fmt: skip


def write_csv(content: Content, folder: Path) -> Path:
    """UTF-8, RFC 4180, in `folder`."""
    return write_table(COLUMNS, map(_row, content.lines), folder)


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
