"""From news to messages: what goes out is decided and written down in one transaction, before anything is
sent."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.reporting.alerts.content import Content, Item, content_of
from services.reporting.alerts.planning import (
    HOUR,
    News,
    Route,
    Silence,
    Told,
    plan,
    to_repeat,
)
from services.reporting.alerts.rules import Rules
from shared.database import Pool
from shared.events import now
from shared.ids import new_id
from shared.words import AlertKind, AlertNews

#: News that one look takes: what is beyond goes with the next messages.
LARGEST_LOOK = 20_000
#: How often one looks for open alerts that are to be told again.
REPEATS = timedelta(seconds=30)


class Telling:
    def __init__(self, pool: Pool, rules: Rules, clock: Callable[[], datetime] = now) -> None:
        self._pool = pool
        self._rules = rules
        self._clock = clock
        self._repeated: datetime | None = None

    async def look(self) -> int:
        """Make the messages that are due; how many there are."""
        at = self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            if self._repeated is None or at - self._repeated >= REPEATS:
                await self._repeat(connection, at)
                self._repeated = at
            rows = await connection.fetch(
                "select n.news_id, n.alert_id, n.rule, n.destination, n.what, n.created_at, a.kind, a.job,"
                " a.client, a.severity, a.concern, a.why, a.next_step, a.run_id, a.opened_at, a.closed_at,"
                " a.count from alert_news n join alerts a using (alert_id)"
                " where n.telling_id is null and not n.dropped order by n.news_id limit $1"
                " for update of n",
                LARGEST_LOOK,
            )
            if not rows:
                return 0
            silences = await silences_at(connection, at)
            news = [_news(row, silences) for row in rows]
            planned = plan(news, await self._sent(connection, at), self._rules, at)
            await connection.execute(
                "update alert_news set dropped = true where news_id = any($1::bigint[])",
                [one.id for one in planned.dropped],
            )
            items = {row["news_id"]: _item(row) for row in rows}
            for route, together in planned.messages:
                content = content_of([items[one.id] for one in together], at)
                await _write(connection, route, content, together, at)
            return len(planned.messages)

    async def _repeat(self, connection: Any, at: datetime) -> None:
        """Open alerts whose addressees were last told long ago are told again."""
        rows = await connection.fetch(
            "select n.alert_id, n.rule, n.destination, max(n.created_at) as at from alert_news n"
            " join alerts a using (alert_id) where a.closed_at is null"
            " group by n.alert_id, n.rule, n.destination"
            " having bool_and(n.telling_id is not null or n.dropped)"
        )
        again = to_repeat([Told(**dict(row)) for row in rows], self._rules, at)
        await connection.executemany(
            "insert into alert_news (alert_id, destination, rule, what, created_at)"
            " values ($1, $2, $3, $4, $5)",
            [(one.alert_id, one.destination, one.rule, AlertNews.STILL.value, at) for one in again],
        )

    async def _sent(self, connection: Any, at: datetime) -> dict[Route, list[datetime]]:
        sent: dict[Route, list[datetime]] = defaultdict(list)
        for row in await connection.fetch(
            "select rule, destination, created_at from tellings where created_at > $1", at - HOUR
        ):
            sent[row["rule"], row["destination"]].append(row["created_at"])
        return sent


async def silences_at(connection: Any, at: datetime) -> list[Silence]:
    """Those that are in force."""
    rows = await connection.fetch(
        "select kinds, jobs, clients from silences where ends_at > $1 and ended_by is null", at
    )
    return [Silence(row["kinds"], row["jobs"], row["clients"]) for row in rows]


def _news(row: Any, silences: Sequence[Silence]) -> News:
    kind = AlertKind(row["kind"])
    return News(
        id=row["news_id"],
        alert_id=row["alert_id"],
        rule=row["rule"],
        destination=row["destination"],
        what=AlertNews(row["what"]),
        created_at=row["created_at"],
        silenced=any(silence.fits(kind, row["job"], row["client"]) for silence in silences),
    )


def _item(row: Any) -> Item:
    return Item.model_validate({name: row[name] for name in Item.model_fields})


async def _write(
    connection: Any, route: Route, content: Content, together: Sequence[News], at: datetime
) -> UUID:
    telling_id, (rule, destination) = new_id(), route
    await connection.execute(
        "insert into tellings (telling_id, rule, destination, state, content, created_at, next_at)"
        " values ($1, $2, $3, 'waiting', $4, $5, $5)",
        telling_id, rule, destination, orjson.dumps(content.model_dump(mode="json")).decode(), at,
    )  # fmt: skip
    await connection.execute(
        "update alert_news set telling_id = $1 where news_id = any($2::bigint[])",
        telling_id,
        [one.id for one in together],
    )
    return telling_id
