"""What parts of an invoice and of its approval are called on a page: messages, which templates translate."""

from collections.abc import Mapping, Sequence

from services.gateway.pages.languages import N_
from shared.words import ApprovalState, StepKind

APPROVALS: Mapping[ApprovalState, str] = {
    ApprovalState.WAITING: N_("waiting for approval"),
    ApprovalState.QUESTIONED: N_("a question is open"),
    ApprovalState.APPROVED: N_("approved"),
    ApprovalState.REJECTED: N_("rejected"),
}

STEPS: Mapping[StepKind, str] = {
    StepKind.REQUESTED: N_("Approval requested"),
    StepKind.CHANGED: N_("Changed"),
    StepKind.VOIDED: N_("Approvals do not count any more"),
    StepKind.CONFIRMED: N_("Confirmed"),
    StepKind.APPROVED: N_("Approved"),
    StepKind.WITHDRAWN: N_("Taken back"),
    StepKind.REJECTED: N_("Rejected"),
    StepKind.QUESTIONED: N_("Asked back"),
    StepKind.ANSWERED: N_("Answered"),
    StepKind.CORRECTED: N_("Corrected"),
    StepKind.PAYMENT: N_("Payment"),
    StepKind.REOPENED: N_("Opened again"),
}

#: What the reader has just done, by the last part of its address.
DEEDS: Mapping[str, str] = {
    "approve": N_("You approved it."),
    "reject": N_("You rejected it."),
    "withdraw": N_("You took your approval back."),
    "ask": N_("You asked back."),
    "answer": N_("You answered."),
    "correct": N_("You corrected it."),
}

#: Fields that a person can correct, in the order in which they are shown.
FIELDS: Mapping[str, str] = {
    "issuer_name": N_("Supplier"),
    "invoice_number": N_("Invoice number"),
    "invoice_date": N_("Invoice date"),
    "due_date": N_("Due date"),
    "currency": N_("Currency"),
    "net_amount": N_("Net amount"),
    "vat_amount": N_("VAT"),
    "gross_amount": N_("Gross amount"),
    "payable_amount": N_("Amount to pay"),
    "iban": N_("IBAN"),
    "bic": N_("BIC"),
    "reference": N_("Payment reference"),
    "message": N_("Message for the payment"),
    "payee_name": N_("Payee"),
    "payee_street": N_("Street of the payee"),
    "payee_building_number": N_("Building number of the payee"),
    "payee_postal_code": N_("Postal code of the payee"),
    "payee_town": N_("Town of the payee"),
    "payee_country": N_("Country of the payee"),
    "issuer_vat_id": N_("VAT id of the supplier"),
    "issuer_tax_number": N_("Tax number of the supplier"),
    "recipient_name": N_("Recipient"),
    "recipient_vat_id": N_("VAT id of the recipient"),
    "buyer_reference": N_("Buyer reference"),
    "customer_number": N_("Customer number"),
    "order_number": N_("Order number"),
    "cost_center": N_("Cost center"),
}

SOURCES: Mapping[str, str] = {
    "e_invoice": N_("e-invoice"),
    "qr_bill": N_("QR-bill"),
    "girocode": N_("GiroCode"),
    "text": N_("text of the pages"),
    "person": N_("a person"),
    "supplier": N_("known of the supplier"),
}

VERDICTS: Mapping[str, str] = {
    "certain": N_("certain"),
    "uncertain": N_("uncertain"),
    "contradicted": N_("contradicted"),
}

#: Fields by what they are about, in the order in which a form shows them: a message, and their names.
GROUPS: Sequence[tuple[str, Sequence[str]]] = (
    (N_("Supplier"), ("issuer_name", "issuer_vat_id", "issuer_tax_number", "customer_number")),
    (
        N_("Invoice"),
        (
            "invoice_number", "invoice_date", "due_date", "order_number", "buyer_reference", "cost_center",
            "recipient_name", "recipient_vat_id",
        ),
    ),
    (N_("Amounts"), ("currency", "net_amount", "vat_amount", "gross_amount", "payable_amount")),
    (
        N_("Payment"),
        (
            "iban", "bic", "reference", "message", "payee_name", "payee_street", "payee_building_number",
            "payee_postal_code", "payee_town", "payee_country",
        ),
    ),
)  # fmt: skip
