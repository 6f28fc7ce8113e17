"""How the tour names things, on the terminal and in the report."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from cli.demo.story import DocumentStory, TakenRun, called_outside, data_changed, retry_possible, retry_safe
from cli.render.words import plain
from shared.commands import BankTransactionRow
from shared.words import ApprovalState, Outcome, PaymentState

_SOURCES: Final = {
    "e_invoice": "the data in the PDF",
    "qr_bill": "the QR-bill",
    "girocode": "the GiroCode",
    "text": "the text",
    "person": "a person",
    "supplier": "known of the supplier",
}
_FIELDS: Final = {
    "iban": "IBAN",
    "bic": "BIC",
    "vat_amount": "VAT amount",
    "issuer_vat_id": "issuer VAT id",
    "recipient_vat_id": "recipient VAT id",
}

#: What a person is told first of an invoice; the report has all fields.
FIRST_FIELDS: Final = (
    "issuer_name", "invoice_number", "invoice_date", "due_date", "payable_amount", "currency", "iban",
    "reference",
)  # fmt: skip

APPROVAL_SIGNS: Final[dict[ApprovalState, tuple[str, str]]] = {
    ApprovalState.WAITING: ("◷", "blue"),
    ApprovalState.QUESTIONED: ("?", "magenta"),
    ApprovalState.APPROVED: ("✓", "green"),
    ApprovalState.REJECTED: ("✗", "red"),
}
PAYMENT_SIGNS: Final[dict[PaymentState, tuple[str, str]]] = {
    PaymentState.OPEN: ("○", "blue"),
    PaymentState.ORDERED: ("→", "blue"),
    PaymentState.ACCEPTED: ("◷", "cyan"),
    PaymentState.REJECTED: ("✗", "red"),
    PaymentState.PAID: ("✓", "green"),
}


def source_words(source: str) -> str:
    return _SOURCES.get(source, plain(source))


def field_words(name: str) -> str:
    return _FIELDS.get(name, plain(name))


def job_words(job: str | None) -> str:
    """`documents.convert-to-pdf` is `convert to PDF`."""
    words = (job or "").partition(".")[2].split("-")
    return " ".join(word.upper() if word in ("ocr", "pdf") else word for word in words)


def money(amount: Decimal | str, currency: str) -> str:
    return f"{currency} {Decimal(amount):,.2f}"


def amount_of(story: DocumentStory) -> str:
    """What is to be paid; a dash where that is not known."""
    amount = story.field("payable_amount") or story.field("gross_amount")
    return money(amount, story.field("currency") or "?") if amount is not None else "–"


def to_be_done(story: DocumentStory) -> str:
    """What a person does next about an invoice."""
    approval = story.detail.approval
    if approval is None or story.payment is PaymentState.PAID:
        return "Nothing."
    match approval.state:
        case ApprovalState.REJECTED:
            return "Nothing; it is not paid."
        case ApprovalState.QUESTIONED:
            return f"Somebody answers: {approval.question}"
        case ApprovalState.WAITING if story.payment is PaymentState.REJECTED:
            return "Ask the payee for the right account, correct it, approve again."
        case ApprovalState.WAITING:
            return f"Somebody with the role {approval.role} approves it, by {approval.due}."
        case ApprovalState.APPROVED if story.payment in (PaymentState.ORDERED, PaymentState.ACCEPTED):
            return "Nothing; the bank has the order."
        case ApprovalState.APPROVED:
            return "Create the payment file."


def outcomes(taken: TakenRun) -> str:
    """`2 created, 1 unchanged`, in the order of the vocabulary; the error where there is no record."""
    counts = taken.run.counts
    said = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts.get(outcome))
    if said or taken.run.failure is None:
        return said or "none"
    return taken.run.failure.code.replace("_", " ")


def changed_words(taken: TakenRun) -> str:
    return {True: "yes", False: "no", None: "in doubt"}[data_changed(taken.run)]


def called_words(taken: TakenRun) -> str:
    return {True: "yes", False: "no", None: "not known"}[called_outside(taken.run)]


def retry_words(taken: TakenRun) -> str:
    if not retry_possible(taken.run):
        return "no"
    return "safe" if retry_safe(taken.run) else "with care"


def party_of(row: BankTransactionRow) -> str:
    first = row.details[0] if row.details else None
    return row.party or (first.party if first else None) or row.text or ""


def clock_of(time: datetime) -> str:
    return f"{time:%H:%M:%S}"
