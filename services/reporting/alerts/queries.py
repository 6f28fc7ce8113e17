"""Questions about alerts and silences, answered from this service's own tables."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.reporting.alerts.planning import Silence
from shared.commands import (
    AlertRow,
    AlertsPage,
    AlertsQuery,
    AlertTelling,
    SilenceRow,
    SilencesPage,
    SilencesQuery,
)
from shared.database import Pool
from shared.events import now
from shared.paging import Conditions, Key, Order, encode_cursor
from shared.words import AlertKind

#: `critical` comes before `warning` by the letter.
_OPEN: Final = Order("alerts", (Key("severity", str), Key("opened_at", datetime), Key("alert_id", UUID)))
_CLOSED: Final = Order("closed-alerts", (Key("closed_at", datetime, descending=True), Key("alert_id", UUID)))


async def list_alerts(pool: Pool, query: AlertsQuery) -> AlertsPage:
    """Those that the asker may see. Raises `cursor_invalid`."""
    order = _OPEN if query.state == "open" else _CLOSED
    conditions = _visible(query)
    conditions.add(f"closed_at is {'null' if query.state == 'open' else 'not null'}")
    for column in ("kind", "job", "client", "alert_id"):
        if (value := getattr(query, column)) is not None:
            conditions.add(f"{column} = {{}}", value)
    if query.cursor is not None:
        conditions.add_after(order, query.cursor)
    limit = conditions.argument(query.limit + 1)
    rows = await pool.fetch(
        f"select * from alerts where {conditions.sql} order by {order.sql} limit {limit}",  # noqa: S608
        *conditions.arguments,
    )
    counted = _visible(query)
    counted.add("closed_at is null")
    number = await pool.fetchval(
        f"select count(*) from alerts where {counted.sql}",  # noqa: S608
        *counted.arguments,
    )
    shown, cursor = rows[: query.limit], None
    if len(rows) > query.limit:
        cursor = encode_cursor(order, [shown[-1][key.column] for key in order.keys])
    items = await _rows(pool, shown)
    if query.scope.clients is not None:
        # Which other clients a silence names is nothing for them.
        items = [_without_clients(item) for item in items]
    return AlertsPage(items=items, next_cursor=cursor, open=number)


def _without_clients(row: AlertRow) -> AlertRow:
    if row.silence is None:
        return row
    return row.model_copy(update={"silence": row.silence.model_copy(update={"clients": []})})


async def read_alert(pool: Pool, alert_id: UUID) -> AlertRow:
    rows = await pool.fetch("select * from alerts where alert_id = $1", alert_id)
    return (await _rows(pool, rows))[0]


async def list_silences(pool: Pool, query: SilencesQuery) -> SilencesPage:
    at, clients = now(), query.scope.clients
    rows = await pool.fetch(
        "select * from silences where ($3::uuid is null or silence_id = $3)"
        " and ($4::text[] is null or (clients <> '{}' and clients <@ $4))"
        " order by (ends_at > $1 and ended_by is null) desc,"
        " case when ends_at > $1 and ended_by is null then ends_at end, ends_at desc, silence_id limit $2",
        at,
        query.limit,
        query.silence_id,
        None if clients is None else sorted(clients),
    )
    return SilencesPage(items=[silence_row(row, at) for row in rows])


def silence_row(row: Any, at: datetime) -> SilenceRow:
    return SilenceRow(**dict(row), active=row["ended_by"] is None and row["ends_at"] > at)


def _visible(query: AlertsQuery) -> Conditions:
    conditions, scope = Conditions(), query.scope
    if not query.platform:
        conditions.add("job is not null")
    if scope.clients is not None:
        conditions.add("(client = any({}::text[]) or client is null)", sorted(scope.clients))
    if scope.jobs is not None:
        conditions.add("(job = any({}::text[]) or job is null)", sorted(scope.jobs))
    return conditions


async def _rows(pool: Pool, rows: Sequence[Any]) -> list[AlertRow]:
    at = now()
    silences = [
        (Silence(row["kinds"], row["jobs"], row["clients"]), silence_row(row, at))
        for row in await pool.fetch(
            "select * from silences where ends_at > $1 and ended_by is null order by ends_at desc", at
        )
    ]
    found = await pool.fetch(
        "select n.alert_id, n.what, n.destination, t.state, t.cause, t.telling_id,"
        " coalesce(t.ended_at, n.created_at) as at from alert_news n left join tellings t using (telling_id)"
        " where n.alert_id = any($1::uuid[]) and not n.dropped order by n.news_id",
        [row["alert_id"] for row in rows],
    )
    tellings: dict[UUID, list[AlertTelling]] = defaultdict(list)
    for told in found:
        tellings[told["alert_id"]].append(AlertTelling(**dict(told)))
    return [_row(row, silences, tellings[row["alert_id"]]) for row in rows]


def _row(
    row: Any, silences: Sequence[tuple[Silence, SilenceRow]], tellings: Sequence[AlertTelling]
) -> AlertRow:
    kind = AlertKind(row["kind"])
    covering = (shown for silence, shown in silences if silence.fits(kind, row["job"], row["client"]))
    return AlertRow(
        **dict(row),
        silence=None if row["closed_at"] is not None else next(covering, None),
        tellings=list(tellings),
    )
