"""Payments meet invoices, in the transaction in which they are stored."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.integrations.bank.core import Statement, signs
from services.integrations.bank.judgement import Verdict
from services.integrations.bank.matching import Ambiguous, Match, OpenInvoices, Payment, payments_in
from services.integrations.bank.returns import Returns, returns_of
from services.integrations.bank.settling import open_payables, settle
from services.integrations.bank.telling import tell, tell_again, tell_came_back, tell_return
from shared.events import InvoicePaid
from shared.outbox import Transaction
from shared.runner.context import RunContext


class Matcher:
    """Matches the entries of one statement."""

    def __init__(self, context: RunContext, statement: Statement, invoices: OpenInvoices) -> None:
        self._context = context
        self._statement = statement
        self._invoices = invoices

    async def match(self, tx: Transaction, verdicts: Sequence[Verdict]) -> None:
        """Match what was not matched before, and tell it in the verdicts. `verdicts` are stored already."""
        if self._context.attempt > 1:
            await tell_again(tx, self._context, verdicts)
        paid: list[UUID] = []
        reopened: list[UUID] = []
        states: dict[str, str] = {}
        if self._invoices:
            await self._pay(tx, verdicts, paid, reopened, states)
        reopened += await self._take_back(tx, verdicts, states)
        if states:
            await tx.connection.execute(
                "update bank_transactions t set match = new.match,"
                " changed_by = case when t.run_id = $2 then t.changed_by else $2 end"
                " from unnest($3::text[], $4::text[]) as new (key, match)"
                " where t.client = $1 and t.key = new.key and t.match <> new.match",
                self._context.client,
                self._context.run_id,
                list(states),
                list(states.values()),
            )
            for verdict in verdicts:
                if verdict.key in states and not verdict.own:
                    verdict.changes.setdefault("match", (verdict.match, states[verdict.key]))
        day = max((verdict.entry.booked for verdict in verdicts), default=date.min)
        await settle(tx, self._context, day, str(self._statement.identity), paid, reopened)

    async def _pay(
        self,
        tx: Transaction,
        verdicts: Sequence[Verdict],
        paid: list[UUID],
        reopened: list[UUID],
        states: dict[str, str],
    ) -> None:
        waiting = [
            (one, payments_in(one.entry))
            for one in verdicts
            if one.match in ("none", "ambiguous") and one.entry.amount < 0 and not one.entry.reversal
        ]
        await self._forget_settled(
            tx, [payment for _, payments in waiting for payment in payments if payment]
        )
        returns = await self._returns(tx, verdicts, [one for _, payments in waiting for one in payments])
        rows: list[tuple[Any, ...]] = []
        for verdict, payments in waiting:
            results: list[Match | Ambiguous | None] = []
            came_back = len(reopened)
            for place, payment in enumerate(payments):
                result = self._invoices.find(payment) if payment else None
                if payment and isinstance(result, Match) and (back := returns.take(verdict.entry, payment)):
                    rows.append((*self._row(verdict, place, result, payment.payment_id), back))
                    tell_came_back(verdict, result, back)
                    states[back] = "reversed"
                    reopened.append(result.payable.document_id)
                    result = None
                results.append(result)
                if isinstance(result, Match):
                    assert payment is not None
                    rows.append((*self._row(verdict, place, result, payment.payment_id), None))
                    tell(verdict, result)
                    if result.settles:
                        self._invoices.settled(result.payable)
                        paid.append(result.payable.document_id)
                        tx.event(self._event(verdict, result))
                    else:
                        result.payable.paid += result.amount
                elif isinstance(result, Ambiguous):
                    verdict.notes.append(result.sentence)
            state = _state_of(results)
            if state == "none" and len(reopened) > came_back:
                state = "reversed"
            if state != verdict.match:
                states[verdict.key] = state
        if rows:
            await tx.connection.executemany(
                "insert into bank_matches (client, transaction_key, detail, document_id, amount, currency,"
                " matched_by, payment_id, settles, run_id, reversed_by)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                rows,
            )

    async def _returns(
        self, tx: Transaction, verdicts: Sequence[Verdict], payments: Sequence[Payment | None]
    ) -> Returns:
        """What took payments back before they came. What comes in the same batch is taken back afterwards."""
        amounts = {one.amount for one in payments if one and isinstance(self._invoices.find(one), Match)}
        own = [verdict.key for verdict in verdicts]
        return await returns_of(tx, self._context, self._statement, amounts, own)

    async def _forget_settled(self, tx: Transaction, payments: Sequence[Payment]) -> None:
        """Another import may have paid invoices since this run looked; `tx` holds the client's lock."""
        while True:
            results = [self._invoices.find(payment) for payment in payments]
            found = {one.payable.document_id: one.payable for one in results if isinstance(one, Match)}
            if not found:
                return
            rows = await tx.connection.fetch(
                "select document_id from bank_matches where settles and reversed_by is null"
                " and document_id = any($1::uuid[])",
                list(found),
            )
            if not rows:
                return
            for row in rows:
                self._invoices.settled(found[row["document_id"]])

    def _row(self, verdict: Verdict, place: int, match: Match, payment_id: str | None) -> tuple[Any, ...]:
        payable = match.payable
        return (
            self._context.client, verdict.key, place, payable.document_id, match.amount,
            payable.currency or verdict.entry.currency, match.by, signs(payment_id) if payment_id else None,
            match.settles, self._context.run_id,
        )  # fmt: skip

    def _event(self, verdict: Verdict, match: Match) -> InvoicePaid:
        context, payable = self._context, match.payable
        return InvoicePaid(
            client=context.client,
            principal=context.principal,
            about=[f"document:{payable.document_id}", f"invoice:{payable.document_id}"],
            run_id=context.run_id,
            traceparent=context.traceparent,
            interactive=False,
            document_id=payable.document_id,
            amount=payable.paid + match.amount,
            currency=payable.currency or verdict.entry.currency,
            booked_on=verdict.entry.booked,
            account=self._statement.account,
            transaction=verdict.key,
            matched_by=match.by,
        )

    async def _take_back(
        self, tx: Transaction, verdicts: Sequence[Verdict], states: dict[str, str]
    ) -> list[UUID]:
        """Credits that take a matched payment back: reversals and returns."""
        returns: dict[str, list[tuple[Verdict, Decimal]]] = defaultdict(list)
        for verdict in verdicts:
            entry = verdict.entry
            if entry.amount <= 0 or verdict.match != "none":
                continue
            if not entry.reversal and not any("return_reason" in one for one in entry.details):
                continue
            for detail in entry.details:
                amount = Decimal(detail["amount"]) if "amount" in detail else entry.amount
                returns[signs(detail.get("payment_id", ""))].append((verdict, amount))
            if not entry.details:
                returns[""].append((verdict, entry.amount))
        if not returns:
            return []
        rows = await tx.connection.fetch(
            "select m.id, m.document_id, m.payment_id, m.settles, m.transaction_key, t.amount,"
            " t.bank_reference from bank_matches m join bank_transactions t on t.client = m.client"
            " and t.key = m.transaction_key"
            " where m.client = $1 and m.reversed_by is null and (m.payment_id = any($2::text[])"
            " or t.bank_reference = any($3::text[])) order by m.id",
            self._context.client,
            [payment for payment in returns if payment],
            [v.entry.bank_ref for group in returns.values() for v, _ in group if v.entry.bank_ref],
        )
        reopened: list[UUID] = []
        taken: set[int] = set()
        for payment, group in returns.items():
            for verdict, amount in group:
                fitting = [
                    row
                    for row in rows
                    if row["id"] not in taken
                    and ((payment and row["payment_id"] == payment) or (
                        verdict.entry.bank_ref and row["bank_reference"] == verdict.entry.bank_ref
                        and -row["amount"] == amount
                    ))
                ]  # fmt: skip
                if not fitting:
                    verdict.notes.append("takes a payment back that is matched to no invoice")
                    continue
                row = fitting[-1]
                taken.add(row["id"])
                await tx.connection.execute(
                    "update bank_matches set reversed_by = $2 where id = $1", row["id"], verdict.key
                )
                states[verdict.key] = "reversed"
                states[row["transaction_key"]] = "reversed"
                reopened.append(row["document_id"])
                tell_return(verdict, row["document_id"])
        if reopened:
            # They can be paid again, by a later entry of this very file.
            self._invoices.add(await open_payables(tx.connection, self._context.client))
        return reopened


def _state_of(results: Sequence[Match | Ambiguous | None]) -> str:
    """`matched` if each payment of the transaction pays an invoice in full."""
    matches = [one for one in results if isinstance(one, Match)]
    if matches:
        return "matched" if len(matches) == len(results) and all(one.settles for one in matches) else "partly"
    return "ambiguous" if any(isinstance(one, Ambiguous) for one in results) else "none"
