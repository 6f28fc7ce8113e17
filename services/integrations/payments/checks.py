"""What an invoice must say to be ordered, and from which account it can be paid. Pure.

Rules: Swiss Payment Standards 2025 (SIX), pain.001 payment types D (domestic, in francs or euros) and S
(SEPA); EPC132-08 SEPA credit transfer customer-to-bank guidelines 2025; Swiss Implementation Guidelines
QR-bill 2.3 for references. Other payments abroad are not ordered here.
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

from services.integrations.payments.accounts import Account
from services.integrations.payments.payable import Payable
from shared.identifiers import (
    is_creditor_reference,
    is_iban,
    is_qr_iban,
    is_qr_reference,
    looks_like_creditor_reference,
    looks_like_qr_reference,
)

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


class NotOrdered(Exception):
    def __init__(self, code: str, cause: str, next_step: str = _MEND) -> None:
        super().__init__(code, cause, next_step)


def check_amount(amount: Decimal | None) -> Decimal:
    if amount is None:
        raise NotOrdered("amount_invalid", "the invoice has no amount to pay")
    if amount <= 0:
        raise NotOrdered("amount_invalid", f"the amount to pay is {amount:f}; it must be more than nothing")
    if amount != round(amount, 2) or amount > _LARGEST:
        raise NotOrdered(
            "amount_invalid", f"{amount:f} cannot be ordered: two decimals, at most {_LARGEST:f}"
        )
    return amount.quantize(Decimal("0.01"))


def check_iban(payable: Payable) -> None:
    if not payable.iban:
        raise NotOrdered("iban_missing", "the invoice has no IBAN of the payee")
    if not is_iban(payable.iban):
        raise NotOrdered("iban_invalid", f"{payable.iban} fails the check digits of an IBAN")


def check_reference(payable: Payable) -> ReferenceKind | None:
    """A QR-IBAN goes with a QR reference, and only with one. Other references of 27 digits or with `RF` have
    to be right; what is neither goes along as text."""
    reference = payable.reference
    if is_qr_iban(payable.iban):
        if not is_qr_reference(reference):
            written = f"{reference} is none" if reference else "the invoice has none"
            raise NotOrdered(
                "qr_reference_missing", f"a QR-IBAN is paid with a QR reference only, and {written}"
            )
        return ReferenceKind.QRR
    if is_qr_reference(reference):
        raise NotOrdered(
            "qr_iban_missing", f"the invoice has a QR reference, and {payable.iban} is no QR-IBAN"
        )
    if looks_like_qr_reference(reference):
        raise NotOrdered("reference_invalid", f"{reference} fails the check digit of a QR reference")
    if reference.startswith("RF") and looks_like_creditor_reference(reference):
        if not is_creditor_reference(reference):
            raise NotOrdered(
                "reference_invalid", f"{reference} fails the check digits of a creditor reference"
            )
        return ReferenceKind.SCOR
    return None


def account_for(payable: Payable, accounts: Sequence[Account], currency: str) -> tuple[Account, Kind]:
    """The first account in the invoice's currency from which its IBAN can be reached."""
    fitting = [account for account in accounts if account.currency == currency]
    for account in fitting:
        if account.swiss and payable.iban[:2] in ("CH", "LI"):
            return account, Kind.DOMESTIC
        if currency == "EUR" and payable.iban[:2] in SEPA_COUNTRIES and not is_qr_iban(payable.iban):
            return account, Kind.SEPA
    if not fitting:
        raise NotOrdered(
            "account_missing",
            f"the client has no account in {currency}",
            "Add one to the file that TAGWERK_ACCOUNTS_FILE names, or pay the invoice in e-banking.",
        )
    if is_qr_iban(payable.iban):
        raise NotOrdered(
            "account_missing",
            "a QR-IBAN can be paid from a Swiss account only, and the client has none in this currency",
            "Add one to the file that TAGWERK_ACCOUNTS_FILE names, or pay the invoice in e-banking.",
        )
    raise abroad(payable, currency)


def abroad(payable: Payable, currency: str) -> NotOrdered:
    where = f" to an account in {payable.iban[:2]}" if payable.iban else ""
    return NotOrdered(
        "payment_abroad_unsupported",
        f"{currency}{where} is neither a Swiss nor a SEPA payment",
        "Pay it in e-banking as a payment abroad.",
    )
