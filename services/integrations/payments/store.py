"""Payment files in PostgreSQL: reserved in one transaction, completed in another, whoever does the second.

A file is begun when its row, its orders and the state `ordered` of their invoices are committed together.
From then on its bytes lie in the row, so that whoever completes it hands out the same file under the same
id. It is complete when `event.payment.status_changed` of its orders leaves, in the transaction that says so.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from services.integrations.payments.accounts import Account
from services.integrations.payments.changes import status_changed
from services.integrations.payments.choice import Choice, choose
from services.integrations.payments.files import PaymentFile, by_bank, make_file
from services.integrations.payments.foresight import foreseen
from services.integrations.payments.pain001 import instruction_id, render
from services.integrations.payments.payable import Payable, Wish
from shared.audit import AuditEntry
from shared.events import Record
from shared.ids import new_id
from shared.outbox import Outbox, Transaction
from shared.runner.context import RunContext
from shared.service import SOFTWARE_VERSION
from shared.words import Outcome, PaymentState


@dataclass(frozen=True, slots=True)
class BegunFile:
    """A file that is reserved and not complete."""

    id: UUID
    content: bytes
    #: Name of its copy that is or was to be moved into the pick-up folder.
    staged: str | None


class PaymentFiles(Protocol):
    """What a run may do with the payment files of its client."""

    async def begun(self) -> Sequence[BegunFile]:
        """The files that wait to be completed, the oldest first, whichever run began them."""

    async def foresee(self, wish: Wish) -> Sequence[Record]:
        """What `reserve` and `complete` would tell of the wish, and one record for each account and currency
        with the sum. Writes nothing."""

    async def reserve(self, wish: Wish) -> Sequence[Record]:
        """Decide what this run orders, and begin the files for it. Once in a run: again, it only returns the
        records of what was left out. Raises `payment_file_invalid`."""

    async def stage(self, file_id: UUID, name: str) -> str:
        """Remember the name of the copy for the pick-up folder; the name that counts, which another attempt
        may have given before."""

    async def complete(self, file_id: UUID) -> Sequence[Record]:
        """Say that the file is handed over: events and records of its orders; nothing if another did."""

    async def told(self) -> Sequence[Record]:
        """The records of the files that earlier attempts of this run completed."""


class PostgresPaymentFiles:
    """The payment files of one run's client."""

    def __init__(self, outbox: Outbox, context: RunContext, accounts: Sequence[Account]) -> None:
        self._outbox = outbox
        self._context = context
        self._accounts = accounts

    async def begun(self) -> Sequence[BegunFile]:
        async with self._outbox.transaction() as tx:
            rows = await tx.connection.fetch(
                "select id, content, staged from payment_files where client = $1 and completed_at is null"
                " order by created_at, id",
                self._context.client,
            )
        return [BegunFile(row["id"], row["content"], row["staged"]) for row in rows]

    async def foresee(self, wish: Wish) -> Sequence[Record]:
        async with self._outbox.transaction() as tx:
            choice = await self._choose(tx, wish)
        return foreseen(choice)

    async def reserve(self, wish: Wish) -> Sequence[Record]:
        context = self._context
        async with self._outbox.transaction() as tx:
            # The index on live orders is the last line.
            await take_turn(tx.connection, context.client)
            decided = await tx.connection.fetchval(
                "select left_out from payment_reservations where run_id = $1", context.run_id
            )
            if decided is not None:
                return [tx.record(Record.model_validate(one)) for one in json.loads(decided)]
            choice = await self._choose(tx, wish, lock="for update of p")
            left_out = [record for record in choice.left_out if context.wants(record.key)]
            await tx.connection.execute(
                "insert into payment_reservations (run_id, client, left_out) values ($1, $2, $3)",
                context.run_id,
                context.client,
                json.dumps([record.model_dump(mode="json") for record in left_out]),
            )
            wanted = [order for order in choice.orders if context.wants(order.key)]
            now = datetime.now(UTC).replace(microsecond=0)
            for orders in by_bank(wanted):
                await self._begin(tx, make_file(new_id(), now, orders))
            return [tx.record(record) for record in left_out]

    async def _choose(self, tx: Transaction, wish: Wish, *, lock: str = "") -> Choice:
        rows = await tx.connection.fetch(
            f"{_PAYABLES} where p.client = $1 and (p.document_id = any($2::uuid[])"
            " or cardinality($2::uuid[]) = 0 and p.state in ('open', 'rejected')"
            " and (p.due_date is null or p.due_date <= $3))"
            f" order by p.document_id {lock}",
            self._context.client,
            sorted(wish.documents),
            wish.until,
        )
        payables = [_payable(row) for row in rows]
        twins = await tx.connection.fetch(
            f"{_PAYABLES} where p.client = $1 and p.state not in ('open', 'rejected')"
            " and p.iban = any($2::text[]) and p.amount = any($3::numeric[]) order by p.document_id",
            self._context.client,
            [payable.values["iban"] for payable in payables if payable.values.get("iban")],
            [payable.amount for payable in payables if payable.amount is not None],
        )
        return choose(payables, [_payable(row) for row in twins], self._accounts, wish)

    async def _begin(self, tx: Transaction, file: PaymentFile) -> None:
        content = await asyncio.to_thread(render, file, SOFTWARE_VERSION)
        context = self._context
        await tx.connection.execute(
            "insert into payment_files (id, client, run_id, principal, created_at, content, sha256, size)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8)",
            file.id, context.client, context.run_id, context.principal, file.created_at, content,
            hashlib.sha256(content).hexdigest(), len(content),
        )  # fmt: skip
        await tx.connection.executemany(
            "insert into payment_orders (payment_id, file_id, block_id, instruction_id, client, document_id,"
            " number, account, execution_date, amount, currency, payee_name, iban, reference, label)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            [
                (order.payment_id, file.id, block.id, instruction_id(block, place), context.client,
                 order.document_id, order.number, order.account.iban, order.execution_date, order.amount,
                 order.currency, order.name, order.iban, order.reference, order.label)
                for block in file.blocks
                for place, order in enumerate(block.orders, 1)
            ],
        )  # fmt: skip
        await tx.connection.execute(
            "update payables set state = 'ordered' where document_id = any($1::uuid[])",
            [order.document_id for order in file.orders],
        )

    async def stage(self, file_id: UUID, name: str) -> str:
        async with self._outbox.transaction() as tx:
            staged: str = await tx.connection.fetchval(
                "update payment_files set staged = coalesce(staged, $2) where id = $1 returning staged",
                file_id,
                name,
            )
        return staged

    async def complete(self, file_id: UUID) -> Sequence[Record]:
        async with self._outbox.transaction() as tx:
            completed = await tx.connection.fetchval(
                "update payment_files set completed_at = now(), completed_by = $2, content = null"
                " where id = $1 and completed_at is null returning id",
                file_id,
                self._context.run_id,
            )
            if completed is None:
                return []
            orders = await self._orders(tx, file_id)
            for order in orders:
                tx.event(status_changed(self._context, order, PaymentState.OPEN, PaymentState.ORDERED))
            tx.audit(
                AuditEntry(
                    action="delivered",
                    principal=self._context.principal,
                    concern=f"payment-file:{file_id}",
                    client=self._context.client,
                    after={"orders": len(orders), "sums": _sums(orders)},
                )
            )
            return [tx.record(record) for record in _records(file_id, orders)]

    async def told(self) -> Sequence[Record]:
        async with self._outbox.transaction() as tx:
            files = await tx.connection.fetch(
                "select id from payment_files where completed_by = $1 order by created_at, id",
                self._context.run_id,
            )
            return [
                tx.record(record)
                for row in files
                for record in _records(row["id"], await self._orders(tx, row["id"]))
            ]

    async def _orders(self, tx: Transaction, file_id: UUID) -> Sequence[Any]:
        return await tx.connection.fetch(
            "select * from payment_orders where file_id = $1 order by block_id, payment_id", file_id
        )


