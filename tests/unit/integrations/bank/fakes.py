"""The bank tables in memory, with the same decisions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from services.integrations.bank.balances import Neighbour, apart, gaps
from services.integrations.bank.core import Entry, Statement, WrongEntry, same_account
from services.integrations.bank.identity import Assignment
from services.integrations.bank.judgement import Known, Verdict, highest_numbers, judge
from services.integrations.bank.store import Import
from shared.errors import Failure
from shared.events import Record
from shared.files import Stored
from shared.ids import new_id
from shared.words import Outcome


class FakeBank:
    """One client's bank data; `run_id` is changed by `next_run`."""

    def __init__(self) -> None:
        self.run_id = new_id()
        self.accounts: dict[str, str] = {}
        self.statements: dict[UUID, tuple[Statement, UUID]] = {}
        self.transactions: dict[str, tuple[Known, Entry]] = {}
        self.done: set[Stored] = set()

    def next_run(self) -> None:
        self.run_id = new_id()

    async def account_named(self, written: str) -> str:
        if written not in self.accounts:
            same = {account for known, account in self.accounts.items() if same_account(written, known)}
            self.accounts[written] = same.pop() if len(same) == 1 else written
        return self.accounts[written]

    async def begin(self, statement: Statement, file_name: str) -> Import:
        return FakeImport(self, statement)

    async def refuse(self, statement: Statement, failure: Failure) -> Record:
        return Record(key=statement.key, outcome=Outcome.FAILED, label=statement.label, failure=failure)

    async def new_files(self, waiting: Sequence[Stored]) -> Sequence[Stored]:
        return [one for one in waiting if one not in self.done]

    async def remember_file(self, file: Stored) -> None:
        self.done.add(file)

    @property
    def ledger(self) -> list[tuple[date, Decimal]]:
        """What is stored, as far as every format tells it."""
        return sorted((known.booked, known.amount) for known, _ in self.transactions.values())


class FakeImport:
    def __init__(self, bank: FakeBank, statement: Statement) -> None:
        self._bank = bank
        self._statement = statement
        others = [
            Neighbour(id, other.opening, other.closing, other.label)
            for id, (other, _) in bank.statements.items()
            if id != statement.identity and other.account == statement.account
        ]
        self._assignment = Assignment(apart(statement, others))
        self.warnings: Sequence[str] = gaps(statement, None, None)
        _, by = bank.statements.setdefault(statement.identity, (statement, bank.run_id))
        self._outcome = Outcome.CREATED if by == bank.run_id else Outcome.UNCHANGED

    async def store(self, entries: Sequence[Entry | WrongEntry]) -> Sequence[Record]:
        bank, account = self._bank, self._statement.account
        good = [entry for entry in entries if isinstance(entry, Entry)]
        stored = [known for key, (known, _) in bank.transactions.items() if key.split(":")[1] == account]
        numbers = highest_numbers(stored)
        partners = self._assignment.partners(good, stored)
        verdicts = [
            judge(entry, partner, self._statement, numbers, bank.run_id)
            for entry, partner in zip(good, partners, strict=True)
        ]
        for verdict in verdicts:
            self._keep(verdict)
        wrong = [entry.record() for entry in entries if isinstance(entry, WrongEntry)]
        return [*(verdict.record() for verdict in verdicts), *wrong]

    def _keep(self, verdict: Verdict) -> None:
        bank, entry = self._bank, verdict.entry
        if verdict.new:
            known = Known(
                verdict.key, entry.amount, entry.booked, entry.booked_known, entry.valued, verdict.nth,
                self._statement.identity, verdict.evidence, entry.booked, "none", bank.run_id, None,
                len(entry.details), verdict.fields, entry.rank,
            )  # fmt: skip
            bank.transactions[verdict.key] = known, entry
        elif verdict.changed:
            known, before = bank.transactions[verdict.key]
            booked = entry.booked if entry.booked_known and not known.booked_known else known.booked
            changed = replace(
                known, evidence=verdict.evidence, booked=booked,
                booked_known=known.booked_known or entry.booked_known, valued=known.valued or entry.valued,
            )  # fmt: skip
            if verdict.richer:
                changed = replace(
                    changed, details=len(entry.details), fields=verdict.fields, rank=entry.rank,
                    changed_by=bank.run_id,
                )  # fmt: skip
            bank.transactions[verdict.key] = changed, entry if verdict.richer else before

    async def complete(self, warnings: Sequence[str]) -> Sequence[Record]:
        return [Record(key=self._statement.key, outcome=self._outcome, label=self._statement.label)]
