"""What a booking tells the ERP. Pure; docs/erp-rest.md describes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.integrations.erp.core import ApprovedInvoice, lacking, skipped
from services.integrations.erp.rest.entries import Entry
from services.integrations.erp.rules import compact
from shared.events import Record

#: Fields of an invoice -> how the ERP is told them.
_TOLD = {
    "invoice_number": "invoice_number",
    "invoice_date": "invoice_date",
    "due_date": "due_date",
    "currency": "currency",
    "net_amount": "net_amount",
    "vat_amount": "vat_amount",
}


@dataclass(frozen=True, slots=True)
class Suppliers:
    """The suppliers that the ERP has, by what an invoice says of its issuer."""

    by_vat_id: dict[str, str]
    by_iban: dict[str, str]
    by_name: dict[str, str]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Suppliers":
        """What two of them have in common tells neither."""
        found: tuple[dict[str, str | None], ...] = ({}, {}, {})
        for entry in entries:
            for known, field in zip(found, ("vat_id", "iban", "name"), strict=True):
                if entry.values.get(field):
                    written = compact(entry.values[field])
                    known[written] = None if written in known else entry.id
        return cls(*({key: id for key, id in known.items() if id is not None} for known in found))

    def id_of(self, invoice: ApprovedInvoice) -> str | None:
        for known, field in ((self.by_vat_id, "issuer_vat_id"), (self.by_iban, "iban")):
            if (id := known.get(compact(invoice.values.get(field, "")))) is not None:
                return id
        return self.by_name.get(compact(invoice.supplier))


def request_of(invoice: ApprovedInvoice, suppliers: Suppliers) -> dict[str, Any] | Record:
    """The body of the booking, or the record of why there is none."""
    if invoice.held is not None:
        return skipped(invoice, invoice.held)
    if (incomplete := lacking(invoice)) is not None:
        return incomplete
    gross = invoice.amount("gross_amount", "payable_amount")
    supplier = {
        "id": suppliers.id_of(invoice),
        "name": invoice.supplier or None,
        "vat_id": invoice.values.get("issuer_vat_id"),
        "iban": invoice.values.get("iban"),
    }
    return {
        "external_id": str(invoice.document_id),
        "document_id": str(invoice.document_id),
        "kind": invoice.kind,
        "gross_amount": f"{gross:f}",
        "supplier": {name: value for name, value in supplier.items() if value},
        "cost_center": invoice.cost_center,
        **{told: invoice.values[field] for field, told in _TOLD.items() if invoice.values.get(field)},
    }


@dataclass(frozen=True, slots=True)
class BegunBooking:
    """A booking that is decided, and of which nobody here knows that the ERP has it."""

    document_id: UUID
    label: str
    request: dict[str, Any]

    @property
    def key(self) -> str:
        return f"invoice:{self.document_id}"

    @property
    def effect(self) -> str:
        return f"booking:{self.document_id}"

    @property
    def amount(self) -> str:
        """`EUR 119.00`."""
        return f"{self.request['currency']} {self.request['gross_amount']}"
