"""What the reading process serves: one document, page by page. See `shared.process`."""

import os
from pathlib import Path
from typing import Any

from services.documents.steps.pdf import DECODING_ERRORS, PdfPages, page_too_large
from shared.process_child import LimitExceeded, Refused


class Reader:
    """The PDF at `path`. Every method takes and returns JSON data; refusals are `Refused`.

    `folder` is for files that go to and fro; nothing else is written.
    """

    def __init__(self, path: str, folder: str, program: str, tessdata: str, languages: str) -> None:
        self._path = Path(path)
        self._folder = Path(folder)
        self._engine = (program, tessdata, languages)
        self._pages = PdfPages(self._path)

    def inspect(self) -> dict[str, Any]:
        """`{pages, too_large: {page: why}}`. Raises `document_too_large` if no page is left."""
        too_large = self._pages.too_large()
        if len(too_large) == self._pages.count:
            number, reason = next(iter(too_large.items()))
            refusal = page_too_large(reason)
            raise Refused("document_too_large", f"page {number} is too large: {reason}", refusal.next_step)
        return {
            "pages": self._pages.count,
            "too_large": {str(number): reason for number, reason in too_large.items()},
        }

    def read_page(self, number: int) -> dict[str, Any]:
        """`{source, text, confidence, turned, layer}` of page `number` (from 1); `layer` is the name of the
        text layer's file in the folder, None for a page that has its own."""
        try:
            text = self._pages.text_layer(number)
            if text is not None:
                return {"source": "text_layer", "text": text, "confidence": None, "turned": 0, "layer": None}
            page, dpi = self._pages.render(number)
        except (Refused, LimitExceeded, MemoryError):
            raise
        except DECODING_ERRORS as error:
            raise Refused(
                "page_unreadable",
                f"the page cannot be shown: {str(error) or type(error).__name__}",
                "Print or scan the page again and upload that.",
            ) from error
        # Only now: a document with a text layer does without the imports of recognition.
        from services.documents.steps.recognition import Tesseract

        layer = self._folder / f"layer-{number}-{os.getpid()}.pdf"
        found = Tesseract(*self._engine).recognize(page, dpi, layer)
        return {
            "source": "tesseract",
            "text": found.text,
            "confidence": found.confidence,
            "turned": found.turned,
            "layer": layer.name,
        }

    def assemble(self, layers: dict[str, str], target: str) -> dict[str, Any]:
        """Write the searchable PDF to the file `target` of the folder; `layers` are file names by page.
        `{signed}`: whether the document is."""
        from services.documents.steps.assembly import assemble
        from services.documents.steps.checks import is_signed

        found = {int(number): self._folder / name for number, name in layers.items()}
        assemble(self._path, found, self._folder / target)
        return {"signed": is_signed(self._path)}
