"""An approved invoice as this service knows it, and what a person who starts a payment asks for. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from shared.identifiers import looks_like_qr_reference
from shared.words import PaymentState


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
