"""An audit report as CSV, for programs: the same columns in every language, ISO 8601 moments."""

from pathlib import Path
from typing import Final

from services.reporting.audit_log.content import Content, Entry
from services.reporting.renderer.tables import harmless, write_table

COLUMNS: Final = (
    "number", "time", "principal", "effective_principal", "kind", "concern", "client", "reason", "run_id",
    "before", "after",
)  # fmt: skip


def write_csv(content: Content, folder: Path) -> Path:
    """UTF-8, RFC 4180, in `folder`."""
    return write_table(COLUMNS, map(_row, content.entries), folder)


def _row(entry: Entry) -> list[str]:
    texts = (
        entry.principal, entry.effective_principal, entry.kind, entry.concern, entry.client, entry.reason,
        entry.run_id, entry.before, entry.after,
    )  # fmt: skip
    return [str(entry.number), entry.time.isoformat(), *map(harmless, texts)]
