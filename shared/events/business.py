"""The facts of the business, each published on the subject that is its type."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from shared.events.base import BusinessEventBase
from shared.events.systems import SystemReachable, SystemUnreachable
from shared.events.watch import (
    QueueUnworked,
    QueueWorked,
    RunFound,
    RunLost,
    RunOverdue,
    RunOverdueEnded,
)
from shared.words import PaymentState, RateSource


class DocumentUploaded(BusinessEventBase):
    """The original is stored and can be processed."""

    type: Literal["event.document.uploaded"] = "event.document.uploaded"
    document_id: UUID
    file_name: str
    media_type: str
    #: Bytes.
    size: int
    sha256: str
    #: The document that brought it along: the e-mail of an attachment.
    parent_id: UUID | None = None


class DocumentConverted(BusinessEventBase):
    """There is a PDF of the document: the original itself, or one that was made of it."""

    type: Literal["event.document.converted"] = "event.document.converted"
    document_id: UUID
    #: By content, of the original.
    media_type: str
    #: Whether the original is that PDF.
    passed: bool
    pages: int


class DocumentTextRecognized(BusinessEventBase):
    """The text of a document can be read; `confidence` is the mean over its pages in percent, None if all
    pages had a text layer."""

    type: Literal["event.document.text_recognized"] = "event.document.text_recognized"
    document_id: UUID
    pages: int
    confidence: float | None = None


class InvoiceAnalysed(BusinessEventBase):
    """An invoice was found in a document, by a run or a person, or what was found in it has changed."""

    type: Literal["event.invoice.analysed"] = "event.invoice.analysed"
    document_id: UUID
    #: `invoice` or `credit_note`.
    kind: str
    #: The most trusted source that it has: `e_invoice`, `qr_bill`, `girocode`, `text` or `person`.
    source: str
    #: Field -> value of every field that was found; amounts as `1234.50`, dates as `2026-03-31`.
    values: dict[str, str] = Field(default_factory=dict)
    #: Fields whose value a person has to confirm first: they are uncertain or contradicted.
    doubtful: list[str] = Field(default_factory=list)
    #: An earlier document of the client that seems to be the same invoice.
    duplicate_of: UUID | None = None


class InvoiceCorrected(BusinessEventBase):
    """A person corrected fields of an invoice. Field -> value before and after; None where there is none."""

    type: Literal["event.invoice.corrected"] = "event.invoice.corrected"
    document_id: UUID
    before: dict[str, str | None]
    after: dict[str, str | None]
    reason: str | None = None


class ApprovalRequested(BusinessEventBase):
    """An invoice waits for people to approve it, for the first time or again."""

    type: Literal["event.approval.requested"] = "event.approval.requested"
    document_id: UUID
    #: The rule that decided, by its name in the rules file.
    rule: str
    #: Who may approve.
    role: str
    #: Different people who have to approve: 2 is four eyes.
    approvals_needed: int
    #: By when, so that the payment is in time.
    due: date
    #: Why again: what the bank said about the payment.
    reason: str | None = None


class InvoiceApproved(BusinessEventBase):
    """An invoice may be paid, as its values stand here. A later event of the same document replaces it."""

    type: Literal["event.invoice.approved"] = "event.invoice.approved"
    document_id: UUID
    #: `invoice` or `credit_note`.
    kind: str
    #: Field -> value, as `InvoiceAnalysed` has them, with the corrections.
    values: dict[str, str]
    cost_center: str | None = None
    #: Everybody whose approval counted, in their order.
    approved_by: list[str]


class ApprovalWithdrawn(BusinessEventBase):
    """Somebody took the own approval of an invoice back, before it stood in a payment file."""

    type: Literal["event.approval.withdrawn"] = "event.approval.withdrawn"
    document_id: UUID
    reason: str
    #: Everybody whose approval still counts.
    approved_by: list[str]


class InvoiceRejected(BusinessEventBase):
    """An invoice will not be paid."""

    type: Literal["event.invoice.rejected"] = "event.invoice.rejected"
    document_id: UUID
    reason: str


class InvoiceQuestioned(BusinessEventBase):
    """Somebody who has to approve an invoice asks back; or, with `answer`, was answered."""

    type: Literal["event.invoice.questioned"] = "event.invoice.questioned"
    document_id: UUID
    question: str
    answer: str | None = None


#: Exact: in JSON a string without an exponent.
Exact = Annotated[Decimal, PlainSerializer(lambda value: f"{value:f}", return_type=str, when_used="json")]


class DailyRate(BaseModel):
    """One exchange rate: 1 `base` costs `rate` `quote`, on `day`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: The foreign currency, as seen by the source: the quote of the ECB, the base of the BAZG.
    currency: str
    day: date
    base: str
    quote: str
    rate: Exact


class RatesImported(BusinessEventBase):
    """Exchange rates are new or have changed: those that it names, up to 500."""

    type: Literal["event.rates.imported"] = "event.rates.imported"
    source: RateSource
    rates: list[DailyRate]


class PaymentStatusChanged(BusinessEventBase):
    """The payment of an invoice was ordered, or the bank said something about it."""

    type: Literal["event.payment.status_changed"] = "event.payment.status_changed"
    document_id: UUID
    #: The payment file that ordered it.
    file_id: UUID
    #: End-to-end id of the order.
    payment_id: str
    before: PaymentState
    after: PaymentState
    amount: Exact
    currency: str
    #: Day on which the bank executes it.
    execution_date: date | None = None
    #: ISO 20022 external status reason: `AC04`.
    reason_code: str | None = None
    #: What that means, in words, with what the bank added.
    reason: str | None = None


class PaymentWithheld(BusinessEventBase):
    """An approved invoice is in no payment file and gets into none before it is approved again, because the
    principal takes the own approval back."""

    type: Literal["event.payment.withheld"] = "event.payment.withheld"
    document_id: UUID
    #: Of the approval that is taken back, as `WithholdPayment` named it.
    round: int
    reason: str


class InvoicePaid(BusinessEventBase):
    """A bank statement shows the payment of an invoice."""

    type: Literal["event.invoice.paid"] = "event.invoice.paid"
    document_id: UUID
    amount: Exact
    currency: str
    booked_on: date
    #: IBAN of the client's own account.
    account: str
    #: Record key of the bank transaction.
    transaction: str
    #: How it was found: `payment_id`, `reference` or `amount_and_party`.
    matched_by: str


class MessageReceived(BusinessEventBase):
    """A system outside told something over MQTT. It is what they say, and no fact of ours."""

    type: Literal["event.message.received"] = "event.message.received"
    #: What the rule calls it.
    name: str
    topic: str
    #: The payload.
    data: dict[str, Any]


BusinessEvent = (
    DocumentUploaded
    | DocumentConverted
    | DocumentTextRecognized
    | InvoiceAnalysed
    | InvoiceCorrected
    | ApprovalRequested
    | InvoiceApproved
    | ApprovalWithdrawn
    | InvoiceRejected
    | InvoiceQuestioned
    | PaymentStatusChanged
    | PaymentWithheld
    | InvoicePaid
    | RatesImported
    | MessageReceived
    | RunOverdue
    | RunOverdueEnded
    | RunLost
    | RunFound
    | QueueUnworked
    | QueueWorked
    | SystemUnreachable
    | SystemReachable
)
