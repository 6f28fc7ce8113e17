"""Bookings of our payments in camt.052, .053 and .054, any version by its structure.

A debit that is booked pays its order; a credit under our own end-to-end id is money that came back. A debit
that the bank books for a whole block names the block only. Other bookings are no business of this reader.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Final

from services.integrations.payments.messages import (
    BankMessage,
    Said,
    Verdict,
    amount_of,
    child,
    children,
    end_of,
    local_name,
    moment_of,
    reason_of,
    text,
    unreadable,
)

_MESSAGES: Final = {
    "BkToCstmrStmt": "Stmt", "BkToCstmrDbtCdtNtfctn": "Ntfctn", "BkToCstmrAcctRpt": "Rpt",
}  # fmt: skip


def is_camt(root: Any) -> bool:
    return any(local_name(one) in _MESSAGES for one in root)


def read_bookings(root: Any, name: str) -> BankMessage:
    """What the booked entries say of orders, in their order. Raises `status_file_unreadable`."""
    message = next(one for one in root if local_name(one) in _MESSAGES)
    header = child(message, "GrpHdr")
    id = text(header, "MsgId")
    if id is None:
        raise unreadable(name, "the statement has no MsgId")
    created_at = moment_of(text(header, "CreDtTm"), name)
    said = [
        one
        for statement in children(message, _MESSAGES[local_name(message)])
        for entry in children(statement, "Ntry")
        for one in _entry(entry, created_at.date(), name)
    ]
    return BankMessage("camt", id, created_at, tuple(said))


def _entry(entry: Any, made_on: date, name: str) -> Iterator[Said]:
    # Since version 8 the status is a choice of codes.
    status = text(entry, "Sts", "Cd") or text(entry, "Sts")
    if status != "BOOK":
        return
    day = _day_of(entry, name) or made_on
    alone = len(list(children(entry, "NtryDtls", "TxDtls"))) == 1
    for details in children(entry, "NtryDtls"):
        transactions = list(children(details, "TxDtls"))
        if any(_names_order(one) for one in transactions):
            for transaction in transactions:
                yield from _transaction(transaction, entry, day, alone=alone)
        else:
            yield from _batch(details, entry, day)


def _names_order(transaction: Any) -> bool:
    payment_id = text(transaction, "Refs", "EndToEndId")
    return payment_id not in (None, "NOTPROVIDED") or text(transaction, "Refs", "InstrId") is not None


def _transaction(transaction: Any, entry: Any, day: date, *, alone: bool) -> Iterator[Said]:
    if not _names_order(transaction):
        return
    payment_id = text(transaction, "Refs", "EndToEndId")
    code, said = reason_of(children(transaction, "RtrInf"))
    amount, currency = _amount(transaction, entry, alone=alone)
    direction = text(transaction, "CdtDbtInd") or text(entry, "CdtDbtInd")
    yield Said(
        verdict=_verdict(direction),
        status="BOOK",
        at=end_of(day),
        message_id=text(transaction, "Refs", "MsgId"),
        block_id=text(transaction, "Refs", "PmtInfId"),
        instruction_id=text(transaction, "Refs", "InstrId"),
        payment_id=None if payment_id == "NOTPROVIDED" else payment_id,
        amount=amount,
        currency=currency,
        reason_code=code,
        text=said,
    )


def _amount(transaction: Any, entry: Any, *, alone: bool) -> tuple[Decimal | None, str | None]:
    """What was ordered, if the bank says so, else what was booked."""
    for path in (("AmtDtls", "InstdAmt", "Amt"), ("Amt",), ("AmtDtls", "TxAmt", "Amt")):
        found = child(transaction, *path)
        if found is not None:
            return amount_of(found)
    return amount_of(child(entry, "Amt")) if alone else (None, None)


def _batch(details: Any, entry: Any, day: date) -> Iterator[Said]:
    """A block in one booking: its sum says whether all of its orders were booked."""
    block_id = text(details, "Btch", "PmtInfId") or text(details, "TxDtls", "Refs", "PmtInfId")
    if block_id is None:
        return
    amount, currency = amount_of(child(entry, "Amt"))
    yield Said(
        verdict=_verdict(text(entry, "CdtDbtInd")),
        status="BOOK",
        at=end_of(day),
        message_id=text(details, "Btch", "MsgId") or text(details, "TxDtls", "Refs", "MsgId"),
        block_id=block_id,
        amount=amount,
        currency=currency,
    )


def _verdict(direction: str | None) -> Verdict:
    """Returns and reversals of a debit are credits (ISO 20022: CreditDebitIndicator, ReversalIndicator)."""
    return Verdict.PAID if direction == "DBIT" else Verdict.RETURNED


def _day_of(entry: Any, name: str) -> date | None:
    """When it was booked; both dates are optional in the schema."""
    for field in ("BookgDt", "ValDt"):
        written = text(entry, field, "Dt") or text(entry, field, "DtTm")
        if written is not None:
            try:
                return date.fromisoformat(written[:10])
            except ValueError as error:
                raise unreadable(name, f"{written!r} is no day of a booking") from error
    return None
