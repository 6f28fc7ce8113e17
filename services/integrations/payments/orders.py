"""From an approved invoice to a payment order, or to the reason why there is none. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from services.integrations.payments import characters, ids
from services.integrations.payments.accounts import Account
from services.integrations.payments.checks import (
    Kind,
    NotOrdered,
    ReferenceKind,
    abroad,
    account_for,
    check_amount,
    check_iban,
    check_reference,
)
from services.integrations.payments.days import next_working_day, working_day_from, working_day_until
from services.integrations.payments.payable import Payable, Wish
from shared.errors import Failure
from shared.events import Record
from shared.identifiers import (
    is_bic,
)
from shared.words import Outcome, PaymentState


@dataclass(frozen=True, slots=True)
class Address:
    """Structured, as banks want it since November 2025: town and country always."""

    town: str
    country: str
    street: str | None = None
    building_number: str | None = None
    postal_code: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One credit transfer, in the characters and lengths that the bank takes."""

    document_id: UUID
    #: Which order of the document, from 1.
    number: int
    account: Account
    kind: Kind
    execution_date: date
    amount: Decimal
    currency: str
    name: str
    iban: str
    bic: str | None
    address: Address | None
    reference_kind: ReferenceKind | None
    reference: str | None
    #: Unstructured remittance information, or what goes along with a reference.
    message: str | None
    label: str

    @property
    def key(self) -> str:
        return f"invoice:{self.document_id}"

    @property
    def payment_id(self) -> str:
        return ids.payment_id(self.document_id, self.number)


def judge(payable: Payable, accounts: Sequence[Account], wish: Wish) -> Order | Record:
    """The order that pays the invoice, or the record that says why it is not ordered."""
    named = wish.names(payable)
    if payable.state not in (PaymentState.OPEN, PaymentState.REJECTED):
        return _skipped(payable, f"its payment is {payable.state} already")
    if payable.kind == "credit_note":
        return _skipped(payable, "a credit note is not paid; set it off against an invoice of the same payee")
    if payable.held is not None:
        return _skipped(payable, f"{payable.held}; it can be paid when it is approved again")
    if payable.rejected is not None and not named:
        return _skipped(
            payable,
            f"the bank rejected its last payment: {payable.rejected}. It is ordered again when the invoice "
            "was corrected and approved again, or if it is named in `documents`",
        )
    currency = payable.values.get("currency", "")
    if wish.currency is not None and currency != wish.currency:
        return _skipped(payable, f"it is in {currency or 'no currency'}, and {wish.currency} was asked for")
    try:
        return _order(payable, accounts, wish, currency)
    except NotOrdered as reason:
        code, cause, next_step = reason.args
        failure = Failure(code=code, cause=cause, concern=payable.key, next_step=next_step)
        return Record(key=payable.key, outcome=Outcome.FAILED, label=payable.label, failure=failure)


def _skipped(payable: Payable, why: str) -> Record:
    return Record(key=payable.key, outcome=Outcome.SKIPPED, label=payable.label, message=why)


def _order(payable: Payable, accounts: Sequence[Account], wish: Wish, currency: str) -> Order | Record:
    amount = check_amount(payable.amount)
    if not currency:
        raise NotOrdered("currency_missing", "the invoice has no currency")
    if currency not in ("CHF", "EUR"):
        raise abroad(payable, currency)
    check_iban(payable)
    reference_kind = check_reference(payable)
    if wish.account is not None:
        accounts = [account for account in accounts if account.iban == wish.account]
        if all(account.currency != currency for account in accounts):
            held = " and ".join(sorted({account.currency for account in accounts}))
            return _skipped(payable, f"it is in {currency}, and the chosen account is in {held}")
    account, kind = account_for(payable, accounts, currency)
    clean = characters.swiss if kind is Kind.DOMESTIC else characters.sepa
    name = clean(payable.payee)[:70].strip()
    if not characters.says_something(name):
        raise NotOrdered("payee_missing", "the invoice names no payee that can be written in an order")
    address = _address(payable.values, clean)
    if address is None and kind is Kind.DOMESTIC:
        raise NotOrdered(
            "payee_address_missing",
            "the payee's town or country is missing, and Swiss banks refuse orders without them",
        )
    if payable.orders >= ids.MOST_ORDERS:
        raise NotOrdered(
            "ordered_too_often",
            f"it was ordered {payable.orders} times, and every order was rejected",
            "Pay it in e-banking, and find out from the bank what is wrong with it.",
        )
    bic = payable.values.get("bic", "").replace(" ", "").upper()
    return Order(
        document_id=payable.document_id,
        number=payable.orders + 1,
        account=account,
        kind=kind,
        execution_date=_execution_date(payable, kind, account, wish),
        amount=amount,
        currency=currency,
        name=name,
        iban=payable.iban,
        # The IBAN decides; a BIC of another country would only contradict it. A Swiss order needs none.
        bic=bic if kind is Kind.SEPA and is_bic(bic) and bic[4:6] == payable.iban[:2] else None,
        address=address,
        reference_kind=reference_kind,
        reference=payable.reference if reference_kind else None,
        message=_message(payable, kind, reference_kind, clean),
        label=payable.label,
    )


def _address(values: Mapping[str, str], clean: characters.Cleaning) -> Address | None:
    town, country = clean(values.get("payee_town", ""))[:35].strip(), values.get("payee_country", "").upper()
    if (
        not characters.says_something(town)
        or len(country) != 2
        or not (country.isascii() and country.isalpha())
    ):
        return None
    street, number = clean(values.get("payee_street", "")), clean(values.get("payee_building_number", ""))
    if len(number) > 16:
        street, number = f"{street} {number}".strip(), ""
    return Address(
        town=town,
        country=country,
        street=street[:70].strip() or None,
        building_number=number or None,
        postal_code=clean(values.get("payee_postal_code", ""))[:16].strip() or None,
    )


def _message(
    payable: Payable, kind: Kind, reference_kind: ReferenceKind | None, clean: characters.Cleaning
) -> str | None:
    """At most 140 characters. Beside a reference a Swiss order carries the QR-bill's message, a SEPA order
    nothing; without one it says what the payee needs to find the invoice."""
    values = payable.values
    message = clean(values.get("message", ""))
    if reference_kind is not None:
        return (message[:140].strip() or None) if kind is Kind.DOMESTIC else None
    parts: list[str] = []
    for part in (clean(payable.reference), clean(values.get("invoice_number", "")), message):
        if part and not any(part in one for one in parts):
            parts = [one for one in parts if one not in part]
            parts.append(part)
    return ", ".join(parts)[:140].strip() or None


def _execution_date(payable: Payable, kind: Kind, account: Account, wish: Wish) -> date:
    """The wished day; else as late as the payee still has the money in time, and never in the past."""
    swiss = account.swiss and kind is Kind.DOMESTIC
    if wish.execution_date is not None:
        return working_day_from(wish.execution_date, swiss=swiss)
    earliest = next_working_day(wish.today, swiss=swiss)
    if payable.due_date is None or payable.due_date <= earliest:
        return earliest
    day = working_day_until(payable.due_date, swiss=swiss)
    if kind is Kind.SEPA:
        # A SEPA transfer takes a working day (EPC125-05, 4.2.2).
        day = working_day_until(day.fromordinal(day.toordinal() - 1), swiss=False)
    return max(earliest, day)
