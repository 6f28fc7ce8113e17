"""From an approved invoice to a payment order, or to the reason why there is none. Pure.

Rules: Swiss Payment Standards 2025 (SIX), pain.001 payment types D (domestic, in francs or euros) and S
(SEPA); EPC132-08 SEPA credit transfer customer-to-bank guidelines 2025; Swiss Implementation Guidelines
QR-bill 2.3 for references. Other payments abroad are not ordered here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.integrations.payments import characters, ids
from services.integrations.payments.accounts import Account
from services.integrations.payments.days import next_working_day, working_day_from, working_day_until
from shared.errors import Failure
from shared.events import Record
from shared.identifiers import (
    is_bic,
    is_creditor_reference,
    is_iban,
    is_qr_iban,
    is_qr_reference,
    looks_like_creditor_reference,
    looks_like_qr_reference,
)
from shared.words import Outcome, PaymentState

#: Countries whose accounts a SEPA credit transfer reaches, by their IBAN (EPC409-09, version of 2026).
SEPA_COUNTRIES: Final = frozenset({
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR",
    "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO", "PL",
    "PT", "RO", "RS", "SE", "SI", "SK", "SM", "VA",
})  # fmt: skip
#: What one order can carry at most (both guidelines: 999'999'999.99).
_LARGEST: Final = Decimal("999999999.99")
_MEND: Final = "Correct the invoice and approve it again; then start the job again."


class Kind(StrEnum):
    """How the bank handles an order; the orders of one block are of one kind."""

    #: Swiss payment type D: to an account in Switzerland or Liechtenstein, from one there.
    DOMESTIC = "domestic"
    #: SEPA credit transfer; from a Swiss account payment type S.
    SEPA = "sepa"


class ReferenceKind(StrEnum):
    QRR = "QRR"
    SCOR = "SCOR"


@dataclass(frozen=True, slots=True)
class Payable:
    """An approved invoice as this service knows it."""

    document_id: UUID
    #: `invoice` or `credit_note`.
    kind: str
    state: PaymentState
    #: Field -> value, as approved.
    values: Mapping[str, str]
    amount: Decimal | None
    due_date: date | None
    #: Orders that it had so far; all of them were rejected if the state is open.
    orders: int = 0
    #: Why it may not be paid although it was approved: a later event says so.
    held: str | None = None
    #: What the bank said when it rejected the last order, as long as nobody has approved again.
    rejected: str | None = None

    @property
    def key(self) -> str:
        return f"invoice:{self.document_id}"

    @property
    def payee(self) -> str:
        return self.values.get("payee_name") or self.values.get("issuer_name") or ""

    @property
    def label(self) -> str:
        number = self.values.get("invoice_number")
        name = self.payee or "unknown payee"
        return f"{name}, invoice {number}" if number else name

    @property
    def iban(self) -> str:
        return "".join(self.values.get("iban", "").split()).upper()

    @property
    def debt(self) -> tuple[str, Decimal | None, str | None]:
        """How much is owed to which account; the same debt has the same, not the other way round."""
        return self.iban, self.amount, self.values.get("currency")

    @property
    def reference(self) -> str:
        """Without spaces where it is one of those that banks check, else as it is written."""
        written = self.values.get("reference", "").strip()
        compact = "".join(written.split()).upper()
        known = looks_like_qr_reference(compact) or compact.startswith("RF")
        return compact if known else written


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person who starts the job asks for."""

    today: date
    #: Due until this day, if it is not named.
    until: date
    #: IBAN of the account to pay from; None for any that fits.
    account: str | None = None
    #: On this day instead of when it is due.
    execution_date: date | None = None
    currency: str | None = None
    #: Only these, whenever they are due.
    documents: frozenset[UUID] = frozenset()

    def names(self, payable: Payable) -> bool:
        return payable.document_id in self.documents

    def passes_over(self, payable: Payable) -> bool:
        """Whether it is none of those that were asked for; nobody has to be told."""
        other = self.currency is not None and payable.values.get("currency") != self.currency
        return other and not self.names(payable)


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


class _NotOrdered(Exception):
    def __init__(self, code: str, cause: str, next_step: str = _MEND) -> None:
        super().__init__(code, cause, next_step)


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
    except _NotOrdered as reason:
        code, cause, next_step = reason.args
        failure = Failure(code=code, cause=cause, concern=payable.key, next_step=next_step)
        return Record(key=payable.key, outcome=Outcome.FAILED, label=payable.label, failure=failure)


def _skipped(payable: Payable, why: str) -> Record:
    return Record(key=payable.key, outcome=Outcome.SKIPPED, label=payable.label, message=why)


