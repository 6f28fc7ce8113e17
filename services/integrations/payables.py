"""Approved invoices as this service knows them: what may be paid, and how far it is.

An invoice that is approved again while its payment is under way keeps what was ordered; the later approval
waits in the row and counts if the bank rejects the payment. One that was corrected or rejected, or whose
approval was withdrawn, is held until a later approval comes, whichever of the events arrives first.
"""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from shared.database import Pool
from shared.events import InvoiceApproved, InvoiceCorrected, InvoiceRejected

if TYPE_CHECKING:
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]


async def remember_approved_invoice(pool: Pool, event: InvoiceApproved) -> None:
    """Write the row. An approval that comes again, or after a newer one, changes nothing."""
    async with pool.acquire() as connection, connection.transaction():
        known = await connection.fetchrow(
            "select state, approved_at, later_approval from payables where document_id = $1 for update",
            event.document_id,
        )
        if known is None or known["state"] in ("open", "rejected"):
            await _write(connection, event)
            return
        later = known["later_approval"]
        newest = InvoiceApproved.model_validate_json(later).time if later else known["approved_at"]
        if known["state"] != "paid" and event.time > newest:
            await connection.execute(
                "update payables set later_approval = $2 where document_id = $1",
                event.document_id,
                event.model_dump_json(),
            )


async def _write(connection: "Connection", event: InvoiceApproved) -> None:
    values = event.values
    amount = values.get("payable_amount") or values.get("gross_amount")
    due = values.get("due_date")
    await connection.execute(
        "insert into payables (document_id, client, kind, invoice_number, payee_name, iban, reference,"
        " amount, currency, due_date, approved, approved_by, approval_event, approved_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        " on conflict (document_id) do update set kind = excluded.kind, state = 'open',"
        " invoice_number = excluded.invoice_number, payee_name = excluded.payee_name, iban = excluded.iban,"
        " reference = excluded.reference, amount = excluded.amount, currency = excluded.currency,"
        " due_date = excluded.due_date, approved = excluded.approved, approved_by = excluded.approved_by,"
        " approval_event = excluded.approval_event, approved_at = excluded.approved_at, later_approval = null"
        " where payables.state in ('open', 'rejected') and payables.approved_at < excluded.approved_at",
        event.document_id, event.client, event.kind, values.get("invoice_number"),
        values.get("payee_name") or values.get("issuer_name"), values.get("iban"), values.get("reference"),
        Decimal(amount) if amount else None, values.get("currency"),
        date.fromisoformat(due) if due else None, json.dumps(values), event.approved_by, event.id, event.time,
    )  # fmt: skip


async def open_again(connection: "Connection", documents: list[UUID]) -> None:
    """The bank rejected their payments: they can be paid again, as they were approved last. Not those that
    were ordered again meanwhile."""
    rows = await connection.fetch(
        "update payables set state = 'open' where document_id = any($1::uuid[]) and not exists"
        " (select from payment_orders o where o.document_id = payables.document_id and o.state <> 'rejected')"
        " returning later_approval",
        documents,
    )
    for row in rows:
        if row["later_approval"]:
            await _write(connection, InvoiceApproved.model_validate_json(row["later_approval"]))


async def hold_corrected_invoice(pool: Pool, event: InvoiceCorrected) -> None:
    """It is not paid as it was approved before, but as it will be approved with its new values."""
    reason = "it was corrected, and waits for approval"
    await hold(pool, event.document_id, event.client, event.time, reason)


async def hold_rejected_invoice(pool: Pool, event: InvoiceRejected) -> None:
    """It is not paid, although it was approved before."""
    await hold(pool, event.document_id, event.client, event.time, f"it was rejected: {event.reason}")


async def hold(
    connection: "Pool | Connection",
    document_id: UUID,
    client: str,
    since: datetime,
    reason: str,
    round: int | None = None,
) -> None:
    """Order no payment by an approval that was given before `since`; `round` is that of an approval which was
    taken back."""
    await connection.execute(
        "insert into payable_holds (document_id, client, since, reason, round) values ($1, $2, $3, $4, $5)"
        " on conflict (document_id) do update set since = excluded.since, reason = excluded.reason,"
        " round = excluded.round where payable_holds.since < excluded.since",
        document_id,
        client,
        since,
        reason,
        round,
    )
