"""Questions about what an ERP holds, answered from what was read last."""

import json
from typing import Final

from shared.commands import ErpEntriesPage, ErpEntriesQuery, ErpEntryRow
from shared.database import Pool
from shared.paging import Conditions, Key, Order, encode_cursor

_BY_ID: Final = Order("erp-entries", (Key("list", str), Key("id", str), Key("client", str)))


async def list_entries(pool: Pool, query: ErpEntriesQuery) -> ErpEntriesPage:
    """The entries of the clients that the asker acts for. Raises `cursor_invalid`."""
    conditions = Conditions()
    if query.scope.clients is not None:
        conditions.add("client = any({}::text[])", sorted(query.scope.clients))
    for column, value in (("client", query.client), ("list", query.list), ("gone", query.gone)):
        if value is not None:
            conditions.add(f"{column} = {{}}", value)
    if query.cursor is not None:
        conditions.add_after(_BY_ID, query.cursor)
    limit = conditions.argument(query.limit + 1)
    rows = await pool.fetch(
        "select client, list, id, label, values, gone, changed_at, run_id from erp_entries"  # noqa: S608
        f" where {conditions.sql} order by {_BY_ID.sql} limit {limit}",
        *conditions.arguments,
    )
    items = [ErpEntryRow(**{**dict(row), "values": json.loads(row["values"])}) for row in rows[: query.limit]]
    if len(rows) <= query.limit:
        return ErpEntriesPage(items=items)
    last = rows[query.limit - 1]
    cursor = encode_cursor(_BY_ID, [last[key.column] for key in _BY_ID.keys])
    return ErpEntriesPage(items=items, next_cursor=cursor)
