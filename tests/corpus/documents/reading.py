"""Reading samples as the service's children do, but in this process: hundreds of children take minutes."""

from datetime import date
from pathlib import Path
from typing import Any, Final

from services.documents.analysts import Analysis, analysis_of
from services.documents.readers import Engine
from services.documents.steps.invoice_reader import InvoiceReader
from services.documents.steps.reader import Reader

_TODAY: Final = date(2026, 11, 1)


def analysed(file: Path, folder: Path, layers: dict[str, str] | None = None) -> Analysis:
    """The analysis of a file; `folder` is for temporary files."""
    reader = InvoiceReader(str(file), layers or {}, str(folder))
    reader.e_invoice()
    found: dict[str, Any] = reader.analyse(_TODAY.isoformat())
    return analysis_of(found)


def recognized(scan: Path, folder: Path, engine: Engine) -> Analysis:
    """The analysis of a PDF of pictures, after its text was recognized."""
    reader = Reader(str(scan), str(folder), engine.program, engine.tessdata, engine.languages)
    pages = range(1, reader.inspect()["pages"] + 1)
    layers = {str(page): str(folder / reader.read_page(page)["layer"]) for page in pages}
    return analysed(scan, folder, layers)
