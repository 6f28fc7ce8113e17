"""Approved invoices as this service knows them: what may be paid, and how far it is."""

import json
from datetime import date
from decimal import Decimal

from shared.database import Pool
from shared.events import InvoiceApproved


async def remember_approved_invoice(pool: Pool, event: InvoiceApproved) -> None:
    """Write the row. An approval that comes again changes nothing, and a newer one (after the bank refused
    the payment, or a correction) replaces the older as long as nothing is ordered or paid."""
    values = event.values
    amount = values.get("payable_amount") or values.get("gross_amount")
    due = values.get("due_date")
    await pool.execute(
        "insert into payables (document_id, client, kind, invoice_number, payee_name, iban, reference,"
        " amount, currency, due_date, approved, approved_by, approval_event, approved_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        " on conflict (document_id) do update set kind = excluded.kind, state = 'open',"
        " invoice_number = excluded.invoice_number, payee_name = excluded.payee_name, iban = excluded.iban,"
        " reference = excluded.reference, amount = excluded.amount, currency = excluded.currency,"
        " due_date = excluded.due_date, approved = excluded.approved, approved_by = excluded.approved_by,"
        " approval_event = excluded.approval_event, approved_at = excluded.approved_at"
        " where payables.state in ('open', 'rejected') and payables.approved_at < excluded.approved_at",
        event.document_id, event.client, event.kind, values.get("invoice_number"),
        values.get("payee_name") or values.get("issuer_name"), values.get("iban"), values.get("reference"),
        Decimal(amount) if amount else None, values.get("currency"),
        date.fromisoformat(due) if due else None, json.dumps(values), event.approved_by, event.id, event.time,
    )  # fmt: skip
