"""Bank data in PostgreSQL: rows, outcomes, matches and events of a batch in one transaction."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, Protocol

from services.integrations.bank.balances import Neighbour
from services.integrations.bank.core import Balance as BalanceOf
from services.integrations.bank.core import Entry, Statement, WrongEntry, same_account
from services.integrations.bank.importing import PostgresImport, lock_client
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

    @property
    def warnings(self) -> Sequence[str]:
        """Where the statement does not join its neighbours."""

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

    async def begin(self, statement: Statement, file_name: str) -> Import:
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


def _neighbour(row: Any) -> Neighbour:
    return Neighbour(
        row["id"],
        BalanceOf(row["opening_amount"], "", row["opening_day"]),
        BalanceOf(row["closing_amount"], "", row["closing_day"]),
        row["label"],
    )
