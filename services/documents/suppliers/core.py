"""What is known of a supplier, and how it helps to read the next invoice. Pure.

A supplier is recognized by its VAT id or UID, else by an account, else by its name. What is known fills
gaps and stands beside what was read; it never makes payment data certain that stands nowhere on the page.
An account that is none of the supplier's known ones is a warning: this is how manipulated invoices look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from services.documents.core import compact
from services.documents.invoices.words import FIELDS, Finding
from shared.commands import InvoiceField, OtherValue
from shared.identifiers import is_iban

#: A field of its own: nothing on the page says it, people and rules do.
COST_CENTER: Final = "cost_center"
#: What stays the same from invoice to invoice.
CONSTANT: Final = (
    "issuer_name", "issuer_vat_id", "payee_name", "payee_street", "payee_building_number",
    "payee_postal_code", "payee_town", "payee_country", "bic", "currency", "iban", COST_CENTER,
)  # fmt: skip
_ADDRESS: Final = tuple(
    f"payee_{part}" for part in ("street", "building_number", "postal_code", "town", "country")
)
_NAMES: Final = frozenset({"issuer_name", "payee_name"})
#: Percent: of what is known, and stands nowhere on the page; of what is known and was read.
_KNOWN, _AGREED = 60.0, 92.0


@dataclass(frozen=True, slots=True)
class Supplier:
    supplier_id: UUID
    #: `vat`, `iban` or `name`: by what it was recognized.
    by: str
    facts: Mapping[str, str] = field(default_factory=dict)
    ibans: Sequence[str] = ()


def with_supplier(fields: Sequence[InvoiceField], supplier: Supplier) -> list[InvoiceField]:
    """The fields with what is known of the supplier laid beside and between them."""
    by_name = {one.name: one for one in fields}
    for name, known in _fitting(supplier.facts, by_name).items():
        read = by_name.get(name)
        if read is None:
            by_name[name] = InvoiceField(
                name=name, value=known, source="supplier", confidence=_KNOWN, verdict="uncertain"
            )
        elif compact(read.value) == compact(known):
            by_name[name] = _agreed(read, supplier)
        elif name in _NAMES:
            by_name[name] = _renamed(read, known, supplier)
        elif name != "iban":
            by_name[name] = _beside(read, known)
    account = by_name.get("iban")
    if account is not None and account.value in supplier.ibans:
        by_name["iban"] = _agreed(account, supplier)
    elif account is not None and account.source != "supplier":
        for known in supplier.ibans:
            account = _beside(account, known)
        by_name["iban"] = account
    return in_order(by_name)


def _fitting(facts: Mapping[str, str], read: Mapping[str, InvoiceField]) -> dict[str, str]:
    """What can be known of this invoice. An address that the page shows in part is not mixed with an older
    one, and a bank goes with its account."""
    moved = any(name in read for name in _ADDRESS)
    other_account = "iban" in read and read["iban"].value != facts.get("iban")
    return {
        name: known
        for name, known in facts.items()
        if not (moved and name in _ADDRESS and name not in read) and not (other_account and name == "bic")
    }


def iban_change(fields: Sequence[InvoiceField], supplier: Supplier) -> Finding | None:
    """The warning that this account is none of the supplier's known ones."""
    account = next((one for one in fields if one.name == "iban"), None)
    # One that fails its check was misread, or is a slip of the pen.
    if account is None or not supplier.ibans or account.value in supplier.ibans or not is_iban(account.value):
        return None
    known = ", ".join(supplier.ibans)
    words = (
        f"the account {account.value} is new: until now this supplier had {known}. Manipulated invoices look"
        " like this; call the supplier, on a number that you knew before, and ask"
    )
    return Finding("iban_changed", words, ("iban",))


def warned(fields: Sequence[InvoiceField]) -> list[InvoiceField]:
    """The fields with an account that a person has to look at, unless one has already."""
    return [
        one.model_copy(update={"verdict": "contradicted"})
        if one.name == "iban" and one.verdict == "certain" and one.source != "person"
        else one
        for one in fields
    ]


def in_order(by_name: Mapping[str, InvoiceField]) -> list[InvoiceField]:
    """Fields in the order in which they are shown."""
    order = [*FIELDS, *sorted(set(by_name) - set(FIELDS))]
    return [by_name[name] for name in order if name in by_name]


def _agreed(read: InvoiceField, supplier: Supplier) -> InvoiceField:
    """Read on the page and known before, of a supplier that something else than its name shows."""
    if read.verdict != "uncertain" or supplier.by == "name" or read.source == "supplier":
        return read
    return read.model_copy(update={"verdict": "certain", "confidence": max(read.confidence, _AGREED)})


def _renamed(read: InvoiceField, known: str, supplier: Supplier) -> InvoiceField:
    """Names are guessed from text: the known one is better. Elsewhere they are written in many ways."""
    if read.source != "text" or read.verdict == "certain" or supplier.by == "name":
        return read
    others = [OtherValue(value=read.value, source=read.source), *read.others]
    return InvoiceField(
        name=read.name, value=known, source="supplier", confidence=_KNOWN, verdict="uncertain", others=others
    )


def _beside(read: InvoiceField, known: str) -> InvoiceField:
    if any(compact(other.value) == compact(known) for other in read.others):
        return read
    return read.model_copy(update={"others": [*read.others, OtherValue(value=known, source="supplier")]})
