"""A report of reminders as CSV, for programs: the same columns in every language, ISO 8601 days, amounts with
a point."""

from pathlib import Path
from typing import Final

from services.reporting.reminded.content import Content, Line
from services.reporting.renderer.tables import harmless, write_table

COLUMNS: Final = (
    "result", "reminded_on", "person", "sent_to", "matter", "due", "step", "document_id", "supplier",
    "invoice_number", "amount", "currency", "state", "run_id", "effect",
)  # fmt: skip


def write_csv(content: Content, folder: Path) -> Path:
    """UTF-8, RFC 4180, in `folder`."""
    return write_table(COLUMNS, map(_row, content.lines), folder)


def _row(line: Line) -> list[str]:
    return [
        line.group,
        line.on.isoformat(),
        line.person,
        line.substitute or line.person,
        line.matter,
        line.due.isoformat(),
        str(line.step),
        line.document_id,
        harmless(line.supplier),
        harmless(line.invoice_number),
        f"{line.amount:f}" if line.amount is not None else "",
        harmless(line.currency),
        line.state,
        line.run_id,
        line.effect,
    ]
