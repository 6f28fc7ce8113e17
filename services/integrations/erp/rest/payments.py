"""Payment states here and in the ERP: which differ, and who is right. Pure.

| here | in the ERP | becomes |
|---|---|---|
| open, rejected | settled | paid here: the ERP knows of a payment that was made past Tagwerk |
| ordered, accepted | settled | nothing: our order is under way, and the account statement has the last word |
| paid | open | settled in the ERP: the account statement has shown the payment |
| open, and the money came back | settled | nothing by itself: the ERP has to open it again |
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.integrations.erp.rest.entries import Entry, is_settled
from shared.errors import Failure
from shared.events import Record
from shared.words import Outcome, PaymentState

#: Name of the difference in a record.
HERE, THERE = "payment", "payment_in_erp"


@dataclass(frozen=True, slots=True)
class KnownPayment:
    """An invoice and its payment as this service knows them."""

    document_id: UUID
    state: PaymentState
    label: str
    invoice_number: str | None
    amount: Decimal | None
    currency: str | None
    #: When it was paid, if it is.
    paid_on: date | None = None
    #: A payment of it came back, or an order was taken back, after it had been paid.
    came_back: bool = False

    @property
    def key(self) -> str:
        return f"invoice:{self.document_id}"


@dataclass(frozen=True, slots=True)
class PaidThere:
    """Is to become paid here."""

    item: Entry
    payment: KnownPayment

    @property
    def record(self) -> Record:
        return Record(
            key=self.payment.key,
            outcome=Outcome.UPDATED,
            label=self.payment.label,
            message="changed here: paid, as the ERP says",
            changes={HERE: (self.payment.state, PaymentState.PAID)},
        )


@dataclass(frozen=True, slots=True)
class PaidHere:
    """Is to become settled in the ERP."""

    item: Entry
    payment: KnownPayment

    @property
    def record(self) -> Record:
        return settled_record(self.payment.document_id, self.payment.label)


def settled_record(document_id: UUID, label: str) -> Record:
    return Record(
        key=f"invoice:{document_id}",
        outcome=Outcome.UPDATED,
        label=label,
        message="changed in the ERP: paid, as it is here",
        changes={THERE: (PaymentState.OPEN, PaymentState.PAID)},
    )


Difference = PaidThere | PaidHere | Record


def differences(items: Iterable[Entry], payments: Sequence[KnownPayment]) -> list[Difference]:
    """What differs, in the order of the items; a record where nothing is to be changed."""
    of_document = {payment.document_id: payment for payment in payments}
    of_debt: dict[tuple[Any, ...], list[KnownPayment]] = {}
    for payment in payments:
        of_debt.setdefault((payment.invoice_number, payment.amount, payment.currency), []).append(payment)
    found: list[Difference] = []
    for item in items:
        known = _payment_of(item.values, of_document, of_debt)
        if known is not None and (difference := _difference(item, known)) is not None:
            found.append(difference)
    return found


def _payment_of(
    values: Mapping[str, Any],
    of_document: Mapping[UUID, KnownPayment],
    of_debt: Mapping[tuple[Any, ...], list[KnownPayment]],
) -> KnownPayment | None:
    """By the document that it was booked with; else by number, amount and currency, if that is one only."""
    if external := values.get("external_id"):
        return of_document.get(UUID(external))
    number = values.get("invoice_number")
    same = of_debt.get((number, Decimal(values["amount"]), values["currency"]), []) if number else []
    return same[0] if len(same) == 1 else None


def _difference(item: Entry, payment: KnownPayment) -> Difference | None:
    settled = is_settled(item.values)
    if payment.state is PaymentState.PAID:
        if settled:
            return None
        return PaidHere(item, payment) if item.etag else _not_changeable(item, payment)
    if not settled:
        return None
    if payment.came_back:
        return _came_back(item, payment)
    if payment.state in (PaymentState.ORDERED, PaymentState.ACCEPTED):
        return Record(
            key=payment.key,
            outcome=Outcome.SKIPPED,
            label=payment.label,
            message=f"paid in the ERP and {payment.state} here: the account statement has the last word",
        )
    return PaidThere(item, payment)


def failed(payment_key: str, label: str, code: str, cause: str, next_step: str) -> Record:
    failure = Failure(code=code, cause=cause, concern=payment_key, next_step=next_step)
    return Record(key=payment_key, outcome=Outcome.FAILED, label=label, failure=failure)


def _came_back(item: Entry, payment: KnownPayment) -> Record:
    return failed(
        payment.key,
        payment.label,
        "erp_payment_came_back",
        f"open item {item.id} is paid in the ERP, but the money came back or the payment was rejected",
        "Open the item again in the ERP. Nothing was changed here.",
    )


def _not_changeable(item: Entry, payment: KnownPayment) -> Record:
    return failed(
        payment.key,
        payment.label,
        "erp_item_without_etag",
        f"it is paid here and open in the ERP, but open item {item.id} came without an etag, so it cannot be "
        "changed safely",
        "Have the interface of the ERP corrected (docs/erp-rest.md), or mark the item as paid there.",
    )
