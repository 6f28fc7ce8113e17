"""Questions about bank data, answered from this service's own tables."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import orjson

from services.integrations.bank.readers.values import account_of
from shared.commands import (
    BankDetail,
    BankMatch,
    BankStatementRow,
    BankStatementsPage,
    BankStatementsQuery,
    BankTransactionRow,
    BankTransactionsPage,
    BankTransactionsQuery,
)
from shared.database import Pool
from shared.paging import Conditions, Key, Order, encode_cursor

_NEWEST_FIRST: Final = Order(
    "bank_transactions", (Key("booked_on", date, descending=True), Key("key", str), Key("client", str))
)
_STATEMENTS: Final = Order(
    "bank_statements",
    (Key("closing_day", date, descending=True, nullable=True), Key("key", str), Key("client", str)),
)
_COLUMNS: Final = (
    "client, key, account, booked_on, valued_on, amount, currency, reversal, bank_reference, code, text,"
    " charges, party, party_account, details_count, match, run_id"
)
_STATEMENT_COLUMNS: Final = (
    "client, key, label, account, currency, message, opening_amount, opening_day, closing_amount,"
    " closing_day, total, entries, not_booked, warnings, file_name, run_id"
)
#: Details of one transaction in a list; a large batch has thousands.
_DETAILS: Final = 20
_MATCHED: Final = ["matched", "partly"]


async def list_transactions(pool: Pool, query: BankTransactionsQuery) -> BankTransactionsPage:
    """The transactions of the clients that the asker acts for. Raises `cursor_invalid`."""
    conditions = _of_clients(query)
    for template, value in (
        ("booked_on >= {}", query.booked_from),
        ("booked_on <= {}", query.booked_to),
    ):
        if value is not None:
            conditions.add(template, value)
    if query.matched is not None:
        conditions.add("match = any({}::text[])" if query.matched else "match <> all({}::text[])", _MATCHED)
    if query.cursor is not None:
        conditions.add_after(_NEWEST_FIRST, query.cursor)
    limit = conditions.argument(query.limit + 1)
    rows = await pool.fetch(
        f"select {_COLUMNS},"  # noqa: S608  (columns are ours)
        f" jsonb_path_query_array(details, '$[0 to {_DETAILS - 1}]')::text as details"
        f" from bank_transactions where {conditions.sql} order by {_NEWEST_FIRST.sql} limit {limit}",
        *conditions.arguments,
    )
    shown = rows[: query.limit]
    matches = await _matches(pool, shown)
    items = [_transaction(row, matches.get((row["client"], row["key"]), [])) for row in shown]
    return BankTransactionsPage(items=items, next_cursor=_cursor(_NEWEST_FIRST, rows, query.limit))


async def list_statements(pool: Pool, query: BankStatementsQuery) -> BankStatementsPage:
    """The statements of the clients that the asker acts for. Raises `cursor_invalid`."""
    conditions = _of_clients(query)
    conditions.add("completed_at is not null")
    if query.cursor is not None:
        conditions.add_after(_STATEMENTS, query.cursor)
    limit = conditions.argument(query.limit + 1)
    rows = await pool.fetch(
        f"select {_STATEMENT_COLUMNS} from bank_statements"  # noqa: S608  (columns are ours)
        f" where {conditions.sql} order by {_STATEMENTS.sql} limit {limit}",
        *conditions.arguments,
    )
    items = [BankStatementRow(**dict(row)) for row in rows[: query.limit]]
    return BankStatementsPage(items=items, next_cursor=_cursor(_STATEMENTS, rows, query.limit))


def _of_clients(query: BankTransactionsQuery | BankStatementsQuery) -> Conditions:
    conditions = Conditions()
    if query.scope.clients is not None:
        conditions.add("client = any({}::text[])", sorted(query.scope.clients))
    if query.client is not None:
        conditions.add("client = {}", query.client)
    if query.account is not None:
        spelling = account_of(query.account)
        conditions.add(
            "account = {} or (client, account) in"
            " (select client, account from bank_accounts where spelling = {})",
            spelling,
            spelling,
        )
    return conditions


def _cursor(order: Order, rows: Sequence[Any], limit: int) -> str | None:
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return encode_cursor(order, [last[key.column] for key in order.keys])


async def _matches(pool: Pool, rows: Sequence[Any]) -> dict[tuple[str, str], list[BankMatch]]:
    found = await pool.fetch(
        "select m.client, m.transaction_key, m.document_id, m.amount, m.currency, m.matched_by, m.settles,"
        " m.reversed_by, p.invoice_number, p.payee_name"
        " from unnest($1::text[], $2::text[]) as asked (client, key)"
        " join bank_matches m on m.client = asked.client and m.transaction_key = asked.key"
        " join payables p using (document_id) order by m.id",
        [row["client"] for row in rows],
        [row["key"] for row in rows],
    )
    matches: dict[tuple[str, str], list[BankMatch]] = {}
    for row in found:
        match = BankMatch(**{name: row[name] for name in BankMatch.model_fields})
        matches.setdefault((row["client"], row["transaction_key"]), []).append(match)
    return matches


def _transaction(row: Any, matches: list[BankMatch]) -> BankTransactionRow:
    values = dict(row) | {"matches": matches}
    values["details"] = [BankDetail.model_validate(one) for one in orjson.loads(row["details"])]
    return BankTransactionRow(**values)
