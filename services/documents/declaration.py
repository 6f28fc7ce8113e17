"""What the documents service offers and listens to."""

from typing import Final

from services.documents.jobs.analyse_invoice import analyse_invoice
from services.documents.jobs.convert_to_pdf import convert_to_pdf
from services.documents.jobs.ocr import ocr
from shared.declaration import Declaration

DECLARATION: Final = Declaration(
    name="documents", jobs=(convert_to_pdf, ocr, analyse_invoice), listens=("event.document.uploaded",)
)
