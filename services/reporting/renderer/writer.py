"""What a writing process serves: one report, written in the formats that are asked for."""

from pathlib import Path
from typing import Any

from services.reporting.due_dates.content import Content


class Writer:
    """Writes one report into a folder. Each method gives the name of the file."""

    def __init__(self, content: dict[str, Any], folder: str) -> None:
        self._content = Content.of(content)
        self._folder = Path(folder)

    # What one format needs takes time to import, and no process writes them all.

    def pdf(self) -> str:
        from services.reporting.renderer.pdf import write_pdf

        return write_pdf(self._content, self._folder).name

    def xlsx(self) -> str:
        from services.reporting.renderer.xlsx import write_xlsx

        return write_xlsx(self._content, self._folder).name

    def csv(self) -> str:
        from services.reporting.renderer.plain import write_csv

        return write_csv(self._content, self._folder).name
