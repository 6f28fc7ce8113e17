"""Where an invoice stands, made of what other services told of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final
from uuid import UUID

from shared.events import (
    ApprovalRequested,
    ApprovalWithdrawn,
    InvoiceAnalysed,
    InvoiceApproved,
    InvoiceCorrected,
    InvoicePaid,
    InvoiceQuestioned,
    InvoiceRejected,
    PaymentStatusChanged,
)
from shared.words import ApprovalState, PaymentState

InvoiceEvent = (
    InvoiceAnalysed
    | InvoiceCorrected
    | ApprovalRequested
    | ApprovalWithdrawn
    | InvoiceApproved
    | InvoiceQuestioned
    | InvoiceRejected
    | PaymentStatusChanged
    | InvoicePaid
)


class InvoiceState(StrEnum):
    """How far an invoice is, from its reading to its payment."""

    #: Nobody has been asked to approve it.
    READ = "read"
    WAITING = "waiting"
    #: Somebody asked back and waits for an answer.
    QUESTIONED = "questioned"
    #: Approved, and in no payment file.
    TO_PAY = "to_pay"
    #: Its payment is with the bank.
    ORDERED = "ordered"
    #: The bank refused the payment.
    REFUSED = "refused"
    PAID = "paid"
    #: People do not want to pay it.
    REJECTED = "rejected"


#: Nobody has to do anything about these any more.
SETTLED: Final = frozenset({InvoiceState.PAID, InvoiceState.REJECTED})


@dataclass(frozen=True, slots=True)
class Invoice:
    document_id: UUID
    client: str
    #: `invoice` or `credit_note`.
    kind: str
    state: InvoiceState
    #: Since when it is there.
    since: datetime
    supplier: str | None = None
    invoice_number: str | None = None
    #: Of a credit note below zero.
    amount: Decimal | None = None
    currency: str | None = None
    due_date: date | None = None
    possible_duplicate: bool = False
    #: Who may approve, if it waits for that, and by when.
    role: str | None = None
    approval_due: date | None = None
    #: Whose approval counts already, who asked back, and whether the bank refused the payment before.
    approved_by: tuple[str, ...] = ()
    asked_by: str | None = None
    payment_refused: bool = False


@dataclass(slots=True)
class _Known:
    """What is known after some of the events."""

    kind: str = "invoice"
    values: dict[str, str] | None = None
    duplicate: bool = False
    approval: ApprovalState | None = None
    role: str | None = None
    approval_due: date | None = None
    payment: PaymentState | None = None
    approved_by: tuple[str, ...] = ()
    asked_by: str | None = None

    def take(self, event: InvoiceEvent) -> None:
        match event:
            case InvoiceAnalysed():
                self.kind, self.values = event.kind, dict(event.values)
                self.duplicate = event.duplicate_of is not None
            case InvoiceCorrected():
                values = {**(self.values or {}), **event.after}
                self.values = {name: value for name, value in values.items() if value is not None}
            case ApprovalRequested():
                self.approval = ApprovalState.WAITING
                self.role, self.approval_due = event.role, event.due
                self.approved_by = tuple(event.approved_by)
            case ApprovalWithdrawn():
                self.approval = ApprovalState.WAITING
                self.approved_by = tuple(event.approved_by)
            case InvoiceApproved():
                self.kind, self.values = event.kind, dict(event.values)
                self.approval, self.duplicate = ApprovalState.APPROVED, False
                if self.payment is PaymentState.REJECTED:
                    self.payment = PaymentState.OPEN
            case InvoiceQuestioned():
                asked = event.answer is None
                self.approval = ApprovalState.QUESTIONED if asked else ApprovalState.WAITING
                self.asked_by = event.principal if asked else None
            case InvoiceRejected():
                self.approval = ApprovalState.REJECTED
            case PaymentStatusChanged():
                self.payment = event.after
            case InvoicePaid():
                self.payment = PaymentState.PAID

    @property
    def state(self) -> InvoiceState:
        match self.payment:
            case PaymentState.PAID:
                return InvoiceState.PAID
            case PaymentState.ORDERED | PaymentState.ACCEPTED:
                return InvoiceState.ORDERED
        match self.approval:
            case ApprovalState.REJECTED:
                return InvoiceState.REJECTED
            case ApprovalState.WAITING:
                return InvoiceState.WAITING
            case ApprovalState.QUESTIONED:
                return InvoiceState.QUESTIONED
            case ApprovalState.APPROVED:
                refused = self.payment is PaymentState.REJECTED
                return InvoiceState.REFUSED if refused else InvoiceState.TO_PAY
        return InvoiceState.READ


def fold(events: Iterable[InvoiceEvent]) -> Invoice:
    """The invoice that these events, all of one document and at least one, tell of; in whichever order they
    come."""
    ordered = sorted(events, key=lambda event: (event.time, event.id))
    known, state, since = _Known(), InvoiceState.READ, ordered[0].time
    for event in ordered:
        known.take(event)
        if known.state is not state:
            state, since = known.state, event.time
    values = known.values or {}
    waits = state in (InvoiceState.WAITING, InvoiceState.QUESTIONED)
    return Invoice(
        document_id=ordered[0].document_id,
        client=ordered[0].client,
        kind=known.kind,
        state=state,
        since=since,
        supplier=values.get("issuer_name") or values.get("payee_name"),
        invoice_number=values.get("invoice_number"),
        amount=_amount(values, known.kind),
        currency=values.get("currency"),
        due_date=_day(values.get("due_date")),
        possible_duplicate=known.duplicate,
        role=known.role if waits else None,
        approval_due=known.approval_due if waits else None,
        approved_by=known.approved_by if waits else (),
        asked_by=known.asked_by if state is InvoiceState.QUESTIONED else None,
        payment_refused=waits and known.payment is PaymentState.REJECTED,
    )


def _amount(values: dict[str, str], kind: str) -> Decimal | None:
    written = values.get("payable_amount") or values.get("gross_amount")
    try:
        amount = Decimal(written) if written else None
    except InvalidOperation:
        return None
    return -abs(amount) if amount is not None and kind == "credit_note" else amount


def _day(written: str | None) -> date | None:
    try:
        return date.fromisoformat(written) if written else None
    except ValueError:
        return None
