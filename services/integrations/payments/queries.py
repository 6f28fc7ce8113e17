"""Questions about invoices to pay and payment files, answered from this service's own tables."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from services.integrations.payments.ids import message_id
from shared.commands import (
    CurrencyTotal,
    PayableRow,
    PayablesPage,
    PayablesQuery,
    PaymentFileDetail,
    PaymentFileQuery,
    PaymentFileRow,
    PaymentFilesPage,
    PaymentFilesQuery,
    PaymentOrderRow,
)
from shared.database import Pool
from shared.errors import TagwerkError
from shared.paging import Conditions, Key, Order, encode_cursor
from shared.words import PaymentState

_DUE_FIRST: Final = Order("payables", (Key("due_date", date, nullable=True), Key("document_id", UUID)))
_NEWEST_FIRST: Final = Order("payment-files", (Key("created_at", datetime, descending=True), Key("id", UUID)))
_PAYABLES: Final = """
select * from (
    select p.document_id, p.client, p.kind, p.state, p.invoice_number, p.payee_name, p.iban, p.reference,
        p.amount, p.currency, p.due_date, p.approved_by, p.approved_at, o.payment_id, o.file_id,
        coalesce(
            h.reason,
            case when o.state = 'rejected' and o.changed_at > p.approved_at
                then 'the bank rejected its payment: ' || coalesce(o.reason, 'without a reason') end
        ) as held
    from payables p
    left join payable_holds h
        on h.document_id = p.document_id and h.since > p.approved_at and p.state in ('open', 'rejected')
    left join lateral (select payment_id, file_id, state, reason, changed_at from payment_orders
        where document_id = p.document_id order by number desc limit 1) o on true
) as payables
"""


async def list_payables(pool: Pool, query: PayablesQuery) -> PayablesPage:
    """The approved invoices of the clients that the asker acts for. Raises `cursor_invalid`."""
    conditions = _of_clients(query)
    if query.state is not None:
        conditions.add("state = {}", query.state)
    rows, cursor = await _page(pool, _PAYABLES, conditions, _DUE_FIRST, query)
    return PayablesPage(items=[PayableRow(**dict(row)) for row in rows], next_cursor=cursor)


async def list_files(pool: Pool, query: PaymentFilesQuery) -> PaymentFilesPage:
    """The payment files of the clients that the asker acts for. Raises `cursor_invalid`."""
    rows, cursor = await _page(pool, "select * from payment_files", _of_clients(query), _NEWEST_FIRST, query)
    counts = await pool.fetch(
        "select file_id, state, currency, count(*) as orders, sum(amount) as amount from payment_orders"
        " where file_id = any($1::uuid[]) group by file_id, state, currency order by currency, state",
        [row["id"] for row in rows],
    )
    return PaymentFilesPage(
        items=[
            PaymentFileRow(**_file(row, [one for one in counts if one["file_id"] == row["id"]]))
            for row in rows
        ],
        next_cursor=cursor,
    )


async def read_file(pool: Pool, query: PaymentFileQuery) -> PaymentFileDetail:
    """One file with its orders as they stand in it. Raises `payment_file_not_found`, also for a file of a
    client that the asker does not act for."""
    row = await pool.fetchrow("select * from payment_files where id = $1", query.file_id)
    clients = query.scope.clients
    if row is None or (clients is not None and row["client"] not in clients):
        raise TagwerkError(
            "payment_file_not_found",
            "there is no such payment file",
            concern=str(query.file_id),
            next_step="`GET /api/v1/payments/files` lists those that there are.",
        )
    orders = await pool.fetch(
        "select *, 1 as orders from payment_orders where file_id = $1"
        " order by block_id, length(instruction_id), instruction_id",
        query.file_id,
    )
    return PaymentFileDetail(
        **_file(row, orders), orders=[PaymentOrderRow(**dict(order)) for order in orders]
    )


def _of_clients(query: PayablesQuery | PaymentFilesQuery) -> Conditions:
    conditions = Conditions()
    if query.scope.clients is not None:
        conditions.add("client = any({}::text[])", sorted(query.scope.clients))
    if query.client is not None:
        conditions.add("client = {}", query.client)
    return conditions


async def _page(
    pool: Pool,
    select: str,
    conditions: Conditions,
    order: Order,
    query: PayablesQuery | PaymentFilesQuery,
) -> tuple[Sequence[Any], str | None]:
    """The rows of a page, and the cursor of the next one."""
    if query.cursor is not None:
        conditions.add_after(order, query.cursor)
    limit = conditions.argument(query.limit + 1)
    rows = await pool.fetch(
        f"{select} where {conditions.sql} order by {order.sql} limit {limit}", *conditions.arguments
    )
    if len(rows) <= query.limit:
        return rows, None
    last = rows[query.limit - 1]
    return rows[: query.limit], encode_cursor(order, [last[key.column] for key in order.keys])


def _file(row: Any, counts: Sequence[Any]) -> dict[str, Any]:
    """What every view of a file has; `counts` have state, currency, `orders` and `amount`."""
    states: dict[PaymentState, int] = {}
    totals: dict[str, Any] = {}
    for one in counts:
        state = PaymentState(one["state"])
        states[state] = states.get(state, 0) + one["orders"]
        totals[one["currency"]] = totals.get(one["currency"], 0) + one["amount"]
    return {
        "file_id": row["id"],
        "message_id": message_id(row["id"]),
        "totals": [CurrencyTotal(currency=name, amount=totals[name]) for name in sorted(totals)],
        "states": states,
        **{
            name: row[name]
            for name in ("client", "run_id", "principal", "created_at", "completed_at", "size", "sha256")
        },
    }