async def take_turn(connection: Any, client: str) -> None:
    """Wait for what else decides which invoices of the client are ordered; lasts until the end of the
    transaction. Two runs at once would both see an invoice as open, and a run would not see that it is
    withheld at the same time."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"payments:{client}")


#: An invoice, its last order, and what speaks against it since it was approved.
_PAYABLES = """
select p.document_id, p.kind, p.state, p.approved, p.amount, p.due_date,
    coalesce(o.number, 0) as orders, h.reason as held,
    case when o.state = 'rejected' and o.changed_at > p.approved_at
        then coalesce(o.reason, 'without a reason') end as rejected
from payables p
left join payable_holds h on h.document_id = p.document_id and h.since > p.approved_at
left join lateral (select number, reason, changed_at, state from payment_orders
    where document_id = p.document_id order by number desc limit 1) o on true
"""


def _payable(row: Any) -> Payable:
    return Payable(
        document_id=row["document_id"],
        kind=row["kind"],
        state=PaymentState(row["state"]),
        values=json.loads(row["approved"]),
        amount=row["amount"],
        due_date=row["due_date"],
        orders=row["orders"],
        held=row["held"],
        rejected=row["rejected"],
    )


def _records(file_id: UUID, orders: Sequence[Any]) -> list[Record]:
    """One for the file, and one for each invoice in it."""
    count = f"{len(orders)} order{'' if len(orders) == 1 else 's'}"
    file = Record(
        key=f"payment-file:{file_id}",
        outcome=Outcome.CREATED,
        label=f"{file_id}.xml",
        message=f"{count} over {_sums(orders)}",
    )
    return [file, *(_record(order) for order in orders)]


def _sums(orders: Sequence[Any]) -> str:
    totals: dict[str, Any] = {}
    for order in orders:
        totals[order["currency"]] = totals.get(order["currency"], 0) + order["amount"]
    return " and ".join(f"{currency} {total:,.2f}" for currency, total in sorted(totals.items()))


def _record(order: Any) -> Record:
    return Record(
        key=f"invoice:{order['document_id']}",
        outcome=Outcome.CREATED,
        label=order["label"],
        message=f"{order['currency']} {order['amount']:,.2f} ordered for {order['execution_date']} from"
        f" {order['account']}, payment {order['payment_id']}",
        changes={"payment": (PaymentState.OPEN, PaymentState.ORDERED)},
    )
