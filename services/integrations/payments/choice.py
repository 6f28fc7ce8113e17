"""What a run orders and what it leaves out, over all invoices that come into question. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from services.integrations.payments.accounts import Account
from services.integrations.payments.orders import Order, judge
from services.integrations.payments.payable import Payable, Wish, same_debt
from shared.errors import Failure
from shared.events import Record
from shared.words import Outcome


@dataclass(frozen=True, slots=True)
class Choice:
    orders: Sequence[Order]
    #: One record for each invoice that is not ordered, with the reason.
    left_out: Sequence[Record]


def choose(
    payables: Sequence[Payable], twins: Sequence[Payable], accounts: Sequence[Account], wish: Wish
) -> Choice:
    """`twins` are invoices that are in a file or paid already and may ask for the same money."""
    orders: list[Order] = []
    left_out: list[Record] = []
    #: By account, amount and currency, so that thousands are not compared with each other one by one.
    earlier, ordered = _by_debt(twins), _by_debt([])
    for payable in payables:
        if wish.passes_over(payable):
            continue
        judged = judge(payable, accounts, wish)
        if isinstance(judged, Record):
            left_out.append(judged)
        elif twin := _twin_of(payable, ordered):
            left_out.append(_duplicate(payable, twin, f"{twin.label} is ordered in this run"))
        elif not wish.names(payable) and (twin := _twin_of(payable, earlier)):
            left_out.append(_duplicate(payable, twin, f"{twin.label} is {twin.state} already"))
        else:
            orders.append(judged)
            ordered[payable.debt].append(payable)
    known = {payable.document_id for payable in payables}
    left_out += [_not_approved(document) for document in sorted(wish.documents - known)]
    return Choice(orders, left_out)


Debts = dict[tuple[str, Decimal | None, str | None], list[Payable]]


def _by_debt(payables: Sequence[Payable]) -> Debts:
    debts: Debts = defaultdict(list)
    for payable in payables:
        debts[payable.debt].append(payable)
    return debts


def _twin_of(payable: Payable, others: Debts) -> Payable | None:
    for other in others.get(payable.debt, ()):
        if other.document_id != payable.document_id and same_debt(payable, other):
            return other
    return None


def _duplicate(payable: Payable, twin: Payable, said: str) -> Record:
    failure = Failure(
        code="duplicate_payment",
        cause=f"it asks for the same money as document {twin.document_id}: {said}",
        concern=payable.key,
        next_step="If it is the same invoice, reject this one. If it is really another, name its document "
        "alone in `documents`.",
    )
    return Record(key=payable.key, outcome=Outcome.FAILED, label=payable.label, failure=failure)


def _not_approved(document: UUID) -> Record:
    key = f"invoice:{document}"
    failure = Failure(
        code="invoice_not_approved",
        cause="no approved invoice of this client is known under this document",
        concern=key,
        next_step="Check the id; approve the invoice first, then start the job again.",
    )
    return Record(key=key, outcome=Outcome.FAILED, failure=failure)
