"""One statement on its way into the tables, a batch of equal and other entries at a time."""

from collections.abc import Sequence
from datetime import date

from services.integrations.bank import transactions
from services.integrations.bank.balances import Neighbour, apart, gaps
from services.integrations.bank.batches import any_told_singly, left_out, sums_of, tells_payments, told_singly
from services.integrations.bank.core import Entry, Statement, WrongEntry
from services.integrations.bank.identity import Assignment
from services.integrations.bank.judgement import Verdict, highest_numbers, judge
from services.integrations.bank.matches import Matcher
from services.integrations.bank.matching import OpenInvoices
from shared.events import Record
from shared.outbox import Outbox, Transaction
from shared.runner.context import RunContext
from shared.words import Outcome


async def lock_client(tx: Transaction, client: str) -> None:
    """Two imports at once would both see that a transaction is not there, or that an invoice is open."""
    await tx.connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"bank:{client}")


class PostgresImport:
    """One statement on its way into the tables of one run's client."""

    def __init__(
        self,
        outbox: Outbox,
        context: RunContext,
        statement: Statement,
        file_name: str,
        neighbours: Sequence[Neighbour],
        invoices: OpenInvoices,
    ) -> None:
        self._outbox = outbox
        self._context = context
        self._statement = statement
        self._file_name = file_name
        self._assignment = Assignment(apart(statement, neighbours))
        self._matcher = Matcher(context, statement, invoices)
        self._warnings = gaps(statement, *_around(statement, neighbours))
        self._outcome: Outcome | None = None
        #: Whether notifications may have told payments of its sums; None as long as nobody looked.
        self._payments_known: bool | None = None

    @property
    def warnings(self) -> Sequence[str]:
        return self._warnings

    async def store(self, entries: Sequence[Entry | WrongEntry]) -> Sequence[Record]:
        context = self._context
        good = [entry for entry in entries if isinstance(entry, Entry)]
        async with self._outbox.transaction() as tx:
            await lock_client(tx, context.client)
            await self._write_statement(tx)
            verdicts = await self._judge(tx, good)
            verdicts, summed = await self._without_sums(tx, verdicts)
            await transactions.insert(tx, context, self._statement, [one for one in verdicts if one.new])
            await transactions.update(tx, context, self._statement, [one for one in verdicts if one.changed])
            await self._matcher.match(tx, verdicts)
            wrong = [entry.record() for entry in entries if isinstance(entry, WrongEntry)]
            records = [*(verdict.record() for verdict in verdicts), *summed, *wrong]
            return [tx.record(record) for record in records if context.wants(record.key)]

    async def _judge(self, tx: Transaction, entries: Sequence[Entry]) -> list[Verdict]:
        """What becomes of each; payments of a batch whose sum is stored become of that."""
        statement, run_id = self._statement, self._context.run_id
        batches = []
        if tells_payments(statement):
            batches = await sums_of(tx, self._context, statement, entries)
            gone = {one.position for group, _ in batches for one in group.entries}
            entries = [one for one in entries if one.position not in gone]
        stored = await transactions.candidates(tx, self._context, statement, entries)
        # Stands until the transaction is through: one that is rolled back ends the attempt.
        partners = self._assignment.partners(entries, stored)
        numbers = highest_numbers(stored)
        pairs = [*zip(entries, partners, strict=True), *((group.as_one(), one) for group, one in batches)]
        return [judge(entry, known, statement, numbers, run_id) for entry, known in pairs]

    async def _without_sums(
        self, tx: Transaction, verdicts: list[Verdict]
    ) -> tuple[list[Verdict], list[Record]]:
        """Those that are to be stored, and the records of sums whose payments are stored already."""
        statement, context = self._statement, self._context
        if tells_payments(statement):
            return verdicts, []
        if self._payments_known is None:
            self._payments_known = await any_told_singly(tx, context, statement)
        if not self._payments_known:
            return verdicts, []
        new = [one.entry for one in verdicts if one.new]
        known = await told_singly(tx, context, statement, new)
        records = [
            left_out(statement, entry, known[entry.position]) for entry in new if entry.position in known
        ]
        return [one for one in verdicts if not one.new or one.entry.position not in known], records

    async def complete(self, warnings: Sequence[str]) -> Sequence[Record]:
        statement = self._statement
        async with self._outbox.transaction() as tx:
            await lock_client(tx, self._context.client)
            await self._write_statement(tx)
            await tx.connection.execute(
                "update bank_statements set completed_at = coalesce(completed_at, now()), warnings = $3"
                " where client = $1 and id = $2 and (completed_at is null or warnings <> $3)",
                self._context.client,
                statement.identity,
                list(warnings),
            )
            skipped = f", {statement.not_booked} not booked" if statement.not_booked else ""
            record = Record(
                key=statement.key,
                outcome=self._outcome or Outcome.UNCHANGED,
                label=statement.label,
                message=f"{statement.entries} entries{skipped}{''.join(f'; {one}' for one in warnings)}",
            )
            return [tx.record(record)] if self._context.wants(record.key) else []

    async def _write_statement(self, tx: Transaction) -> None:
        if self._outcome is not None:
            return
        statement, context = self._statement, self._context
        opening, closing = statement.opening, statement.closing
        writer = await tx.connection.fetchval(
            "with new as (insert into bank_statements (id, client, key, label, account, currency, message,"
            " opening_amount, opening_day, closing_amount, closing_day, total, entries, not_booked,"
            " first_day, last_day, warnings, file_name, run_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
            " $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) on conflict (client, id) do nothing"
            " returning run_id) select run_id from new union all select run_id from bank_statements"
            " where client = $2 and id = $1",
            statement.identity, context.client, statement.key, statement.label, statement.account,
            statement.currency, statement.message, opening and opening.amount, opening and opening.day,
            closing and closing.amount, closing and closing.day, statement.total, statement.entries,
            statement.not_booked, statement.first_day, statement.last_day, list(self._warnings),
            self._file_name, context.run_id,
        )  # fmt: skip
        # What an earlier attempt of this run wrote counts as new in this one.
        self._outcome = Outcome.CREATED if writer == context.run_id else Outcome.UNCHANGED


def _around(
    statement: Statement, neighbours: Sequence[Neighbour]
) -> tuple[Neighbour | None, Neighbour | None]:
    """The nearest stored statement that ends where this one begins or before, and the nearest that begins
    where it ends or after. One whose balances join is the nearest of its day."""
    before: Neighbour | None = None
    after: Neighbour | None = None
    opening, closing = statement.opening, statement.closing
    if opening is not None:
        earlier = [one for one in neighbours if one.closing and one.closing.day <= opening.day]
        before = max(
            earlier,
            key=lambda one: (
                (one.closing.day, one.closing.amount == opening.amount) if one.closing else (date.min, False)
            ),
            default=None,
        )
    if closing is not None:
        later = [one for one in neighbours if one.opening and one.opening.day >= closing.day]
        after = min(
            later,
            key=lambda one: (
                (one.opening.day, one.opening.amount != closing.amount) if one.opening else (date.max, True)
            ),
            default=None,
        )
    return before, after