def _order(payable: Payable, accounts: Sequence[Account], wish: Wish, currency: str) -> Order | Record:
    amount = _check_amount(payable.amount)
    if not currency:
        raise _NotOrdered("currency_missing", "the invoice has no currency")
    if currency not in ("CHF", "EUR"):
        raise _abroad(payable, currency)
    _check_iban(payable)
    reference_kind = _check_reference(payable)
    if wish.account is not None:
        accounts = [account for account in accounts if account.iban == wish.account]
        if all(account.currency != currency for account in accounts):
            held = " and ".join(sorted({account.currency for account in accounts}))
            return _skipped(payable, f"it is in {currency}, and the chosen account is in {held}")
    account, kind = _account_for(payable, accounts, currency)
    clean = characters.swiss if kind is Kind.DOMESTIC else characters.sepa
    name = clean(payable.payee)[:70].strip()
    if not characters.says_something(name):
        raise _NotOrdered("payee_missing", "the invoice names no payee that can be written in an order")
    address = _address(payable.values, clean)
    if address is None and kind is Kind.DOMESTIC:
        raise _NotOrdered(
            "payee_address_missing",
            "the payee's town or country is missing, and Swiss banks refuse orders without them",
        )
    if payable.orders >= ids.MOST_ORDERS:
        raise _NotOrdered(
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


def _check_amount(amount: Decimal | None) -> Decimal:
    if amount is None:
        raise _NotOrdered("amount_invalid", "the invoice has no amount to pay")
    if amount <= 0:
        raise _NotOrdered("amount_invalid", f"the amount to pay is {amount:f}; it must be more than nothing")
    if amount != round(amount, 2) or amount > _LARGEST:
        raise _NotOrdered(
            "amount_invalid", f"{amount:f} cannot be ordered: two decimals, at most {_LARGEST:f}"
        )
    return amount.quantize(Decimal("0.01"))


def _check_iban(payable: Payable) -> None:
    if not payable.iban:
        raise _NotOrdered("iban_missing", "the invoice has no IBAN of the payee")
    if not is_iban(payable.iban):
        raise _NotOrdered("iban_invalid", f"{payable.iban} fails the check digits of an IBAN")


def _check_reference(payable: Payable) -> ReferenceKind | None:
    """A QR-IBAN goes with a QR reference, and only with one. Other references of 27 digits or with `RF` have
    to be right; what is neither goes along as text."""
    reference = payable.reference
    if is_qr_iban(payable.iban):
        if not is_qr_reference(reference):
            written = f"{reference} is none" if reference else "the invoice has none"
            raise _NotOrdered(
                "qr_reference_missing", f"a QR-IBAN is paid with a QR reference only, and {written}"
            )
        return ReferenceKind.QRR
    if is_qr_reference(reference):
        raise _NotOrdered(
            "qr_iban_missing", f"the invoice has a QR reference, and {payable.iban} is no QR-IBAN"
        )
    if looks_like_qr_reference(reference):
        raise _NotOrdered("reference_invalid", f"{reference} fails the check digit of a QR reference")
    if reference.startswith("RF") and looks_like_creditor_reference(reference):
        if not is_creditor_reference(reference):
            raise _NotOrdered(
                "reference_invalid", f"{reference} fails the check digits of a creditor reference"
            )
        return ReferenceKind.SCOR
    return None


def _account_for(payable: Payable, accounts: Sequence[Account], currency: str) -> tuple[Account, Kind]:
    """The first account in the invoice's currency from which its IBAN can be reached."""
    fitting = [account for account in accounts if account.currency == currency]
    for account in fitting:
        if account.swiss and payable.iban[:2] in ("CH", "LI"):
            return account, Kind.DOMESTIC
        if currency == "EUR" and payable.iban[:2] in SEPA_COUNTRIES and not is_qr_iban(payable.iban):
            return account, Kind.SEPA
    if not fitting:
        raise _NotOrdered(
            "account_missing",
            f"the client has no account in {currency}",
            "Add one to the file that TAGWERK_ACCOUNTS_FILE names, or pay the invoice in e-banking.",
        )
    if is_qr_iban(payable.iban):
        raise _NotOrdered(
            "account_missing",
            "a QR-IBAN can be paid from a Swiss account only, and the client has none in this currency",
            "Add one to the file that TAGWERK_ACCOUNTS_FILE names, or pay the invoice in e-banking.",
        )
    raise _abroad(payable, currency)


def _abroad(payable: Payable, currency: str) -> _NotOrdered:
    where = f" to an account in {payable.iban[:2]}" if payable.iban else ""
    return _NotOrdered(
        "payment_abroad_unsupported",
        f"{currency}{where} is neither a Swiss nor a SEPA payment",
        "Pay it in e-banking as a payment abroad.",
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


def same_debt(one: Payable, other: Payable) -> bool:
    """Whether two invoices ask for the same money: payee's account, amount and currency, and the invoice
    number, or where one has none the reference and the due date. Rents and the like come each month with
    the same reference, but for another due date."""
    if one.debt != other.debt:
        return False
    numbers = one.values.get("invoice_number"), other.values.get("invoice_number")
    if all(numbers):
        return numbers[0] == numbers[1]
    return (one.reference, one.due_date) == (other.reference, other.due_date)
