"""Approved invoices as they may be booked, and what has become since of those that are."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.integrations.erp.core import ApprovedInvoice, not_booked
from shared.database import Pool
from shared.events import InvoiceApproved, Record
from shared.words import BookedIn, Outcome

#: Fields whose change makes another booking.
_BOOKED = (
    "invoice_number", "invoice_date", "due_date", "gross_amount", "payable_amount", "net_amount",
    "vat_amount", "currency",
)  # fmt: skip


async def remember_approved_invoice(pool: Pool, event: InvoiceApproved) -> None:
    """Know the invoice as one that may be booked. An approval that comes again, or after a newer one, changes
    nothing."""
    await pool.execute(
        "insert into erp_invoices (document_id, client, kind, approved, cost_center, approval_event,"
        " approved_at) values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict (document_id) do update set kind = excluded.kind, approved = excluded.approved,"
        " cost_center = excluded.cost_center, approval_event = excluded.approval_event,"
        " approved_at = excluded.approved_at where erp_invoices.approved_at < excluded.approved_at",
        event.document_id, event.client, event.kind, json.dumps(event.values), event.cost_center, event.id,
        event.time,
    )  # fmt: skip


_NOT_BOOKED = (
    "select i.*, h.reason as held from erp_invoices i"
    " left join payable_holds h on h.document_id = i.document_id and h.since > i.approved_at"
    " where i.client = $1 and (cardinality($2::uuid[]) = 0 or i.document_id = any($2))"
    " and ($3::date is null or cardinality($2::uuid[]) > 0 or (i.approved->>'invoice_date')::date <= $3)"
    " and not exists (select from erp_bookings b where b.document_id = i.document_id)"
    " order by i.approved->>'invoice_date', i.document_id"
)


async def not_yet_booked(
    connection: Any, client: str, documents: frozenset[UUID], until: date | None, *, lock: bool = False
) -> Sequence[ApprovedInvoice]:
    """In the order of their dates. `documents` names some, whatever their date; none: all until a day."""
    query = _NOT_BOOKED + (" for update of i" if lock else "")
    rows = await connection.fetch(query, client, sorted(documents), until)
    return [_invoice(row) for row in rows]


async def changed_since_booked(connection: Any, client: str) -> Sequence[Record]:
    """Records of booked invoices that were approved otherwise, corrected, rejected or taken back since; each
    change is told once."""
    rows = await connection.fetch(
        "select i.*, b.booked, b.booked_in, b.number, e.name, h.reason as held, h.since from erp_bookings b"
        " join erp_invoices i using (document_id) left join erp_exports e on e.id = b.export_id"
        " left join payable_holds h on h.document_id = i.document_id and h.since > i.approved_at"
        " where b.client = $1 and greatest(i.approved_at, h.since) > b.told_until"
        " order by i.document_id for update of b",
        client,
    )
    records = []
    for row in rows:
        invoice = _invoice(row)
        await connection.execute(
            "update erp_bookings set told_until = $2 where document_id = $1",
            invoice.document_id,
            max(row["approved_at"], row["since"] or row["approved_at"]),
        )
        said = invoice.held or _difference(json.loads(row["booked"]), invoice)
        if said is not None:
            records.append(
                not_booked(
                    "booked_otherwise",
                    invoice,
                    f"it is booked {_where(row)}, and since then {said}",
                    "Correct the booking where it was made. It is exported once, and this is told once.",
                )
            )
    return records


async def booked_before(connection: Any, client: str, documents: Sequence[UUID]) -> dict[UUID, Record]:
    """Records of those of the documents that are booked already."""
    rows = await connection.fetch(
        "select b.document_id, b.label, b.booked_in, b.number, e.name from erp_bookings b"
        " left join erp_exports e on e.id = b.export_id"
        " where b.client = $1 and b.document_id = any($2::uuid[])",
        client,
        documents,
    )
    return {
        row["document_id"]: Record(
            key=f"invoice:{row['document_id']}",
            outcome=Outcome.UNCHANGED,
            label=row["label"],
            message=f"it is booked already, {_where(row)}",
        )
        for row in rows
    }


def _where(row: Any) -> str:
    if row["booked_in"] == BookedIn.DATEV:
        return f"with export {row['name']}"
    return f"in the ERP as {row['number']}" if row["number"] else "in the ERP"


def booked_values(invoice: ApprovedInvoice) -> dict[str, str]:
    """What makes its booking."""
    values = {name: invoice.values[name] for name in _BOOKED if name in invoice.values}
    return {**values, "kind": invoice.kind, "cost_center": invoice.cost_center or ""}


def _difference(booked: dict[str, str], invoice: ApprovedInvoice) -> str | None:
    now = booked_values(invoice)
    names = [name for name in {**booked, **now} if booked.get(name) != now.get(name)]
    if not names:
        return None
    return "it was approved otherwise: " + ", ".join(
        f"{name.replace('_', ' ')} {booked.get(name) or 'none'} became {now.get(name) or 'none'}"
        for name in names
    )


def _invoice(row: Any) -> ApprovedInvoice:
    return ApprovedInvoice(
        document_id=row["document_id"],
        kind=row["kind"],
        values=json.loads(row["approved"]),
        cost_center=row["cost_center"],
        approval_event=row["approval_event"],
        held=row["held"],
    )
