"""Check a PDF before anything decodes it: it opens, nobody locked it, and no page costs too much."""

from dataclasses import dataclass
from pathlib import Path

import pikepdf

from services.documents.steps.pdf import PdfPages, page_too_large
from shared.process_child import Refused


@dataclass(frozen=True, slots=True)
class CheckedPdf:
    pages: int
    #: Whether somebody signed it digitally.
    signed: bool


def check_pdf(path: Path) -> CheckedPdf:
    """Raises `Refused`: `pdf_broken`, `pdf_encrypted`, `document_too_large` (no page is left)."""
    pages = PdfPages(path)
    try:
        too_large = pages.too_large()
        if len(too_large) == pages.count:
            number, reason = next(iter(too_large.items()))
            refusal = page_too_large(reason)
            raise Refused("document_too_large", f"page {number} is too large: {reason}", refusal.next_step)
        return CheckedPdf(pages.count, signed=is_signed(path))
    finally:
        pages.close()


def is_signed(path: Path) -> bool:
    """Whether the PDF has a signature field that is filled (ISO 32000-1, 12.7.4.5)."""
    with pikepdf.open(path) as pdf:
        form = pdf.Root.get("/AcroForm")
        fields = list(form.get("/Fields", [])) if isinstance(form, pikepdf.Dictionary) else []
        looked_at = 0
        while fields and looked_at < 1000:
            looked_at += 1
            field = fields.pop()
            if not isinstance(field, pikepdf.Dictionary):
                continue
            if field.get("/FT") == "/Sig" and "/V" in field:
                return True
            if isinstance(kids := field.get("/Kids"), pikepdf.Array):
                fields += list(kids)
    return False
