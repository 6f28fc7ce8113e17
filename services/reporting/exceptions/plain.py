"""An exception report as CSV, for programs: the same columns in every language, ISO 8601 moments."""

from pathlib import Path
from typing import Final

from services.reporting.exceptions.content import Content, Line
from services.reporting.renderer.tables import harmless, write_table

COLUMNS: Final = (
    "kind", "at", "open", "what", "key", "run_id", "state", "code", "cause", "next_step", "records", "failed",
    "retry", "invoice_number", "amount", "currency", "role",
)  # fmt: skip


def write_csv(content: Content, folder: Path) -> Path:
    """UTF-8, RFC 4180, in `folder`."""
    return write_table(COLUMNS, map(_row, content.lines), folder)


def _row(line: Line) -> list[str]:
    run = line.kind == "run"
    return [
        line.kind,
        line.at.isoformat(),
        "true" if line.open else "false",
        harmless(line.what),
        harmless(line.key),
        line.run_id or "",
        line.state or "",
        harmless(line.code),
        harmless(line.cause),
        harmless(line.next_step),
        str(line.records) if run else "",
        str(line.failed) if run else "",
        line.retry or "",
        harmless(line.number),
        f"{line.amount:f}" if line.amount is not None else "",
        harmless(line.currency),
        harmless(line.role),
    ]
