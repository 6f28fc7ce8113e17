"""Payment states in PostgreSQL, compared with the ERP's: what is to change is decided in one transaction."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from services.integrations.erp.rest.entries import Entry, entry_key
from services.integrations.erp.rest.payments import (
    KnownPayment,
    PaidHere,
    PaidThere,
    differences,
    failed,
    settled_record,
)
from shared.events import InvoicePaid, Record
from shared.outbox import Outbox, Transaction
from shared.runner.context import RunContext
from shared.words import ErpList, PaymentState


@dataclass(frozen=True, slots=True)
class Settlement:
    """An open item that the ERP is to be told is paid."""

    item_id: str
    document_id: UUID
    label: str
    etag: str
    paid_on: date | None


class PaymentComparison(Protocol):
    """What a run may do with the payment states of its client."""

    async def compare(self, items: Sequence[Entry]) -> Sequence[Record]:
        """Mark as paid what the ERP says, and decide what the ERP is to be told. The records of the former,
        and of what cannot be decided; in a dry run, of everything."""

    async def begun(self) -> Sequence[Settlement]:
        """What the ERP is still to be told, whichever run decided it."""

    async def settled(self, settlement: Settlement, item: Entry) -> Sequence[Record]:
        """The ERP knows it; `item` is what it has now. Nothing if another attempt has said so."""

    async def not_settled(self, settlement: Settlement, code: str, cause: str, next_step: str) -> Record:
        """The ERP does not take it: the next comparison decides anew."""


class PostgresPaymentComparison:
    """The payment states of one run's client."""

    def __init__(self, outbox: Outbox, context: RunContext) -> None:
        self._outbox = outbox
        self._context = context

    async def compare(self, items: Sequence[Entry]) -> Sequence[Record]:
        context, records = self._context, []
        async with self._outbox.transaction() as tx:
            if not context.dry_run:
                await tx.connection.execute(
                    "select 1 from payables where client = $1 order by document_id for update", context.client
                )
            payments = await self._payments(tx, items)
            for difference in differences(items, payments):
                record = difference if isinstance(difference, Record) else difference.record
                if not context.wants(record.key):
                    continue
                if context.dry_run or isinstance(difference, Record):
                    records.append(record)
                elif isinstance(difference, PaidThere):
                    await self._pay(tx, difference)
                    records.append(record)
                else:
                    await self._decide(tx, difference)
            return [tx.record(record) for record in records]

    async def _payments(self, tx: Transaction, items: Sequence[Entry]) -> list[KnownPayment]:
        documents = [UUID(one.values["external_id"]) for one in items if one.values.get("external_id")]
        numbers = [one.values["invoice_number"] for one in items if one.values.get("invoice_number")]
        rows = await tx.connection.fetch(
            "select p.document_id, p.state, p.payee_name, p.invoice_number, p.amount, p.currency,"
            " coalesce((select max(t.booked_on) from bank_matches m join bank_transactions t"
            "  on t.client = m.client and t.key = m.transaction_key"
            "  where m.document_id = p.document_id and m.reversed_by is null),"
            "  (select max(o.status_at)::date from payment_orders o where o.document_id = p.document_id"
            "  and o.state = 'paid')) as paid_on,"
            " (exists (select from bank_matches m where m.document_id = p.document_id"
            "  and m.reversed_by is not null)"
            "  or exists (select from erp_settlements s where s.document_id = p.document_id"
            "  and s.done_at is not null)) as came_back"
            " from payables p where p.client = $1 and p.kind = 'invoice'"
            " and (p.document_id = any($2::uuid[]) or p.invoice_number = any($3::text[]))"
            " order by p.document_id",
            self._context.client,
            documents,
            numbers,
        )
        return [_payment(row) for row in rows]

    async def _pay(self, tx: Transaction, difference: PaidThere) -> None:
        context, payment, values = self._context, difference.payment, difference.item.values
        await tx.connection.execute(
            "update payables set state = 'paid' where document_id = $1", payment.document_id
        )
        paid_on = values.get("paid_on")
        tx.event(
            InvoicePaid(
                **{**context.facts(f"document:{payment.document_id}", payment.key), "interactive": False},
                document_id=payment.document_id,
                amount=Decimal(values["amount"]),
                currency=values["currency"],
                booked_on=date.fromisoformat(paid_on) if paid_on else datetime.now(UTC).date(),
                transaction=entry_key(ErpList.OPEN_ITEMS, difference.item.id),
                matched_by="erp",
            )
        )

    async def _decide(self, tx: Transaction, difference: PaidHere) -> None:
        await tx.connection.execute(
            "insert into erp_settlements (client, item_id, document_id, etag, paid_on, run_id)"
            " values ($1, $2, $3, $4, $5, $6) on conflict (client, item_id) do update"
            " set document_id = excluded.document_id, etag = excluded.etag, paid_on = excluded.paid_on,"
            " run_id = excluded.run_id, done_at = null",
            self._context.client,
            difference.item.id,
            difference.payment.document_id,
            difference.item.etag,
            difference.payment.paid_on,
            self._context.run_id,
        )

    async def begun(self) -> Sequence[Settlement]:
        async with self._outbox.transaction() as tx:
            rows = await tx.connection.fetch(
                "select s.*, p.payee_name, p.invoice_number from erp_settlements s"
                " join payables p using (document_id)"
                " where s.client = $1 and s.done_at is null and p.state = 'paid' order by s.item_id",
                self._context.client,
            )
        return [
            Settlement(row["item_id"], row["document_id"], _label(row), row["etag"], row["paid_on"])
            for row in rows
        ]

    async def settled(self, settlement: Settlement, item: Entry) -> Sequence[Record]:
        context = self._context
        async with self._outbox.transaction() as tx:
            done = await tx.connection.fetchval(
                "update erp_settlements set done_at = now(), run_id = $3 where client = $1 and item_id = $2"
                " and done_at is null returning 1",
                context.client,
                settlement.item_id,
                context.run_id,
            )
            if done is None:
                return []
            await tx.connection.execute(
                "update erp_entries set values = $3, etag = $4, changed_at = now()"
                " where client = $1 and list = 'open-items' and id = $2",
                context.client,
                settlement.item_id,
                json.dumps(item.values),
                item.etag,
            )
            return [tx.record(settled_record(settlement.document_id, settlement.label))]

    async def not_settled(self, settlement: Settlement, code: str, cause: str, next_step: str) -> Record:
        key = f"invoice:{settlement.document_id}"
        async with self._outbox.transaction() as tx:
            await tx.connection.execute(
                "delete from erp_settlements where client = $1 and item_id = $2 and done_at is null",
                self._context.client,
                settlement.item_id,
            )
            return tx.record(failed(key, settlement.label, code, cause, next_step))


def _payment(row: Any) -> KnownPayment:
    return KnownPayment(
        row["document_id"],
        PaymentState(row["state"]),
        _label(row),
        row["invoice_number"],
        row["amount"],
        row["currency"],
        row["paid_on"],
        row["came_back"],
    )


def _label(row: Any) -> str:
    name, number = row["payee_name"] or "unknown payee", row["invoice_number"]
    return f"{name}, invoice {number}" if number else name
