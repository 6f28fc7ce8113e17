"""What a bank's message changes of our orders. Pure.

`ordered → accepted → paid`, and `ordered` or `accepted` `→ rejected`; money that comes back after it was paid
rejects too. Everything else changes nothing, and says why: a message that comes again, an older statement
after a newer one, a status that decides nothing. What contradicts what is known needs a person.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from services.integrations.payments.messages import BankMessage, Said, Verdict
from services.integrations.payments.reasons import in_words
from shared.errors import Failure
from shared.events import Record
from shared.words import Outcome, PaymentState


@dataclass(frozen=True, slots=True)
class Change:
    before: PaymentState
    after: PaymentState
    reason: str | None


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order that stands in one of our files, and what is known of it."""

    payment_id: str
    #: MsgId, PmtInfId and InstrId under which the bank got it.
    message_id: str
    block_id: str
    instruction_id: str
    file_id: UUID
    document_id: UUID
    amount: Decimal
    currency: str
    execution_date: date
    label: str
    state: PaymentState
    status_at: datetime | None = None
    reason_code: str | None = None
    reason: str | None = None
    #: Message -> what an earlier attempt of this run changed by it.
    changed_by: Mapping[str, "Change"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """An order after a message, what has to be stored of it, and the record that says so."""

    order: Ordered
    change: Change | None
    record: Record


def about(message: BankMessage, orders: Sequence[Ordered]) -> Iterator[tuple[Ordered, list[Said]]]:
    """Each order with what the message says of it, in its order: of the order itself if it is named, else of
    its block, else of its file. Orders that are not concerned are left out."""
    said: dict[tuple[str, str], list[Said]] = {}
    for one in message.said:
        for place in _places(one):
            said.setdefault(place, []).append(_whole_block(one, orders))
    for order in orders:
        for place in (
            ("payment", order.payment_id),
            ("instruction", f"{order.message_id}/{order.instruction_id}"),
            ("block", order.block_id),
            ("file", order.message_id),
        ):
            if place in said:
                yield order, said[place]
                break


def _places(one: Said) -> list[tuple[str, str]]:
    """Where a statement is looked for. An instruction id is unique in its message only."""
    if one.payment_id is not None:
        return [("payment", one.payment_id)]
    if one.instruction_id is not None:
        return [("instruction", f"{one.message_id}/{one.instruction_id}")]
    if one.block_id is not None:
        return [("block", one.block_id)]
    return [("file", one.message_id)] if one.message_id is not None else []


def _whole_block(one: Said, orders: Sequence[Ordered]) -> Said:
    """A block that was booked in one sum: if that is the sum of its orders, each was booked as ordered."""
    if one.level != 1 or one.amount is None:
        return one
    block = [order for order in orders if order.block_id == one.block_id]
    alive = [order for order in block if order.state is not PaymentState.REJECTED]
    sums = {sum((order.amount for order in some), Decimal(0)) for some in (block, alive)}
    return replace(one, amount=None) if one.amount in sums else one


def judge(message: BankMessage, order: Ordered, said: Sequence[Said]) -> Judged:
    """Apply what a message says of an order, one statement after the other."""
    first, note, failure = order, None, None
    for one in said:
        problem = _problem(order, one)
        if problem is not None:
            failure = failure or problem
            continue
        after, note, contradiction = _after(order, one)
        failure = failure or contradiction
        if after is not order.state:
            order = replace(
                order,
                state=after,
                status_at=one.at,
                reason_code=one.reason_code,
                reason=in_words(one.reason_code, one.text),
            )
    change = Change(first.state, order.state, order.reason) if order.state is not first.state else None
    told = change or order.changed_by.get(message.id)
    key = status_key(order.payment_id, message.id)
    if failure is not None:
        record = Record(key=key, outcome=Outcome.FAILED, label=order.label, failure=failure)
    elif told is None:
        record = Record(key=key, outcome=Outcome.UNCHANGED, label=order.label, message=note)
    else:
        record = Record(
            key=key,
            outcome=Outcome.UPDATED,
            label=order.label,
            message=f"{told.after}: {told.reason}" if told.reason else told.after,
            changes={"payment": (told.before, told.after)},
        )
    return Judged(order, change, record)


def _after(order: Ordered, one: Said) -> tuple[PaymentState, str | None, Failure | None]:
    """The state after a statement; why nothing changes, or what contradicts."""
    state, since = order.state, order.status_at
    same = f"it is {state} already"
    match one.verdict:
        case Verdict.NOTHING_YET:
            return state, f"the bank says {one.status}, which decides nothing yet", None
        case Verdict.ACCEPTED | Verdict.PAID if state is PaymentState.REJECTED:
            if since is not None and one.at <= since:
                return state, _older(one, since), None
            return state, None, _contradiction(order, one)
        case Verdict.ACCEPTED:
            if state is PaymentState.ORDERED:
                return PaymentState.ACCEPTED, None, None
            return state, same, None
        case Verdict.PAID:
            return PaymentState.PAID, same if state is PaymentState.PAID else None, None
        case Verdict.RETURNED:
            return PaymentState.REJECTED, same if state is PaymentState.REJECTED else None, None
        case Verdict.REJECTED if state is PaymentState.REJECTED:
            return state, same, None
        case Verdict.REJECTED if state is PaymentState.PAID:
            # A booking is dated by its day only.
            if since is not None and one.at.date() < since.date():
                return state, _older(one, since), None
            return state, None, _contradiction(order, one)
        case Verdict.REJECTED:
            if since is not None and one.at < since:
                return state, _older(one, since), None
            return PaymentState.REJECTED, None, None
    raise AssertionError(one.verdict)


def _older(one: Said, since: datetime) -> str:
    return f"this is older ({one.at:%Y-%m-%d %H:%M}) than what is known ({since:%Y-%m-%d %H:%M})"


def _problem(order: Ordered, one: Said) -> Failure | None:
    """What speaks against applying a statement that names the order."""
    if one.message_id is not None and one.payment_id is not None and one.message_id != order.message_id:
        cause = (
            f"it names the payment {order.payment_id} as part of message {one.message_id}; "
            f"we sent it in {order.message_id}"
        )
        return _needs_person("status_of_another_file", cause, order)
    if one.amount is not None and one.currency == order.currency and one.amount != order.amount:
        cause = f"it names {one.currency} {one.amount:f}; ordered were {order.currency} {order.amount:f}"
        return _needs_person("status_amount_differs", cause, order)
    return None


def _contradiction(order: Ordered, one: Said) -> Failure:
    why = in_words(one.reason_code, one.text)
    cause = f"the bank says {one.status}{f', {why}' if why else ''}, but the payment is {order.state} already"
    return _needs_person("status_contradictory", cause, order)


def _needs_person(code: str, cause: str, order: Ordered) -> Failure:
    return Failure(
        code=code,
        cause=cause,
        concern=order.payment_id,
        next_step="Nothing was changed. Ask the bank what became of this payment, and pay the invoice again "
        "only when it says that no money left the account.",
    )


def status_key(payment_id: str, message_id: str) -> str:
    """The record key of what a message says of a payment."""
    return f"payment:{payment_id}/{message_id}"


def strangers(message: BankMessage, orders: Sequence[Ordered]) -> list[Record]:
    """A record for each statement about a payment that is none of ours."""
    ours: set[tuple[str, str]] = set()
    for order in orders:
        ours |= {
            ("payment", order.payment_id),
            ("instruction", f"{order.message_id}/{order.instruction_id}"),
            ("block", order.block_id),
            ("file", order.message_id),
        }
    return [
        Record(
            key=status_key(id, message.id),
            outcome=Outcome.SKIPPED,
            label=f"{kind} {id}",
            message=f"the bank says {one.status}, but no such {kind} was sent here for this client",
        )
        for one in message.said
        for kind, id in _places(one)
        if (kind, id) not in ours
    ]
