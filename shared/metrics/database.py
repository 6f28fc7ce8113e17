"""What a service's database holds, and its connections, read into gauges when somebody asks."""

import time

from shared.database import Pool
from shared.metrics.definitions import BREAKERS_OPEN, OUTBOX_ROWS, OUTBOX_WAITING, POOL_LIMIT, POOL_SIZE


def measure_pool(pool: Pool) -> None:
    """Connections, used and idle."""
    size, idle = pool.get_size(), pool.get_idle_size()
    POOL_SIZE.labels("used").set(size - idle)
    POOL_SIZE.labels("idle").set(idle)
    POOL_LIMIT.set(pool.get_max_size())


class OutboxMeasure:
    """Rows carry no time, so how long the first one waits is how long it has been seen."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._first: int | None = None
        self._seen_at = 0.0

    async def __call__(self) -> None:
        row = await self._pool.fetchrow("select count(*) as rows, min(id) as first from outbox")
        assert row is not None, "an aggregate has one row"
        if row["first"] != self._first:
            self._first, self._seen_at = row["first"], time.monotonic()
        OUTBOX_ROWS.set(row["rows"])
        OUTBOX_WAITING.set(0 if self._first is None else time.monotonic() - self._seen_at)


async def measure_breakers(pool: Pool) -> None:
    """Open circuits by system; one that has closed shows as 0."""
    rows = await pool.fetch(
        "select system, count(*) filter (where opened_at is not null) as open from breakers group by system"
    )
    for row in rows:
        BREAKERS_OPEN.labels(row["system"]).set(row["open"])
