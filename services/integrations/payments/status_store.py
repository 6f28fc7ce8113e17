"""The states of orders in PostgreSQL: order, invoice, outcome and event in one transaction."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final, Protocol
from uuid import UUID

from services.integrations.payables import open_again
from services.integrations.payments.changes import status_changed
from services.integrations.payments.messages import BankMessage
from services.integrations.payments.statuses import Change, Judged, Ordered, about, judge, strangers
from shared.events import Record
from shared.outbox import Outbox, Transaction
from shared.runner.context import RunContext
from shared.words import PaymentState

#: Orders in one transaction.
BATCH: Final = 500


class PaymentStatuses(Protocol):
    """What a run may do with the states of its client's payments."""

    async def unread(self, hashes: Sequence[str]) -> set[str]:
        """Those of these files (SHA-256 in hex) that no other run has read to its end."""

    async def concerned(self, message: BankMessage) -> tuple[Sequence[str], Sequence[Record]]:
        """The ids of the payments that a message concerns, and the records of what is none of ours."""

    async def apply(self, message: BankMessage, payments: Sequence[str]) -> Sequence[Record]:
        """Apply a message to at most `BATCH` of these payments."""

    async def read_to_its_end(self, message: BankMessage, sha256: str, file_name: str) -> None:
        """A file of the inbox that other runs need not read again."""


class PostgresPaymentStatuses:
    """The payments of one run's client."""

    def __init__(self, outbox: Outbox, context: RunContext) -> None:
        self._outbox = outbox
        self._context = context

    async def unread(self, hashes: Sequence[str]) -> set[str]:
        async with self._outbox.transaction() as tx:
            rows = await tx.connection.fetch(
                "select sha256 from payment_status_files where client = $1 and sha256 = any($2::text[])"
                " and run_id <> $3",
                self._context.client,
                list(hashes),
                self._context.run_id,
            )
        return set(hashes) - {row["sha256"] for row in rows}

    async def concerned(self, message: BankMessage) -> tuple[Sequence[str], Sequence[Record]]:
        async with self._outbox.transaction() as tx:
            orders = await self._orders(tx, message)
            records = [] if message.kind == "camt" else strangers(message, orders)
            told = [tx.record(record) for record in records if self._context.wants(record.key)]
        return [order.payment_id for order, _ in about(message, orders)], told

    async def apply(self, message: BankMessage, payments: Sequence[str]) -> Sequence[Record]:
        async with self._outbox.transaction() as tx:
            # Always in this order, so that two runs wait for each other instead of blocking each other.
            await tx.connection.execute(
                "select 1 from payables p join payment_orders o using (document_id)"
                " where o.payment_id = any($1::text[]) order by p.document_id for update of p",
                payments,
            )
            # A block that was booked in one sum needs all of its orders.
            orders, wanted = await self._orders(tx, message), set(payments)
            judged = [
                judge(message, order, said)
                for order, said in about(message, orders)
                if order.payment_id in wanted
            ]
            await self._write(tx, message, [one for one in judged if one.change is not None])
            return [tx.record(one.record) for one in judged if self._context.wants(one.record.key)]

    async def _orders(self, tx: Transaction, message: BankMessage) -> Sequence[Ordered]:
        """Every order of the client that the message names, and all others of the files that it names."""
        rows = await tx.connection.fetch(
            "select o.*, replace(o.file_id::text, '-', '') as message_id from payment_orders o"
            " join payment_files f on f.id = o.file_id and f.completed_at is not null"
            " where o.client = $1 and (o.payment_id = any($2::text[]) or o.file_id = any($3::uuid[]))"
            " order by o.document_id, o.number",
            self._context.client,
            list({one.payment_id for one in message.said if one.payment_id}),
            list(_files_named(message)),
        )
        changes = await tx.connection.fetch(
            "select payment_id, message_id, before, after, reason from payment_changes"
            " where run_id = $1 and payment_id = any($2::text[]) order by id",
            self._context.run_id,
            [row["payment_id"] for row in rows],
        )
        by_payment: dict[str, dict[str, Change]] = {}
        for row in changes:
            change = Change(PaymentState(row["before"]), PaymentState(row["after"]), row["reason"])
            by_payment.setdefault(row["payment_id"], {})[row["message_id"]] = change
        return [_ordered(row, by_payment.get(row["payment_id"], {})) for row in rows]

    async def _write(self, tx: Transaction, message: BankMessage, judged: Sequence[Judged]) -> None:
        if not judged:
            return
        orders = [one.order for one in judged]
        await tx.connection.executemany(
            "update payment_orders set state = $2, status_at = $3, reason_code = $4, reason = $5,"
            " changed_at = now() where payment_id = $1",
            [(one.payment_id, one.state, one.status_at, one.reason_code, one.reason) for one in orders],
        )
        await tx.connection.executemany(
            "insert into payment_changes (payment_id, message_id, message_kind, run_id, before, after,"
            " status_at, reason_code, reason) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [
                (one.order.payment_id, message.id, message.kind, self._context.run_id, one.change.before,
                 one.change.after, one.order.status_at, one.order.reason_code, one.order.reason)
                for one in judged
                if one.change is not None
            ],
        )  # fmt: skip
        for state in (PaymentState.ACCEPTED, PaymentState.PAID):
            await tx.connection.execute(
                # A statement may have shown the payment before the bank's report of its order came.
                "update payables set state = $2 where document_id = any($1::uuid[]) and state <> 'paid'",
                [order.document_id for order in orders if order.state is state],
                state,
            )
        await open_again(
            tx.connection, [order.document_id for order in orders if order.state is PaymentState.REJECTED]
        )
        for one in judged:
            if one.change is not None:
                tx.event(
                    status_changed(self._context, asdict(one.order), one.change.before, one.change.after)
                )

    async def read_to_its_end(self, message: BankMessage, sha256: str, file_name: str) -> None:
        async with self._outbox.transaction() as tx:
            await tx.connection.execute(
                "insert into payment_status_files (client, sha256, file_name, message_id, run_id)"
                " values ($1, $2, $3, $4, $5) on conflict do nothing",
                self._context.client,
                sha256,
                file_name,
                message.id,
                self._context.run_id,
            )


def _files_named(message: BankMessage) -> set[UUID]:
    """Our files by the ids of messages and blocks, which begin with the file's own."""
    ids = {id[:32] for one in message.said for id in (one.message_id, one.block_id) if id}
    return {UUID(id) for id in ids if re.fullmatch("[0-9a-f]{32}", id)}


def _ordered(row: Any, changed_by: dict[str, Change]) -> Ordered:
    return Ordered(
        payment_id=row["payment_id"],
        message_id=row["message_id"],
        block_id=row["block_id"],
        instruction_id=row["instruction_id"],
        file_id=UUID(str(row["file_id"])),
        document_id=UUID(str(row["document_id"])),
        amount=row["amount"],
        currency=row["currency"],
        execution_date=row["execution_date"],
        label=row["label"],
        state=PaymentState(row["state"]),
        status_at=row["status_at"],
        reason_code=row["reason_code"],
        reason=row["reason"],
        changed_by=changed_by,
    )
