"""Invoices to pay and accounts to pay them from, made up for tests; every number passes its check."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from services.integrations.payments.accounts import Account
from shared.events import InvoiceApproved, now

FRANCS = Account(
    name="Muster Treuhand AG",
    iban="CH9300762011623852957",
    currency="CHF",
    street="Bahnhofstrasse",
    building_number="1",
    postal_code="8001",
    town="Zürich",
    country="CH",
)
EUROS = Account(
    name="Muster Treuhand AG",
    iban="CH5604835012345678009",
    bic="CRESCHZZ80A",
    currency="EUR",
    town="Zürich",
    country="CH",
)
GERMAN = Account(
    name="Müster & Söhne GmbH", iban="DE89370400440532013000", currency="EUR", town="Köln", country="DE"
)

QR_IBAN = "CH4431999123000889012"
QR_REFERENCE = "210000000003139471430009017"
SCOR = "RF18539007547034"

#: What an approved invoice looks like, by the kind of payment that it needs.
INVOICES: dict[str, dict[str, str]] = {
    "qrr": {"iban": QR_IBAN, "reference": QR_REFERENCE, "currency": "CHF", "message": "Rechnung 2026-17"},
    "scor": {"iban": "CH5800791123000889012", "reference": SCOR, "currency": "CHF"},
    "plain": {"iban": "CH5800791123000889012", "currency": "CHF", "invoice_number": "R-17"},
    "sepa": {
        "iban": "DE02120300000000202051", "bic": "BYLADEM1001", "currency": "EUR", "invoice_number": "R-18",
        "payee_name": "Präzision GmbH", "payee_town": "Ulm", "payee_country": "DE",
    },
}  # fmt: skip


def approved(
    kind: str = "qrr",
    *,
    client: str = "acme",
    document_id: UUID | None = None,
    time: datetime | None = None,
    of: str = "invoice",
    **values: Any,
) -> InvoiceApproved:
    """The approval of an invoice; `values` are those of its fields, None leaves one out."""
    filled = {
        "issuer_name": "Käserei Oberland",
        "payable_amount": "120.50",
        "payee_street": "Dorfstrasse",
        "payee_building_number": "3a",
        "payee_postal_code": "3800",
        "payee_town": "Interlaken",
        "payee_country": "CH",
        **INVOICES[kind],
        **values,
    }
    return InvoiceApproved(
        client=client,
        principal="ada",
        document_id=document_id or uuid4(),
        kind=of,
        values={name: value for name, value in filled.items() if value is not None},
        approved_by=["ada"],
        time=time or now(),
    )


def changed(event: InvoiceApproved, **values: Any) -> InvoiceApproved:
    """A later approval of the same document, with other values."""
    return approved(document_id=event.document_id, client=event.client, **{**event.values, **values})
