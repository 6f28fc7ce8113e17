"""One entry of a camt message, and the transactions of which it consists, from their values.

Amounts, dates and signs are exact, or `WrongValue` tells what is wrong with the entry.
"""

from decimal import Decimal
from typing import Any, Final

from services.integrations.bank.readers.raw import RawEntry
from services.integrations.bank.readers.values import (
    account_of,
    amount_of,
    currency_of,
    cut,
    day_of,
    plain,
    signed,
)

_NOT_PROVIDED: Final = frozenset({"NOTPROVIDED", "NONREF", "NOT PROVIDED", "UNKNOWN", "-"})
#: What a transaction tells as it stands in the file, if it is no empty reference.
_REFERENCES: Final = ("payment_id", "bank_ref", "instruction_id", "transaction_id", "mandate", "batch_id")


def fill(entry: RawEntry, values: dict[str, Any], transactions: list[dict[str, Any]]) -> None:
    """Set what an entry says, from what `ENTRY` and `TRANSACTION` found. Raises `WrongValue`."""
    mark = values.get("sign")
    written, currency = values.get("amount", ("", None))
    entry.amount = signed(written, mark, "entry")
    entry.written = plain(entry.amount)
    entry.currency = currency_of(currency)
    if booked := values.get("booked"):
        entry.booked = day_of(booked, "booking date")
    if valued := values.get("valued"):
        entry.valued = day_of(valued, "value date")
    entry.reversal = values.get("reversal") in ("true", "1")
    entry.bank_ref = _reference(values.get("bank_ref"))
    entry.text = cut(values.get("text"))
    code = values.get("code")
    entry.code = "-".join(code) if code else values.get("own_code")
    entry.batch_id = _reference(values.get("batch_id"))
    entry.charges = _charges(values)
    # The party on the other side: of an entry that is reversed, that of the original.
    paid = (mark == "DBIT") != entry.reversal
    only = len(transactions) == 1
    entry.details = [_detail(one, entry, paid=paid, only=only) for one in transactions]
    if "instructed" in values or "rate" in values:
        instructed = _instructed(values)
        if only:
            entry.details[0] = {**instructed, **entry.details[0]}
        elif not transactions:
            entry.details.append(instructed)
    if entry.bank_ref is None and only:
        entry.bank_ref = entry.details[0].get("bank_ref")


def _detail(values: dict[str, Any], entry: RawEntry, *, paid: bool, only: bool) -> dict[str, Any]:
    """One transaction of an entry; `only` if it is the only one."""
    detail: dict[str, Any] = {}
    for name in _REFERENCES:
        if (written := values.get(name)) and _reference(written):
            detail[name] = written
    if "instructed" in values or "rate" in values:
        detail.update(_instructed(values))
    if charges := _charges(values):
        detail["charges"] = charges
    if lines := values.get("lines"):
        detail["text"] = cut("\n".join(lines))
    if references := values.get("references"):
        detail["references"] = ["".join(one.split()).upper() for one in references]
        detail["reference_type"] = values.get("reference_type")
    if documents := values.get("documents"):
        detail["documents"] = documents
    if info := values.get("info"):
        detail["info"] = cut(info)
    if "returned" in values:
        detail["return_reason"] = values.get("return_code") or values.get("return_texts", "?")[0]
    if (amount := values.get("amount")) is not None:
        _set_amount(detail, amount, values.get("sign"), entry, only=only)
    elif only:
        detail["amount"], detail["currency"] = entry.written, entry.currency
    _set_party(detail, values, ("creditor", "debtor") if paid else ("debtor", "creditor"))
    return detail


def _set_amount(
    detail: dict[str, Any], told: tuple[str, str | None], mark: str | None, entry: RawEntry, *, only: bool
) -> None:
    value = amount_of(told[0], "amount of a transaction")
    currency = currency_of(told[1], "currency of a transaction")
    if only and currency != entry.currency:
        # Older messages put the foreign amount there; the account's own is that of the entry.
        detail.setdefault("instructed", plain(value))
        detail.setdefault("instructed_currency", currency)
        detail["amount"], detail["currency"] = entry.written, entry.currency
        return
    negative = mark == "DBIT" if mark in ("CRDT", "DBIT") else entry.amount < 0
    detail["amount"], detail["currency"] = plain(-value if negative else value), currency


def _set_party(detail: dict[str, Any], values: dict[str, Any], sides: tuple[str, str]) -> None:
    """The first of the two of which anything is told."""
    for side in sides:
        party, account = values.get(side), values.get(f"{side}_account")
        if party:
            detail["party"] = party
        if account:
            detail["party_account"] = account_of(account)
        if party or account:
            return


def _instructed(values: dict[str, Any]) -> dict[str, Any]:
    """The amount as it was ordered in another currency, and the rate. Empty where there is none."""
    found: dict[str, Any] = {}
    if "instructed" in values:
        written, currency = values["instructed"]
        found["instructed"] = plain(amount_of(written, "instructed amount"))
        found["instructed_currency"] = currency_of(currency, "currency of the instructed amount")
    if "rate" in values:
        found["rate"] = plain(amount_of(values["rate"], "exchange rate"))
    return found


def _charges(values: dict[str, Any]) -> str | None:
    """Charges and taxes together, in the currency that they have: `1.50 CHF`."""
    if "charges" not in values:
        return None
    written, currency = values["charges"]
    value: Decimal = amount_of(written, "amount of charges")
    return f"{plain(value)} {currency_of(currency, 'currency of charges')}" if value else None


def _reference(written: str | None) -> str | None:
    """A reference, unless it only says that there is none."""
    if not written or written.upper() in _NOT_PROVIDED or not written.strip("0"):
        return None
    return written
