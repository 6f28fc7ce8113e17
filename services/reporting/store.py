"""The read model: what was told of each invoice, and where it stands."""

from datetime import date
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from services.reporting.core import SETTLED, Invoice, InvoiceEvent, InvoiceState, fold
from shared.database import Pool

_EVENTS: Final[TypeAdapter[InvoiceEvent]] = TypeAdapter(Annotated[InvoiceEvent, Field(discriminator="type")])


async def remember_event(pool: Pool, event: InvoiceEvent) -> None:
    """Let the invoice follow the event; the same event again changes nothing."""
    async with pool.acquire() as connection, connection.transaction():
        # Two events of one invoice may be handled at once, each without seeing the other.
        await connection.execute(
            "select pg_advisory_xact_lock(hashtextextended($1, 0))", f"invoice:{event.document_id}"
        )
        new = await connection.fetchval(
            "insert into invoice_events (event_id, document_id, client, happened_at, content)"
            " values ($1, $2, $3, $4, $5) on conflict (event_id) do nothing returning 1",
            event.id, event.document_id, event.client, event.time, event.model_dump_json(),
        )  # fmt: skip
        if new is None:
            return
        rows = await connection.fetch(
            "select content from invoice_events where document_id = $1", event.document_id
        )
        await _write(connection, fold(_EVENTS.validate_json(row["content"]) for row in rows))


async def _write(connection: Any, invoice: Invoice) -> None:
    await connection.execute(
        "insert into invoices (document_id, client, kind, state, supplier, invoice_number, amount, currency,"
        " due_date, possible_duplicate, role, approval_due)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " on conflict (document_id) do update set kind = excluded.kind, state = excluded.state,"
        " supplier = excluded.supplier, invoice_number = excluded.invoice_number, amount = excluded.amount,"
        " currency = excluded.currency, due_date = excluded.due_date, role = excluded.role,"
        " possible_duplicate = excluded.possible_duplicate, approval_due = excluded.approval_due",
        invoice.document_id, invoice.client, invoice.kind, invoice.state.value, invoice.supplier,
        invoice.invoice_number, invoice.amount, invoice.currency, invoice.due_date,
        invoice.possible_duplicate, invoice.role, invoice.approval_due,
    )  # fmt: skip


async def open_invoices(connection: Any, client: str, until: date) -> list[Invoice]:
    """The client's invoices that are due until a day (included) and not settled, the earliest due first;
    then those of which nobody knows when they are due."""
    rows = await connection.fetch(
        "select document_id, client, kind, state, supplier, invoice_number, amount, currency, due_date,"
        " possible_duplicate, role, approval_due from invoices"
        " where client = $1 and state <> all($2::text[]) and (due_date <= $3 or due_date is null)"
        " order by due_date nulls last, supplier, invoice_number, document_id",
        client,
        sorted(SETTLED),
        until,
    )
    return [Invoice(**{**dict(row), "state": InvoiceState(row["state"])}) for row in rows]
