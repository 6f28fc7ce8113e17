"""The read model: what was told of each invoice, and where it stands."""

from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from services.reporting.core import SETTLED, Invoice, InvoiceEvent, InvoiceState, fold
from shared.database import Pool
from shared.events import QueueUnworked, QueueWorked, RunFound, RunLost, RunOverdue, RunOverdueEnded

CaseOpened = RunOverdue | RunLost | QueueUnworked
CaseClosed = RunOverdueEnded | RunFound | QueueWorked

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
        " due_date, possible_duplicate, role, approval_due, since, approved_by, asked_by, payment_refused)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
        " on conflict (document_id) do update set kind = excluded.kind, state = excluded.state,"
        " supplier = excluded.supplier, invoice_number = excluded.invoice_number, amount = excluded.amount,"
        " currency = excluded.currency, due_date = excluded.due_date, role = excluded.role,"
        " possible_duplicate = excluded.possible_duplicate, approval_due = excluded.approval_due,"
        " since = excluded.since, approved_by = excluded.approved_by, asked_by = excluded.asked_by,"
        " payment_refused = excluded.payment_refused",
        invoice.document_id, invoice.client, invoice.kind, invoice.state.value, invoice.supplier,
        invoice.invoice_number, invoice.amount, invoice.currency, invoice.due_date,
        invoice.possible_duplicate, invoice.role, invoice.approval_due, invoice.since,
        list(invoice.approved_by), invoice.asked_by, invoice.payment_refused,
    )  # fmt: skip


async def open_invoices(connection: Any, client: str, until: date) -> list[Invoice]:
    """The client's invoices that are due until a day (included) and not settled, the earliest due first;
    then those of which nobody knows when they are due."""
    rows = await connection.fetch(
        "select document_id, client, kind, state, supplier, invoice_number, amount, currency, due_date,"
        " possible_duplicate, role, approval_due, since from invoices"
        " where client = $1 and state <> all($2::text[]) and (due_date <= $3 or due_date is null)"
        " order by due_date nulls last, supplier, invoice_number, document_id",
        client,
        sorted(SETTLED),
        until,
    )
    return [_invoice(row) for row in rows]


async def waiting_invoices(connection: Any, client: str) -> list[Invoice]:
    """The client's invoices that wait for people, the earliest due first."""
    rows = await connection.fetch(
        "select document_id, client, kind, state, supplier, invoice_number, amount, currency, due_date,"
        " possible_duplicate, role, approval_due, since, approved_by, asked_by, payment_refused from invoices"
        " where client = $1 and state = any($2::text[]) order by approval_due, supplier, document_id",
        client,
        [InvoiceState.WAITING.value, InvoiceState.QUESTIONED.value],
    )
    return [_invoice({**dict(row), "approved_by": tuple(row["approved_by"])}) for row in rows]


async def stuck_invoices(connection: Any, client: str, before: datetime, today: date) -> list[Invoice]:
    """The client's invoices that are where they are since before a moment, though somebody has something to
    do; the longest first. What is approved is stuck only once it is overdue."""
    rows = await connection.fetch(
        "select document_id, client, kind, state, supplier, invoice_number, amount, currency, due_date,"
        " possible_duplicate, role, approval_due, since from invoices"
        " where client = $1 and state <> all($2::text[]) and since < $3 and (state <> $4 or due_date < $5)"
        " order by since, document_id",
        client,
        sorted(SETTLED),
        before,
        InvoiceState.TO_PAY.value,
        today,
    )
    return [_invoice(row) for row in rows]


def _invoice(row: Any) -> Invoice:
    return Invoice(**{**dict(row), "state": InvoiceState(row["state"])})


async def remember_case(pool: Pool, event: CaseOpened) -> None:
    """Something that does not go on."""
    detail = event.worker if isinstance(event, RunLost) else None
    await pool.execute(
        "insert into watched (event_id, kind, client, job, run_id, opened_at, detail)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict (event_id) do update set kind = excluded.kind,"
        " client = excluded.client, job = excluded.job, run_id = excluded.run_id,"
        " opened_at = excluded.opened_at, detail = excluded.detail",
        event.id, event.type.rpartition(".")[2], event.client, event.job, event.run_id, event.time, detail,
    )  # fmt: skip


async def close_case(pool: Pool, event: CaseClosed) -> None:
    """It goes on again. Events come in any order, so this may be heard first."""
    await pool.execute(
        "insert into watched (event_id, closed_at) values ($1, $2)"
        " on conflict (event_id) do update set closed_at = excluded.closed_at",
        event.opened_by,
        event.time,
    )
