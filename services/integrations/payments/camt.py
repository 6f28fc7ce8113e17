"""Bookings of our payments in camt.052, .053 and .054, any version by its structure.

A debit that is booked pays its order; a credit under our own end-to-end id is money that came back. A debit
that the bank books for a whole block names the block only. Other bookings are no business of this reader.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from services.integrations.iso20022.camt import BOOKED, ENTRY, TRANSACTION, statements_in
from services.integrations.iso20022.elements import child, children, text
from services.integrations.payments.messages import (
    BankMessage,
    Said,
    Verdict,
    amount_of,
    end_of,
    moment_of,
    one_text,
    unreadable,
)


def read_bookings(message: Any, name: str) -> BankMessage:
    """What the booked entries say of orders, in their order. Raises `status_file_unreadable`."""
    header = child(message, "GrpHdr")
    id = text(header, "MsgId")
    if id is None:
        raise unreadable(name, "the statement has no MsgId")
    created_at = moment_of(text(header, "CreDtTm"), name)
    said = [
        one
        for statement in statements_in(message)
        for entry in children(statement, "Ntry")
        for one in _entry(entry, created_at.date(), name)
    ]
    return BankMessage("camt", id, created_at, tuple(said))


def _entry(element: Any, made_on: date, name: str) -> Iterator[Said]:
    entry = ENTRY.of(element)
    if entry.get("status") != BOOKED:
        return
    day = _day_of(entry, name) or made_on
    alone = len(list(children(element, "NtryDtls", "TxDtls"))) == 1
    for details in children(element, "NtryDtls"):
        transactions = [TRANSACTION.of(one) for one in children(details, "TxDtls")]
        if any(_names_order(one) for one in transactions):
            for transaction in transactions:
                yield from _transaction(transaction, entry, day, alone=alone)
        else:
            yield from _batch(details, entry, day)


def _names_order(transaction: Mapping[str, Any]) -> bool:
    return transaction.get("payment_id", "NOTPROVIDED") != "NOTPROVIDED" or "instruction_id" in transaction


def _transaction(
    transaction: Mapping[str, Any], entry: Mapping[str, Any], day: date, *, alone: bool
) -> Iterator[Said]:
    if not _names_order(transaction):
        return
    payment_id = transaction.get("payment_id")
    amount, currency = _amount(transaction, entry, alone=alone)
    yield Said(
        verdict=_verdict(transaction.get("sign") or entry.get("sign")),
        status=BOOKED,
        at=end_of(day),
        message_id=transaction.get("message_id"),
        block_id=transaction.get("batch_id"),
        instruction_id=transaction.get("instruction_id"),
        payment_id=None if payment_id == "NOTPROVIDED" else payment_id,
        amount=amount,
        currency=currency,
        reason_code=transaction.get("return_code"),
        text=one_text(transaction.get("return_texts", ())),
    )


def _amount(
    transaction: Mapping[str, Any], entry: Mapping[str, Any], *, alone: bool
) -> tuple[Decimal | None, str | None]:
    """What was ordered, if the bank says so, else what was booked."""
    told = transaction.get("instructed") or transaction.get("amount")
    if told is None and alone:
        told = entry.get("amount")
    return amount_of(told)


def _batch(details: Any, entry: Mapping[str, Any], day: date) -> Iterator[Said]:
    """A block in one booking: its sum says whether all of its orders were booked."""
    block_id = text(details, "Btch", "PmtInfId") or text(details, "TxDtls", "Refs", "PmtInfId")
    if block_id is None:
        return
    amount, currency = amount_of(entry.get("amount"))
    yield Said(
        verdict=_verdict(entry.get("sign")),
        status=BOOKED,
        at=end_of(day),
        message_id=text(details, "Btch", "MsgId") or text(details, "TxDtls", "Refs", "MsgId"),
        block_id=block_id,
        amount=amount,
        currency=currency,
    )


def _verdict(direction: str | None) -> Verdict:
    """Returns and reversals of a debit are credits (ISO 20022: CreditDebitIndicator, ReversalIndicator)."""
    return Verdict.PAID if direction == "DBIT" else Verdict.RETURNED


def _day_of(entry: Mapping[str, Any], name: str) -> date | None:
    """When it was booked; both dates are optional in the schema."""
    written = entry.get("booked") or entry.get("valued")
    if written is None:
        return None
    try:
        return date.fromisoformat(written[:10])
    except ValueError as error:
        raise unreadable(name, f"{written!r} is no day of a booking") from error
