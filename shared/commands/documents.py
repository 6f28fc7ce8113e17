"""Documents, and the invoices that were found in them."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.commands.common import Query


class DocumentQuery(Query):
    """`query.documents.document` -> `DocumentDetail`, or `document_not_found`."""

    document_id: UUID


class DocumentPage(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    page: int
    #: `text_layer` or `tesseract`.
    source: str
    #: Mean word confidence in percent; None for a text layer.
    confidence: float | None = None
    characters: int
    run_id: UUID


class OtherValue(BaseModel):
    """What another source, or another place of the same, says about a field."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    value: str
    source: str


class InvoiceField(BaseModel):
    """One field of an invoice. Amounts as `1234.50`, dates as `2026-03-31`, IBANs without spaces."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: `invoice_number`, `gross_amount`, ...: see `docs/jobs/analyse-invoice.md`.
    name: str
    value: str
    #: `e_invoice`, `qr_bill`, `girocode` or `text`.
    source: str
    #: Percent.
    confidence: float
    #: `certain`, `uncertain` or `contradicted`.
    verdict: str
    page: int | None = None
    #: Left, top, right, bottom in points from the upper left corner of the page.
    box: tuple[float, float, float, float] | None = None
    others: list[OtherValue] = Field(default_factory=list)


class InvoiceFinding(BaseModel):
    """Something about an invoice that a person should know."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    words: str
    #: Names of the fields that it concerns.
    fields: list[str] = Field(default_factory=list)


class AnalysedInvoice(BaseModel):
    """The invoice that was found in a document."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: `invoice` or `credit_note`.
    kind: str
    #: The most trusted source that it has.
    source: str
    #: `CII`, `ZUGFeRD 1` or `UBL` of an e-invoice.
    format: str | None = None
    fields: list[InvoiceField] = Field(default_factory=list)
    findings: list[InvoiceFinding] = Field(default_factory=list)
    #: The run that last changed it.
    run_id: UUID
    analysed_at: datetime


class AttachedDocument(BaseModel):
    """A document that came with another one: the attachment of an e-mail."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    document_id: UUID
    file_name: str


class DocumentDetail(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    document_id: UUID
    client: str
    file_name: str
    media_type: str
    size: int
    sha256: str
    uploaded_at: datetime
    #: The document that brought it along: the e-mail of an attachment.
    parent_id: UUID | None = None
    #: What came with it.
    attachments: list[AttachedDocument] = Field(default_factory=list)
    page_count: int | None = None
    pages: list[DocumentPage] = Field(default_factory=list)
    #: Files that can be downloaded besides the original: `pdf`, `text` and `searchable-pdf` -> key in the
    #: files port.
    files: dict[str, str] = Field(default_factory=dict)
    #: None until it was analysed, and for a document that is no invoice.
    invoice: AnalysedInvoice | None = None
