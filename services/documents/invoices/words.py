"""The words of invoice analysis: fields, sources in order of trust, candidates. Standard library only: the
reading processes import it too."""

from dataclasses import dataclass
from typing import Final

#: Sources, the most trusted first: a structured e-invoice says what its sender's system booked, a payment
#: code what is to be paid; text is read by rules.
SOURCES: Final = ("e_invoice", "qr_bill", "girocode", "text")
SOURCE_NAMES: Final = {
    "e_invoice": "the e-invoice",
    "qr_bill": "the QR-bill",
    "girocode": "the GiroCode",
    "text": "the text",
}

#: Every field that is looked for -> what a person calls it, in the order in which it is shown.
FIELDS: Final = {
    "issuer_name": "issuer",
    "issuer_vat_id": "VAT id of the issuer",
    "issuer_tax_number": "tax number of the issuer",
    "recipient_name": "recipient",
    "recipient_vat_id": "VAT id of the recipient",
    "buyer_reference": "buyer reference",
    "invoice_number": "invoice number",
    "invoice_date": "invoice date",
    "due_date": "due date",
    "customer_number": "customer number",
    "order_number": "order number",
    "net_amount": "net amount",
    "vat_amount": "VAT amount",
    "gross_amount": "gross amount",
    "payable_amount": "amount to pay",
    "currency": "currency",
    "payee_name": "payee",
    "payee_street": "street of the payee",
    "payee_building_number": "building number of the payee",
    "payee_postal_code": "postal code of the payee",
    "payee_town": "town of the payee",
    "payee_country": "country of the payee",
    "iban": "IBAN",
    "bic": "BIC",
    "reference": "payment reference",
    "message": "message to the payee",
}
AMOUNTS: Final = frozenset({"net_amount", "vat_amount", "gross_amount", "payable_amount"})
DATES: Final = frozenset({"invoice_date", "due_date"})

#: Left, top, right, bottom in points from the upper left corner of the page as it is shown.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one source says about one field: amounts as `1234.50`, dates as `2026-03-31`, IBANs and
    references without spaces."""

    field: str
    value: str
    source: str
    #: How far the source itself can be trusted here, in percent.
    confidence: float
    page: int | None = None
    box: Box | None = None
    #: Of text: an explicit label names it, and nothing on the document says otherwise.
    explicit: bool = False
    #: Computed, not read: how, in words.
    derived: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know of: a stable code, a sentence, the fields that it concerns."""

    code: str
    words: str
    fields: tuple[str, ...] = ()
