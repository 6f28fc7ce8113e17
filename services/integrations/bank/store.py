"""Bank data in PostgreSQL: rows, outcomes, matches and events of a batch in one transaction."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

import orjson

from services.integrations.bank.core import Balance as BalanceOf
from services.integrations.bank.core import Entry, Neighbour, Statement, WrongEntry, apart, gaps, same_account
from services.integrations.bank.identity import Assignment
from services.integrations.bank.judgement import Known, Verdict, judge
from services.integrations.bank.matches import Matcher
from services.integrations.bank.matching import OpenInvoices
from services.integrations.bank.settling import open_payables
from shared.errors import Failure
from shared.events import Record
from shared.files import Stored as StoredFile
from shared.outbox import Outbox, Transaction
from shared.runner.context import RunContext
from shared.words import Outcome

#: Days around an entry's day in which the same one may stand: a format that names the value date only.
_WINDOW: Final = timedelta(days=10)


class BankStore(Protocol):
    """What a run may do with the bank data of its own client."""

    async def account_named(self, written: str) -> str:
        """The spelling under which the account is known; a new one is known under the first."""

    async def begin(self, statement: Statement, file_name: str) -> "Import":
        """Begin with a statement, or go on with it."""

    async def refuse(self, statement: Statement, failure: Failure) -> Record:
        """Record that nothing of the statement is stored."""

    async def new_files(self, waiting: Sequence[StoredFile]) -> Sequence[StoredFile]:
        """Those of the inbox that are new or have changed."""

    async def remember_file(self, file: StoredFile) -> None:
        """Everything in this file of the inbox was handled."""


class Import(Protocol):
    """One statement on its way into the tables."""

    #: What a person should know of it: gaps, balances that cannot be checked.
    warnings: Sequence[str]

    async def store(self, entries: Sequence[Entry | WrongEntry]) -> Sequence[Record]:
        """Store the entries that are new, all or nothing; the records to yield. All equal ones of the
        statement come in one call."""

    async def complete(self, warnings: Sequence[str]) -> Sequence[Record]:
        """Record the statement itself."""


class PostgresBank:
    """The bank data of one run's client."""

    def __init__(self, outbox: Outbox, context: RunContext) -> None:
        self._outbox = outbox
        self._context = context
        self._invoices: OpenInvoices | None = None

    async def account_named(self, written: str) -> str:
        async with self._outbox.transaction() as tx:
            await self._lock(tx)
            rows = await tx.connection.fetch(
                "select spelling, account from bank_accounts where client = $1", self._context.client
            )
            known = {row["spelling"]: row["account"] for row in rows}
            if written in known:
                return str(known[written])
            same = {account for spelling, account in known.items() if same_account(written, spelling)}
            account: str = same.pop() if len(same) == 1 else written
            await tx.connection.execute(
                "insert into bank_accounts (client, spelling, account) values ($1, $2, $3)",
                self._context.client,
                written,
                account,
            )
        return account

    async def begin(self, statement: Statement, file_name: str) -> "PostgresImport":
        async with self._outbox.transaction() as tx:
            await self._lock(tx)
            rows = await tx.connection.fetch(
                "select id, label, message, opening_amount, opening_day, closing_amount, closing_day"
                " from bank_statements where client = $1 and account = $2 and currency = $3 and id <> $4"
                " and closing_day is not null and opening_day is not null",
                self._context.client,
                statement.account,
                statement.currency,
                statement.identity,
            )
            if self._invoices is None:
                self._invoices = OpenInvoices(await open_payables(tx.connection, self._context.client))
        neighbours = [_neighbour(row) for row in rows]
        return PostgresImport(self._outbox, self._context, statement, file_name, neighbours, self._invoices)

    async def refuse(self, statement: Statement, failure: Failure) -> Record:
        record = Record(key=statement.key, outcome=Outcome.FAILED, label=statement.label, failure=failure)
        async with self._outbox.transaction() as tx:
            return tx.record(record)

    async def new_files(self, waiting: Sequence[StoredFile]) -> Sequence[StoredFile]:
        async with self._outbox.transaction() as tx:
            rows = await tx.connection.fetch(
                "select name, size, modified from bank_files where client = $1 and run_id <> $2",
                self._context.client,
                self._context.run_id,
            )
        done = {(row["name"], row["size"], row["modified"]) for row in rows}
        return [one for one in waiting if (one.name, one.size, one.modified) not in done]

    async def remember_file(self, file: StoredFile) -> None:
        async with self._outbox.transaction() as tx:
            await tx.connection.execute(
                "insert into bank_files (client, name, size, modified, run_id) values ($1, $2, $3, $4, $5)"
                " on conflict (client, name) do update set size = excluded.size,"
                " modified = excluded.modified, run_id = excluded.run_id",
                self._context.client,
                file.name,
                file.size,
                file.modified,
                self._context.run_id,
            )

    async def _lock(self, tx: Transaction) -> None:
        await lock_client(tx, self._context.client)


