"""The rows of transactions: found, added and completed in sets."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import orjson
from asyncpg.pgproto.pgproto import UUID

from services.integrations.bank.core import Entry, Statement
from services.integrations.bank.judgement import Known, Verdict
from shared.outbox import Transaction
from shared.runner.context import RunContext

#: Days around an entry's day in which the same one may stand: a format that names the value date only.
_WINDOW: Final = timedelta(days=10)


#: The place of the evidence among the fields of `Known`.
_EVIDENCE: Final = [one.name for one in fields(Known)].index("evidence")


async def candidates(
    tx: Transaction, context: RunContext, statement: Statement, entries: Sequence[Entry]
) -> list[Known]:
    """Stored transactions of which one of the entries may be one."""
    if not entries:
        return []
    spans: dict[Decimal, tuple[date, date]] = {}
    for entry in entries:
        first = last = entry.booked
        if entry.valued is not None:
            first, last = min(first, entry.valued), max(last, entry.valued)
        if (other := spans.get(entry.amount)) is not None:
            first, last = min(first, other[0]), max(last, other[1])
        spans[entry.amount] = first, last
    # In the order of `Known`.
    rows = await tx.connection.fetch(
        "select t.* from unnest($4::numeric[], $5::date[], $6::date[]) as asked (amount, first, last),"
        " lateral (select key, amount, booked_on, booked_known, valued_on, nth, statement_id, evidence::text,"
        " keyed_on, match, run_id, changed_by, details_count, details_fields, details_rank"
        " from bank_transactions where client = $1 and account = $2 and currency = $3"
        " and amount = asked.amount and keyed_on between asked.first and asked.last offset 0) t",
        context.client,
        statement.account,
        statement.currency,
        list(spans),
        [first - _WINDOW for first, _ in spans.values()],
        [last + _WINDOW for _, last in spans.values()],
    )
    return [_known(row) for row in rows]


#: The columns of a new row, in the order of `_row`.
_COLUMNS: Final = (
    "client", "account", "currency", "statement_id", "run_id", "details_rank", "key", "keyed_on", "amount",
    "nth", "booked_on", "booked_known", "valued_on", "reversal", "bank_reference", "code", "text", "charges",
    "batch_id", "party", "party_account", "details", "details_count", "details_fields", "evidence",
)  # fmt: skip


async def insert(
    tx: Transaction, context: RunContext, statement: Statement, verdicts: Sequence[Verdict]
) -> None:
    if not verdicts:
        return
    same = (
        context.client, statement.account, statement.currency, UUID(statement.identity.bytes),
        # The driver's own kind need not be taken apart for each row.
        UUID(context.run_id.bytes), statement.rank,
    )  # fmt: skip
    # Arrays would be looked through twice, for each column.
    await tx.connection.copy_records_to_table(
        "bank_transactions", records=[(*same, *_row(one)) for one in verdicts], columns=_COLUMNS
    )


def _row(verdict: Verdict) -> tuple[Any, ...]:
    entry = verdict.entry
    only = entry.only
    return (
        verdict.key, entry.booked, entry.amount, verdict.nth, entry.booked, entry.booked_known, entry.valued,
        entry.reversal, entry.bank_ref, entry.code, entry.text, entry.charges, entry.batch_id,
        only.get("party"), only.get("party_account"), orjson.dumps(entry.details).decode(),
        len(entry.details), verdict.fields, orjson.dumps({entry.family: entry.evidence}).decode(),
    )  # fmt: skip


async def update(
    tx: Transaction, context: RunContext, statement: Statement, verdicts: Sequence[Verdict]
) -> None:
    if not verdicts:
        return
    entries = [one.entry for one in verdicts]
    await tx.connection.execute(
        "update bank_transactions t set evidence = new.evidence,"
        " changed_by = case when new.richer or (new.booked_known and not t.booked_known"
        " and new.booked_on <> t.booked_on) then $2 else t.changed_by end,"
        " details = case when new.richer then new.details else t.details end,"
        " details_count = case when new.richer then new.details_count else t.details_count end,"
        " details_fields = case when new.richer then new.details_fields else t.details_fields end,"
        " details_rank = case when new.richer then $3 else t.details_rank end,"
        " party = case when new.richer then coalesce(new.party, t.party) else t.party end,"
        " party_account = case when new.richer then coalesce(new.party_account, t.party_account)"
        " else t.party_account end,"
        " text = case when new.richer then coalesce(new.text, t.text) else t.text end,"
        " charges = case when new.richer then coalesce(new.charges, t.charges) else t.charges end,"
        " bank_reference = coalesce(t.bank_reference, new.bank_reference),"
        " batch_id = coalesce(t.batch_id, new.batch_id),"
        " valued_on = coalesce(t.valued_on, new.valued_on),"
        " booked_on = case when t.booked_known or not new.booked_known then t.booked_on"
        " else new.booked_on end, booked_known = t.booked_known or new.booked_known"
        " from unnest($4::text[], $5::jsonb[], $6::bool[], $7::jsonb[], $8::int[], $9::int[],"
        " $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::date[],"
        " $17::date[], $18::bool[]) as new (key, evidence, richer, details, details_count, details_fields,"
        " party, party_account, text, charges, bank_reference, batch_id, valued_on, booked_on, booked_known)"
        " where t.client = $1 and t.key = new.key",
        context.client, context.run_id, statement.rank,
        [one.key for one in verdicts],
        [orjson.dumps(one.evidence).decode() for one in verdicts],
        [one.richer for one in verdicts],
        [orjson.dumps(entry.details).decode() for entry in entries],
        [len(entry.details) for entry in entries],
        [one.fields for one in verdicts],
        [entry.only.get("party") for entry in entries],
        [entry.only.get("party_account") for entry in entries],
        [entry.text for entry in entries],
        [entry.charges for entry in entries],
        [entry.bank_ref for entry in entries],
        [entry.batch_id for entry in entries],
        [entry.valued for entry in entries],
        [entry.booked for entry in entries],
        [entry.booked_known for entry in entries],
    )  # fmt: skip


def _known(row: Any) -> Known:
    values = list(row.values())
    values[_EVIDENCE] = orjson.loads(values[_EVIDENCE])
    return Known(*values)
