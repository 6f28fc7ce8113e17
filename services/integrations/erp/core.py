"""How an approved invoice is booked, or why it is not. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.integrations.erp.rules import Datev
from shared.errors import Failure, TagwerkError
from shared.events import Record
from shared.words import BookedIn, Outcome

#: How far the VAT of an invoice may be from what its rate gives: each line is rounded by itself.
_ROUNDING: Final = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class ApprovedInvoice:
    """An invoice as it was approved last."""

    document_id: UUID
    #: `invoice` or `credit_note`.
    kind: str
    #: Field -> value.
    values: Mapping[str, str]
    cost_center: str | None
    approval_event: UUID
    #: Why it may not be booked although it was approved: a later event says so.
    held: str | None = None

    @property
    def key(self) -> str:
        return f"invoice:{self.document_id}"

    @property
    def supplier(self) -> str:
        return self.values.get("issuer_name") or self.values.get("payee_name") or ""

    @property
    def label(self) -> str:
        number = self.values.get("invoice_number")
        name = self.supplier or "unknown supplier"
        return f"{name}, invoice {number}" if number else name

    @property
    def day(self) -> date | None:
        written = self.values.get("invoice_date")
        return date.fromisoformat(written) if written else None

    def amount(self, *fields: str) -> Decimal | None:
        """The first of the fields that it has."""
        return next((Decimal(self.values[name]) for name in fields if self.values.get(name)), None)


@dataclass(frozen=True, slots=True)
class Booking:
    """One line of a stack of bookings, always positive."""

    invoice: ApprovedInvoice
    #: Gross.
    amount: Decimal
    #: The expense is a debit; of a credit note, a credit.
    is_credit: bool
    expense: int
    creditor: int
    tax_key: str
    day: date
    due: date | None

    @property
    def label(self) -> str:
        return self.invoice.label


def book(invoice: ApprovedInvoice, rules: Datev) -> Booking | Record:
    """The line for an invoice, or the record of why there is none."""
    if invoice.held is not None:
        return skipped(invoice, invoice.held)
    if (incomplete := lacking(invoice)) is not None:
        return incomplete
    day, gross = invoice.day, invoice.amount("gross_amount", "payable_amount")
    currency = invoice.values.get("currency")
    assert day is not None
    assert gross is not None
    if currency != "EUR":
        return not_booked(
            "currency_not_booked",
            invoice,
            f"it is in {currency}, and DATEV is given euros only",
            "Book it in DATEV by hand.",
        )
    key = _tax_key(invoice, gross, rules)
    if isinstance(key, Record):
        return key
    creditor, expense = rules.accounts_of(invoice.values)
    due = invoice.values.get("due_date")
    return Booking(
        invoice,
        abs(gross),
        is_credit=(invoice.kind == "credit_note") != (gross < 0),
        expense=expense,
        creditor=creditor,
        tax_key=key,
        day=day,
        due=date.fromisoformat(due) if due else None,
    )


def _tax_key(invoice: ApprovedInvoice, gross: Decimal, rules: Datev) -> str | Record:
    net, vat = invoice.amount("net_amount"), invoice.amount("vat_amount")
    if vat is None and net is not None:
        vat = gross - net
    if vat is None:
        return not_booked(
            "vat_unknown",
            invoice,
            "it says neither its VAT nor its net amount",
            "Correct the VAT amount of the invoice (0 if it has none) and approve it again; then start the "
            "job again.",
        )
    net = gross - vat
    fitting = [key for rate, key in rules.tax_keys.items() if abs(net * rate / 100 - vat) <= _ROUNDING]
    if len(fitting) != 1:
        return not_booked(
            "vat_rate_unclear",
            invoice,
            f"VAT of {vat} on {net} is none of the rates that have a tax key, or fits several",
            "Several rates on one invoice are booked in DATEV by hand. Of a rate that is missing, write the "
            "tax key into the file that TAGWERK_ERP_FILE names.",
        )
    return fitting[0]


def skipped(invoice: ApprovedInvoice, held: str) -> Record:
    """The record of an invoice that waits for somebody."""
    return Record(
        key=invoice.key, outcome=Outcome.SKIPPED, label=invoice.label, message=f"not booked: {held}"
    )


def lacking(invoice: ApprovedInvoice) -> Record | None:
    """The record of an invoice without what every booking needs."""
    lacks = {
        "date": invoice.day,
        "amount": invoice.amount("gross_amount", "payable_amount"),
        "currency": invoice.values.get("currency"),
    }
    if missing := ", ".join(name for name, value in lacks.items() if value is None):
        return not_booked(
            "booking_incomplete",
            invoice,
            f"it lacks what a booking needs: {missing}",
            "Correct the invoice and approve it again; then start the job again.",
        )
    return None


def no_file(invoice: ApprovedInvoice) -> Record:
    """The record of an invoice whose document is not there."""
    return not_booked(
        "file_missing",
        invoice,
        "its document is not in the file store, and a booking needs its document",
        "Check the storage and its backups; then start the job again.",
    )


def not_booked(code: str, invoice: ApprovedInvoice, cause: str, next_step: str) -> Record:
    """The record of an invoice that somebody has to look at."""
    failure = Failure(code=code, cause=cause, concern=invoice.key, next_step=next_step)
    return Record(key=invoice.key, outcome=Outcome.FAILED, label=invoice.label, failure=failure)


def unknown_invoice(document: UUID) -> Record:
    """The record of a document that was named and is no approved invoice."""
    failure = Failure(
        code="invoice_not_approved",
        cause="no approved invoice of this client is known under this document",
        concern=f"invoice:{document}",
        next_step="Check the id; approve the invoice first, then start the job again.",
    )
    return Record(key=f"invoice:{document}", outcome=Outcome.FAILED, failure=failure)


def export_begun(client: str, begun: int, place: BookedIn) -> TagwerkError:
    """The failure of an export whose client has invoices half exported elsewhere."""
    return TagwerkError(
        "erp_export_begun",
        f"the export of {begun:,} invoice(s) of client {client} was begun the other way ({place}), and is "
        "not complete",
        concern=client,
        next_step="In the file that TAGWERK_ERP_FILE names, set this client up as before, start the service "
        "and this job again, and then change it.",
    )
