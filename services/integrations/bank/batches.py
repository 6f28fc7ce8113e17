"""A batch that is booked as one sum, and told elsewhere as one entry for each of its payments.

Some banks send the payments of a batch as entries of a notification (camt.054), and book their sum in the
statement. Both name the batch: by the id of the block of orders, or by the bank's reference. The payments are
never stored beside the sum, nor the sum beside the payments: whichever comes second is recognized by the
reference, the day and the amount. Payments that come second become the details of the sum.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from services.integrations.bank import transactions
from services.integrations.bank.core import Entry, Statement, money
from services.integrations.bank.judgement import Known
from shared.events import Record
from shared.outbox import Transaction
from shared.runner.context import RunContext
from shared.words import Outcome

#: MT940 has room for so many characters of the bank's reference.
_SHORT: Final = 16


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of one day that name the same batch."""

    reference: str
    entries: Sequence[Entry]

    def as_one(self) -> Entry:
        """The sum as an entry, with the payments as its details. It brings no evidence of its own."""
        amount = sum((one.amount for one in self.entries), Decimal(0))
        return replace(
            self.entries[0],
            amount=amount,
            written=money(amount),
            details=[_detail(one) for one in self.entries],
            evidence={},
            bank_ref=None,
            batch_id=None,
            charges=None,
            text=None,
        )


def references_of(entry: Entry) -> set[str]:
    """By what an entry may name its batch."""
    named = (entry.batch_id, entry.only.get("batch_id"), entry.bank_ref)
    return {_short(one) for one in named if one}


def groups_in(entries: Iterable[Entry]) -> list[Group]:
    """Entries that may be the payments of a batch: several of one day and direction with one reference."""
    found: dict[tuple[str, date, bool], list[Entry]] = defaultdict(list)
    for entry in entries:
        if not entry.reversal and len(entry.details) <= 1:
            for reference in references_of(entry):
                found[reference, entry.booked, entry.amount < 0].append(entry)
    return [Group(place[0], group) for place, group in found.items() if len(group) > 1]


def tells_payments(statement: Statement) -> bool:
    """Whether its entries may be payments that elsewhere are booked in one sum."""
    return statement.message.startswith("camt.054")


async def sums_of(
    tx: Transaction, context: RunContext, statement: Statement, entries: Sequence[Entry]
) -> list[tuple[Group, Known]]:
    """The groups of payments whose sum is stored, each with it."""
    groups = groups_in(entries)
    if not groups:
        return []
    stored = await transactions.candidates(tx, context, statement, [one.as_one() for one in groups])
    named = await _names_of(tx, context, [one.key for one in stored])
    found: list[tuple[Group, Known]] = []
    gone: set[int] = set()
    for group in groups:
        amount, day = sum(one.amount for one in group.entries), group.entries[0].booked
        known = next(
            (
                one
                for one in stored
                if (one.amount, one.booked) == (amount, day) and group.reference in named.get(one.key, ())
            ),
            None,
        )
        positions = {one.position for one in group.entries}
        if known is not None and not positions & gone:
            gone |= positions
            found.append((group, known))
            stored.remove(known)
    return found


async def told_singly(
    tx: Transaction, context: RunContext, statement: Statement, entries: Sequence[Entry]
) -> dict[int, int]:
    """Position of each entry whose payments are stored one by one -> how many they are."""
    asked = {(name, one.booked): one for one in entries if not one.reversal for name in references_of(one)}
    if not asked:
        return {}
    rows = await tx.connection.fetch(
        "select reference, booked_on, sum(amount) as amount, count(*) as count from (select distinct key,"
        " booked_on, amount, unnest(array[left(batch_id, $6), left(bank_reference, $6),"
        " left(details->0->>'batch_id', $6)]) as reference from bank_transactions where client = $1"
        " and account = $2 and currency = $3 and booked_on between $4 and $5) as one"
        " where reference = any($7::text[]) group by reference, booked_on having count(*) > 1",
        context.client,
        statement.account,
        statement.currency,
        min(day for _, day in asked),
        max(day for _, day in asked),
        _SHORT,
        [name for name, _ in asked],
    )
    found: dict[int, int] = {}
    for row in rows:
        entry = asked.get((row["reference"], row["booked_on"]))
        if entry is not None and entry.amount == row["amount"]:
            found[entry.position] = row["count"]
    return found


async def any_told_singly(tx: Transaction, context: RunContext, statement: Statement) -> bool:
    """Whether there are notifications of the account at all."""
    return bool(
        await tx.connection.fetchval(
            "select exists(select from bank_statements where client = $1 and account = $2 and currency = $3"
            " and message like 'camt.054%')",
            context.client,
            statement.account,
            statement.currency,
        )
    )


def left_out(statement: Statement, entry: Entry, count: int) -> Record:
    """The record of a sum that is not stored, because its payments are."""
    return Record(
        key=f"{statement.key}:entry:{entry.position}",
        outcome=Outcome.SKIPPED,
        label=f"{entry.booked.isoformat()} {entry.written}",
        message=f"{entry.written} {entry.currency}; stored already as the {count} payments of which it"
        " consists",
    )


async def _names_of(tx: Transaction, context: RunContext, keys: Sequence[str]) -> dict[str, set[str]]:
    rows = await tx.connection.fetch(
        "select key, batch_id, bank_reference from bank_transactions where client = $1"
        " and key = any($2::text[])",
        context.client,
        keys,
    )
    return {
        row["key"]: {_short(one) for one in (row["batch_id"], row["bank_reference"]) if one} for row in rows
    }


def _detail(entry: Entry) -> dict[str, object]:
    detail = {"amount": entry.written, "currency": entry.currency, **entry.only}
    if entry.text and "text" not in detail:
        detail["text"] = entry.text
    return detail


def _short(reference: str) -> str:
    return reference[:_SHORT]
