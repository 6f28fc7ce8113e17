"""What a person says about the fields of an invoice, laid over what was read. Pure.

A correction to the same value is a confirmation. Both outlive every analysis: the reading goes on beside
them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from services.documents.core import compact
from services.documents.invoices.checks import is_amount, problem_of
from services.documents.invoices.values import amounts_in, dates_in, money, written
from services.documents.invoices.words import AMOUNTS, DATES, FIELDS
from services.documents.suppliers.core import COST_CENTER, in_order
from shared.commands import InvoiceField, InvoiceFinding, OtherValue
from shared.identifiers import is_qr_iban, is_qr_reference

#: Field -> what a person calls it.
CORRECTABLE: Final = {**FIELDS, COST_CENTER: "cost center"}
_WITHOUT_SPACES: Final = frozenset({"iban", "bic", "reference", "issuer_vat_id", "recipient_vat_id"})
_UPPER: Final = frozenset({"iban", "bic", "currency", "payee_country", "issuer_vat_id", "recipient_vat_id"})
_LONGEST: Final = 500
_ROUNDING: Final = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Correction:
    field: str
    #: None: the invoice has no such field.
    value: str | None
    principal: str


def normalized(field: str, said: str, today: date) -> str:
    """A value as it is kept, from how a person writes it. Raises `ValueError` with what is wrong."""
    if field not in CORRECTABLE:
        raise ValueError("an invoice has no such field")
    value = " ".join(said.split())
    if not value:
        raise ValueError("give a value, or null where the invoice has none")
    if len(value) > _LONGEST:
        raise ValueError(f"at most {_LONGEST} characters")
    if field in AMOUNTS:
        value = _amount(value)
    elif field in DATES:
        value = _date(value)
    if field in _WITHOUT_SPACES:
        value = re.sub(r"[\s.-]" if field.endswith("vat_id") else r"\s", "", value)
    if field in _UPPER or (field == "reference" and value[:2].casefold() == "rf"):
        value = value.upper()
    if (problem := problem_of(field, value, today)) is not None:
        raise ValueError(problem)
    return value


def _amount(value: str) -> str:
    try:
        amount = Decimal(value)
        if amount.is_finite() and abs(amount) < Decimal(10) ** 15:
            return written(amount)
    except InvalidOperation:
        found = amounts_in(value)
        if len(found) == 1:
            return found[0]
    raise ValueError(f"{value!r} is no amount; write 1234.50")


def _date(value: str) -> str:
    found = list(dates_in(value))
    if len(found) != 1:
        raise ValueError(f"{value!r} is no date; write 2026-03-31")
    if found[0][1]:
        raise ValueError(f"{value!r} may be read in two ways; write 2026-03-31")
    return found[0][0]


def with_corrections(fields: Sequence[InvoiceField], corrections: Sequence[Correction]) -> list[InvoiceField]:
    """The fields as a person says that they are; what was read stands among the others."""
    by_name = {one.name: one for one in fields}
    for said in corrections:
        read = by_name.get(said.field)
        if said.value is None:
            by_name.pop(said.field, None)
            continue
        others: list[OtherValue] = []
        if read is not None:
            others = [OtherValue(value=read.value, source=read.source), *read.others]
        by_name[said.field] = InvoiceField(
            name=said.field,
            value=said.value,
            source="person",
            confidence=100.0,
            verdict="certain",
            page=read.page if read is not None else None,
            box=read.box if read is not None else None,
            others=[other for other in others if compact(other.value) != compact(said.value)],
        )
    return in_order(by_name)


def findings_that_hold(
    findings: Sequence[InvoiceFinding], fields: Sequence[InvoiceField], corrections: Sequence[Correction]
) -> list[InvoiceFinding]:
    """Findings without those that a person has settled: by a word on each field that they concern, or by
    values that do not contradict each other any more."""
    settled = {one.field for one in corrections}
    values = {one.name: one.value for one in fields}
    return [
        one
        for one in findings
        if not settled.intersection(one.fields)
        or (not settled.issuperset(one.fields) and _still_true(one.code, values))
    ]


def contradictions(
    findings: Sequence[InvoiceFinding], fields: Sequence[InvoiceField], corrections: Sequence[Correction]
) -> list[InvoiceFinding]:
    """What corrected values say against each other, and no finding has said yet."""
    known = {one.code for one in findings}
    corrected = {one.field for one in corrections}
    values = {one.name: one.value for one in fields}
    return [
        InvoiceFinding(code=code, words=_CONTRADICTIONS[code][1], fields=list(names))
        for code, (names, _) in _CONTRADICTIONS.items()
        if code not in known and corrected.intersection(names) and _still_true(code, values)
    ]


#: Finding -> the fields that it compares, and what it says where a person's values lead to it.
_CONTRADICTIONS: Final = {
    "totals_differ": (
        ("net_amount", "vat_amount", "gross_amount"),
        "net and VAT amount do not give the gross amount",
    ),
    "amounts_contradict": (("gross_amount", "payable_amount"), "the amount to pay is not the gross amount"),
    "due_before_issued": (("invoice_date", "due_date"), "it is due before its date"),
    "iban_and_reference_differ": (
        ("iban", "reference"),
        "a QR reference goes with a QR-IBAN, and only with one",
    ),
}


def _still_true(code: str, values: Mapping[str, str]) -> bool:
    match code:
        case "totals_differ":
            names = ("net_amount", "vat_amount", "gross_amount")
            if not all(is_amount(values.get(name, "")) for name in names):
                return False
            net, vat, gross = (money(values[name]) for name in names)
            return abs(net + vat - gross) > _ROUNDING
        case "amounts_contradict":
            gross_amount, payable = values.get("gross_amount", ""), values.get("payable_amount", "")
            both = is_amount(gross_amount) and is_amount(payable)
            return both and money(gross_amount) != money(payable)
        case "due_before_issued":
            issued, due = values.get("invoice_date"), values.get("due_date")
            return issued is not None and due is not None and due < issued
        case "iban_and_reference_differ":
            iban = values.get("iban", "")
            return iban[:2] in ("CH", "LI") and is_qr_iban(iban) != is_qr_reference(
                values.get("reference", "")
            )
    return True
