"""Questions about exchange rates, answered from this service's own tables."""

from datetime import date
from typing import Any, Final

from services.integrations.rates.core import Rate, plain
from shared.commands import RateRow, RatesPage, RatesQuery
from shared.database import Pool
from shared.paging import Conditions, Key, Order, encode_cursor
from shared.words import RateSource

_NEWEST_FIRST: Final = Order(
    "rates",
    (Key("day", date, descending=True), Key("source", str), Key("currency", str), Key("client", str)),
)


async def list_rates(pool: Pool, query: RatesQuery) -> RatesPage:
    """The rates of the clients that the asker acts for. Raises `cursor_invalid`."""
    conditions = Conditions()
    if query.scope.clients is not None:
        conditions.add("client = any({}::text[])", sorted(query.scope.clients))
    for column, value in (
        ("client", query.client),
        ("source", query.source),
        ("currency", query.currency),
        ("day", query.day),
    ):
        if value is not None:
            conditions.add(f"{column} = {{}}", value)
    if query.cursor is not None:
        conditions.add_after(_NEWEST_FIRST, query.cursor)
    limit = conditions.argument(query.limit + 1)
    rows = await pool.fetch(
        "select client, source, currency, day, rate, run_id from rates"  # noqa: S608  (columns are ours)
        f" where {conditions.sql} order by {_NEWEST_FIRST.sql} limit {limit}",
        *conditions.arguments,
    )
    items = [_row(row) for row in rows[: query.limit]]
    if len(rows) <= query.limit:
        return RatesPage(items=items)
    last = rows[query.limit - 1]
    cursor = encode_cursor(_NEWEST_FIRST, [last[key.column] for key in _NEWEST_FIRST.keys])
    return RatesPage(items=items, next_cursor=cursor)


def _row(row: Any) -> RateRow:
    rate = Rate(RateSource(row["source"]), row["currency"], row["day"], plain(row["rate"]))
    return RateRow(**dict(rate.as_told()), client=row["client"], source=rate.source, run_id=row["run_id"])
