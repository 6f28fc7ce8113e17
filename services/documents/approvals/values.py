"""What is approved: the values of an invoice, which of them pay, and the name of a set of values. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

import orjson

from services.documents.core import changes_between
from services.documents.invoices.checks import is_amount
from shared.commands import InvoiceField

#: Fields by which money goes to somebody. Of amount and payee the first that is there counts.
_AMOUNT: Final = ("payable_amount", "gross_amount")
_PAYEE: Final = ("payee_name", "issuer_name")
_OTHERS: Final = ("currency", "iban", "reference")


def values_of(fields: Sequence[InvoiceField]) -> dict[str, str]:
    return {field.name: field.value for field in fields}


def version_of(kind: str, values: Mapping[str, str], duplicate_of: UUID | None) -> str:
    """Names a set of values: the same values have the same name, however sure one is of them."""
    content = [kind, sorted(values.items()), str(duplicate_of)]
    return hashlib.sha256(orjson.dumps(content)).hexdigest()[:12]


def amount_of(values: Mapping[str, str]) -> Decimal | None:
    """What is to be paid."""
    written = next((values[name] for name in _AMOUNT if name in values), None)
    return Decimal(written) if written is not None and is_amount(written) else None


def payment_fields(values: Mapping[str, str]) -> list[str]:
    """The fields of this invoice that a payment is made of."""
    chosen = [next((name for name in names if name in values), None) for names in (_AMOUNT, _PAYEE)]
    return [name for name in (*chosen, *_OTHERS) if name is not None and name in values]


def doubtful_payment_fields(fields: Sequence[InvoiceField]) -> list[str]:
    """Payment fields that a person has to confirm or correct first."""
    verdicts = {field.name: field.verdict for field in fields}
    return [name for name in payment_fields(values_of(fields)) if verdicts[name] != "certain"]


def missing_for_approval(values: Mapping[str, str]) -> list[str]:
    """What has to be corrected before anybody can say what they approve: amount and currency."""
    missing = [] if amount_of(values) is not None else ["payable_amount"]
    return missing if "currency" in values else [*missing, "currency"]


def words_for_changes(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """`gross_amount 100.00 → 120.00, iban none → CH93…`, by field."""
    changes = changes_between(before, after)
    said = [
        f"{name} {old if old is not None else 'none'} → {new if new is not None else 'none'}"
        for name, (old, new) in sorted(changes.items())
    ]
    return ", ".join(said) or "no value, but which document it seems to repeat"
