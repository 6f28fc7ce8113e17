"""Payments: approved invoices, and the files that order them."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.commands.common import PagedQuery, Query
from shared.events import Exact
from shared.words import PaymentState


class PayablesQuery(PagedQuery):
    """`query.integrations.payables` -> `PayablesPage`, the earliest due first, then those without a date."""

    client: str | None = None
    state: PaymentState | None = None


class PayableRow(BaseModel):
    """An approved invoice, and how far its payment is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    document_id: UUID
    client: str
    #: `invoice` or `credit_note`.
    kind: str
    state: PaymentState
    invoice_number: str | None = None
    payee_name: str | None = None
    iban: str | None = None
    reference: str | None = None
    amount: Exact | None = None
    currency: str | None = None
    due_date: date | None = None
    approved_by: list[str]
    approved_at: datetime
    #: Its last order, and the file in which that stands.
    payment_id: str | None = None
    file_id: UUID | None = None
    #: Why create-payment-file does not order it by itself: rejected by the bank, corrected, rejected.
    held: str | None = None


class PayablesPage(BaseModel):
    items: list[PayableRow]
    next_cursor: str | None = None


class WithholdPayment(BaseModel):
    """`command.integrations.withhold` -> `Withheld`, or `payment_ordered` if it is too late. From then on no
    payment file takes the invoice up before a later approval."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    client: str
    #: Who takes the own approval back.
    principal: str
    document_id: UUID
    #: Approvals that were given before this time do not count.
    since: datetime
    #: The round of approval in which it was given.
    round: int
    reason: str
    traceparent: str | None = None


class Withheld(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    document_id: UUID


class PaymentFilesQuery(PagedQuery):
    """`query.integrations.payment-files` -> `PaymentFilesPage`, the newest first."""

    client: str | None = None


class CurrencyTotal(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    currency: str
    amount: Exact


class PaymentFileRow(BaseModel):
    """A pain.001 that was made for one bank."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    file_id: UUID
    client: str
    #: MsgId.
    message_id: str
    #: The run that ordered, and as whom.
    run_id: UUID
    principal: str
    created_at: datetime
    #: None as long as it is not handed over; it cannot be downloaded before.
    completed_at: datetime | None = None
    #: Bytes.
    size: int
    sha256: str
    totals: list[CurrencyTotal]
    #: State -> number of orders.
    states: dict[PaymentState, int]


class PaymentFilesPage(BaseModel):
    items: list[PaymentFileRow]
    next_cursor: str | None = None


class PaymentFileQuery(Query):
    """`query.integrations.payment-file` -> `PaymentFileDetail`; `payment_file_not_found`."""

    file_id: UUID


class PaymentOrderRow(BaseModel):
    """An order in a payment file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: EndToEndId.
    payment_id: str
    #: PmtInfId.
    block_id: str
    document_id: UUID
    state: PaymentState
    payee_name: str
    iban: str
    reference: str | None = None
    amount: Exact
    currency: str
    #: IBAN of the client's own account.
    account: str
    execution_date: date
    #: What the bank said last, and why.
    status_at: datetime | None = None
    reason_code: str | None = None
    reason: str | None = None


class PaymentFileDetail(PaymentFileRow):
    orders: list[PaymentOrderRow]
