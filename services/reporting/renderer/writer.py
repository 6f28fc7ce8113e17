"""What a writing process serves: one report, written in the formats that are asked for."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

#: Kind of a report -> where its content and its writers are: `content`, `pdf`, `xlsx` and `plain`.
PACKAGES: Final = {
    "audit": "services.reporting.audit_log",
    "due-dates": "services.reporting.due_dates",
    "exceptions": "services.reporting.exceptions",
    "reminders": "services.reporting.reminded",
}


class Writer:
    """Writes one report into a folder. Each method gives the name of the file."""

    def __init__(self, kind: str, content: dict[str, Any], folder: str) -> None:
        self._package = PACKAGES[kind]
        self._content = self._of("content").Content.of(content)
        self._folder = Path(folder)

    # What one format needs takes time to import, and no process writes them all.

    def pdf(self) -> str:
        return self._name(self._of("pdf").write_pdf(self._content, self._folder))

    def xlsx(self) -> str:
        return self._name(self._of("xlsx").write_xlsx(self._content, self._folder))

    def csv(self) -> str:
        return self._name(self._of("plain").write_csv(self._content, self._folder))

    def _of(self, module: str) -> Any:
        return import_module(f"{self._package}.{module}")

    @staticmethod
    def _name(path: Path) -> str:
        return path.name
