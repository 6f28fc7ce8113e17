"""Whether statements add up, and whether one joins the next. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.integrations.bank.core import Balance, Statement, money
from shared.errors import Failure


def balance_problem(statement: Statement) -> Failure | None:
    """Why the statement does not add up; None if it does, or if nobody can tell."""
    opening, closing = statement.opening, statement.closing
    if opening is None or closing is None or statement.unusable or opening.currency != closing.currency:
        return None
    reached = opening.amount + statement.total
    if reached == closing.amount:
        return None
    off = closing.amount - reached
    return Failure(
        code="balance_mismatch",
        cause=f"it opens with {money(opening.amount)}, its {statement.entries} booked entries come to "
        f"{money(statement.total)}, which gives {money(reached)} {statement.currency}; but it closes with "
        f"{money(closing.amount)}, {money(abs(off))} {'more' if off > 0 else 'less'}",
        concern=statement.key,
        next_step="Nothing of this statement was stored. Get it again from the bank, complete; if the bank's "
        "own file is wrong, ask for a corrected one.",
    )


def why_unchecked(statement: Statement) -> str | None:
    """What keeps the balances from being checked, in words."""
    if statement.message.startswith("camt.054"):
        return None
    missing = [
        name
        for name, balance in (("opening", statement.opening), ("closing", statement.closing))
        if balance is None
    ]
    if missing:
        return f"it has no {' and no '.join(missing)} balance"
    if statement.opening and statement.closing and statement.opening.currency != statement.closing.currency:
        return f"it opens in {statement.opening.currency} and closes in {statement.closing.currency}"
    return f"{statement.unusable} of its entries cannot be used" if statement.unusable else None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A stored statement, as far as its place among others needs it."""

    identity: UUID
    opening: Balance | None
    closing: Balance | None
    label: str


def gaps(statement: Statement, before: Neighbour | None, after: Neighbour | None) -> list[str]:
    """Where the statement does not join its stored neighbours, in words. Both are of the same account."""
    told = []
    opening, closing = statement.opening, statement.closing
    last = before.closing if before else None
    if before and last and opening and last.amount != opening.amount:
        told.append(
            f"it opens with {money(opening.amount)} on {opening.day}, but the one before ({before.label})"
            f" closes with {money(last.amount)} on {last.day}: a statement in between is missing"
        )
    first = after.opening if after else None
    if after and first and closing and first.amount != closing.amount:
        told.append(
            f"it closes with {money(closing.amount)} on {closing.day}, but the next one ({after.label}) opens"
            f" with {money(first.amount)} on {first.day}: a statement in between is missing"
        )
    return told


def apart(statement: Statement, stored: Iterable[Neighbour]) -> frozenset[UUID]:
    """Stored statements that certainly share no entry with this one: each joins the next, closing balance to
    opening balance, in a chain that ends or begins here.

    A statement with the same two balances is rather the same one in another format, and never in the chain.
    """
    others = [
        one
        for one in stored
        if one.opening is not None
        and one.closing is not None
        and (statement.opening, statement.closing) != (one.opening, one.closing)
        and not _same_balances(statement, one)
    ]
    found: set[UUID] = set()
    if statement.opening is not None:
        _follow(statement.opening, others, found, forward=False)
    if statement.closing is not None:
        _follow(statement.closing, others, found, forward=True)
    return frozenset(found)


def _same_balances(one: Statement, other: Neighbour) -> bool:
    return (
        one.opening is not None
        and one.closing is not None
        and other.opening is not None
        and other.closing is not None
        and (one.opening.amount, one.closing.amount) == (other.opening.amount, other.closing.amount)
    )


def _follow(at: Balance, others: Sequence[Neighbour], found: set[UUID], *, forward: bool) -> None:
    waiting = [at]
    while waiting:
        here = waiting.pop()
        for one in others:
            assert one.opening is not None
            assert one.closing is not None
            near, far = (one.opening, one.closing) if forward else (one.closing, one.opening)
            earlier, later = (here, near) if forward else (near, here)
            if one.identity not in found and near.amount == here.amount and earlier.day <= later.day:
                found.add(one.identity)
                waiting.append(far)