async def lock_client(tx: Transaction, client: str) -> None:
    """Two imports at once would both see that a transaction is not there, or that an invoice is open."""
    await tx.connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"bank:{client}")


def _neighbour(row: Any) -> Neighbour:
    return Neighbour(
        row["id"],
        BalanceOf(row["opening_amount"], "", row["opening_day"]),
        BalanceOf(row["closing_amount"], "", row["closing_day"]),
        row["label"],
    )


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
        self.warnings = gaps(statement, *_around(statement, neighbours))
        self._outcome: Outcome | None = None

    async def store(self, entries: Sequence[Entry | WrongEntry]) -> Sequence[Record]:
        context = self._context
        good = [entry for entry in entries if isinstance(entry, Entry)]
        async with self._outbox.transaction() as tx:
            await lock_client(tx, context.client)
            await self._write_statement(tx)
            stored = await self._candidates(tx, good)
            # Stands until the transaction is through: one that is rolled back ends the attempt.
            partners = self._assignment.partners(good, stored)
            numbers = await self._highest_numbers(
                tx, [e for e, p in zip(good, partners, strict=True) if p is None]
            )
            verdicts = [
                judge(entry, partner, self._statement, numbers, context.run_id)
                for entry, partner in zip(good, partners, strict=True)
            ]
            await self._insert(tx, [one for one in verdicts if one.new])
            await self._update(tx, [one for one in verdicts if one.changed])
            await self._matcher.match(tx, verdicts)
            wrong = [entry.record() for entry in entries if isinstance(entry, WrongEntry)]
            records = [*(verdict.record() for verdict in verdicts), *wrong]
            return [tx.record(record) for record in records if context.wants(record.key)]

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
            " $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) on conflict (client, id) do nothing returning run_id)"
            " select run_id from new union all select run_id from bank_statements where client = $2"
            " and id = $1",
            statement.identity, context.client, statement.key, statement.label, statement.account,
            statement.currency, statement.message, opening and opening.amount, opening and opening.day,
            closing and closing.amount, closing and closing.day, statement.total, statement.entries,
            statement.not_booked, statement.first_day, statement.last_day, list(self.warnings),
            self._file_name, context.run_id,
        )  # fmt: skip
        # What an earlier attempt of this run wrote counts as new in this one.
        self._outcome = Outcome.CREATED if writer == context.run_id else Outcome.UNCHANGED

    async def _candidates(self, tx: Transaction, entries: Sequence[Entry]) -> list[Known]:
        """Stored transactions of which one of the entries may be one."""
        if not entries:
            return []
        spans: dict[Decimal, tuple[date, date]] = {}
        for entry in entries:
            days = [entry.booked, *([entry.valued] if entry.valued else [])]
            first, last = spans.get(entry.amount, (min(days), max(days)))
            spans[entry.amount] = min(first, *days), max(last, *days)
        rows = await tx.connection.fetch(
            "select t.* from unnest($4::numeric[], $5::date[], $6::date[]) as asked (amount, first, last),"
            " lateral (select key, amount, booked_on, booked_known, valued_on, nth, statement_id,"
            " evidence::text, match, run_id, changed_by, details_count, details_fields, details_rank"
            " from bank_transactions where client = $1 and account = $2 and currency = $3"
            " and amount = asked.amount and keyed_on between asked.first and asked.last offset 0) t",
            self._context.client,
            self._statement.account,
            self._statement.currency,
            list(spans),
            [first - _WINDOW for first, _ in spans.values()],
            [last + _WINDOW for _, last in spans.values()],
        )
        return [_known(row) for row in rows]

    async def _highest_numbers(
        self, tx: Transaction, entries: Sequence[Entry]
    ) -> dict[tuple[Decimal, date], int]:
        """Of each amount and day the highest number that a stored transaction has."""
        wanted = list({(entry.amount, entry.booked) for entry in entries})
        if not wanted:
            return {}
        rows = await tx.connection.fetch(
            "select asked.amount, asked.day, t.highest"
            " from unnest($4::numeric[], $5::date[]) as asked (amount, day),"
            " lateral (select max(nth) as highest from bank_transactions where client = $1 and account = $2"
            " and currency = $3 and amount = asked.amount and keyed_on = asked.day) t"
            " where t.highest is not null",
            self._context.client,
            self._statement.account,
            self._statement.currency,
            [amount for amount, _ in wanted],
            [day for _, day in wanted],
        )
        return {(row["amount"], row["day"]): row["highest"] for row in rows}

    async def _insert(self, tx: Transaction, verdicts: Sequence[Verdict]) -> None:
        if not verdicts:
            return
        entries = [one.entry for one in verdicts]
        await tx.connection.execute(
            "insert into bank_transactions (client, account, currency, statement_id, run_id, details_rank,"
            " key, keyed_on, amount, nth, booked_on, booked_known, valued_on, reversal, bank_reference, code,"
            " text, charges, batch_id, party, party_account, details, details_count, details_fields,"
            " evidence) select $1, $2, $3, $4, $5, $6, new.* from unnest($7::text[], $8::date[], $9::numeric[],"
            " $10::int[], $11::date[], $12::bool[], $13::date[], $14::bool[], $15::text[], $16::text[],"
            " $17::text[], $18::text[], $19::text[], $20::text[], $21::text[], $22::jsonb[], $23::int[],"
            " $24::int[], $25::jsonb[]) as new",
            self._context.client, self._statement.account, self._statement.currency, self._statement.identity,
            self._context.run_id, self._statement.rank,
            [one.key for one in verdicts],
            [entry.booked for entry in entries],
            [entry.amount for entry in entries],
            [one.nth for one in verdicts],
            [entry.booked for entry in entries],
            [entry.booked_known for entry in entries],
            [entry.valued for entry in entries],
            [entry.reversal for entry in entries],
            [entry.bank_ref for entry in entries],
            [entry.code for entry in entries],
            [entry.text for entry in entries],
            [entry.charges for entry in entries],
            [entry.batch_id for entry in entries],
            [entry.only.get("party") for entry in entries],
            [entry.only.get("party_account") for entry in entries],
            [orjson.dumps(entry.details).decode() for entry in entries],
            [len(entry.details) for entry in entries],
            [one.fields for one in verdicts],
            [orjson.dumps({entry.family: entry.evidence}).decode() for entry in entries],
        )  # fmt: skip

    async def _update(self, tx: Transaction, verdicts: Sequence[Verdict]) -> None:
        if not verdicts:
            return
        entries = [one.entry for one in verdicts]
        await tx.connection.execute(
            "update bank_transactions t set evidence = new.evidence,"
            " changed_by = case when new.richer then $2 else t.changed_by end,"
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
            " $17::date[], $18::bool[]) as new (key, evidence, richer, details, details_count, details_fields, party,"
            " party_account, text, charges, bank_reference, batch_id, valued_on, booked_on, booked_known)"
            " where t.client = $1 and t.key = new.key",
            self._context.client, self._context.run_id, self._statement.rank,
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


def _known(row: Any) -> Known:
    return Known(
        key=row["key"],
        amount=row["amount"],
        booked=row["booked_on"],
        booked_known=row["booked_known"],
        valued=row["valued_on"],
        nth=row["nth"],
        statement=row["statement_id"],
        evidence=orjson.loads(row["evidence"]),
        match=row["match"],
        run_id=row["run_id"],
        changed_by=row["changed_by"],
        details=row["details_count"],
        fields=row["details_fields"],
        rank=row["details_rank"],
    )
