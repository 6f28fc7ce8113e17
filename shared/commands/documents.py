"""Documents, and the invoices that were found in them."""

from datetime import date, datetime
from enum import IntEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.access import Principal
from shared.commands.common import PagedQuery, Query
from shared.words import ApprovalState, DocumentKind, DocumentStage, PaymentState, StepKind


class PageImageWidth(IntEnum):
    """Pixels."""

    #: Beside something else on a screen.
    SCREEN = 900
    #: For who looks closely.
    CLOSE = 1800


class DocumentQuery(Query):
    """`query.documents.document` -> `DocumentDetail`, or `document_not_found`."""

    document_id: UUID
    #: Who asks: the approval is shown if they may see it. None: to the service itself, and everything is.
    asker: Principal | None = None


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
    #: `e_invoice`, `qr_bill`, `girocode` or `text`; `person` where somebody corrected or confirmed it,
    #: `supplier` where it is known of the supplier and stands nowhere on the page.
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
    """The invoice that was found in a document, or that a person found in it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: `invoice` or `credit_note`.
    kind: str
    #: The most trusted source that it has; `person` where only people say what it is.
    source: str
    #: `CII`, `ZUGFeRD 1` or `UBL` of an e-invoice.
    format: str | None = None
    fields: list[InvoiceField] = Field(default_factory=list)
    findings: list[InvoiceFinding] = Field(default_factory=list)
    #: The run that last changed it; None if no run has found it.
    run_id: UUID | None = None
    analysed_at: datetime


class AttachedDocument(BaseModel):
    """A document that came with another one: the attachment of an e-mail."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    document_id: UUID
    file_name: str


class ApprovalStep(BaseModel):
    """Something that happened to an approval."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: datetime
    kind: StepKind
    principal: str
    #: In words; of a person's step with what they wrote.
    words: str
    #: The values that it was about.
    values_version: str | None = None


class Payment(BaseModel):
    """Where the payment of an invoice stands, as far as the bank has said it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: PaymentState
    #: When that was told.
    at: datetime
    #: The payment file that ordered it, and its end-to-end id there.
    file_id: UUID | None = None
    payment_id: str | None = None
    #: As `1234.50`.
    amount: str | None = None
    currency: str | None = None
    execution_date: date | None = None
    booked_on: date | None = None
    #: ISO 20022 external status reason, and what it means.
    reason_code: str | None = None
    reason: str | None = None


class ApprovalDetail(BaseModel):
    """The approval of one invoice, with everything that happened to it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    document_id: UUID
    client: str
    file_name: str
    state: ApprovalState
    #: Names the values below: who approves says which they saw.
    values_version: str
    #: Field -> value.
    values: dict[str, str] = Field(default_factory=dict)
    #: Payment fields that a person has to confirm or correct before an approval is accepted.
    doubtful: list[str] = Field(default_factory=list)
    #: An earlier document that seems to be the same invoice, and whether a person said that it is to be paid.
    duplicate_of: UUID | None = None
    duplicate_confirmed: bool = False
    #: The rule that decided, and what else it had to say: a currency that could not be compared.
    rule: str
    note: str | None = None
    role: str
    approvals_needed: int
    #: Those whose approval counts, in their order.
    approved_by: list[str] = Field(default_factory=list)
    due: date
    overdue: bool
    cost_center: str | None = None
    #: The open question, and who asked it.
    question: str | None = None
    asked_by: str | None = None
    requested_at: datetime
    payment: Payment | None = None
    steps: list[ApprovalStep] = Field(default_factory=list)


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
    #: An earlier document of the client that seems to be the same invoice.
    duplicate_of: UUID | None = None
    approval: ApprovalDetail | None = None
    payment: Payment | None = None


class DocumentsQuery(PagedQuery):
    """`query.documents.documents` -> `DocumentsFound`: the newest first."""

    #: Who asks: approvals are told as far as they may see them. None: to the service itself, and all are.
    asker: Principal | None = None
    client: str | None = None
    #: Words that all stand in the file name, in any order and case.
    text: str | None = None
    #: Any of these.
    kind: list[DocumentKind] = Field(default_factory=list)
    stage: list[DocumentStage] = Field(default_factory=list)
    #: Only what came with this document.
    parent_id: UUID | None = None
    #: Only of these; None: of all.
    among: list[UUID] | None = Field(default=None, max_length=1000)
    #: Documents that the asker has heard of: those that are not known here are named in the answer.
    heard_of: list[UUID] = Field(default_factory=list, max_length=1000)


class DocumentRow(BaseModel):
    """One row of a list of documents."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    document_id: UUID
    client: str
    file_name: str
    media_type: str
    size: int
    uploaded_at: datetime
    stage: DocumentStage
    parent_id: UUID | None = None
    page_count: int | None = None
    #: `invoice` or `credit_note`, where one was found.
    invoice_kind: str | None = None
    issuer_name: str | None = None
    invoice_number: str | None = None
    #: What is to be paid, as `1234.50`.
    amount: str | None = None
    currency: str | None = None
    duplicate_of: UUID | None = None
    approval: ApprovalState | None = None
    payment: PaymentState | None = None


class DocumentsPage(BaseModel):
    items: list[DocumentRow]
    next_cursor: str | None = None


class DocumentsFound(DocumentsPage):
    #: Of `heard_of` those that the service does not know (yet).
    unknown: list[UUID] = Field(default_factory=list)


class PageImageQuery(Query):
    """`query.documents.page-image` -> `PageImage`, which is stored by then. `document_not_found`,
    `file_not_ready` as long as there is no PDF, `page_not_found`, or why the page cannot be shown."""

    document_id: UUID
    #: From 1.
    page: int
    width: PageImageWidth = PageImageWidth.SCREEN


class PageImage(BaseModel):
    """A page of a document's PDF as a picture."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: In the files of the client.
    client: str
    key: str
    media_type: str
    #: Bytes.
    size: int
    sha256: str
    #: Pixels.
    width: int
    height: int
    #: Points, as the boxes of fields are measured.
    page_width: float
    page_height: float
    #: Pages of the document.
    pages: int
