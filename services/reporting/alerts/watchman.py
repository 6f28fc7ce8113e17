"""Alerts at work: one process follows the streams, looks, and tells; the others stand by."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog
from nats.aio.client import Client

from services.reporting.alerts.looking import EVERY, Looks
from services.reporting.alerts.reading import Reading
from services.reporting.alerts.sending import Sending
from services.reporting.alerts.store import Alerts
from services.reporting.alerts.telling import Telling
from services.reporting.following.follower import Followed, Follower
from services.reporting.following.lead import TRANSIENT, Lead
from services.reporting.streams import ALERTED, ALERTS
from shared.cancelling import end_if_cancelled
from shared.database import Pool

log = structlog.get_logger(__name__)

#: Seconds between two looks for what is to be told and sent.
TICK = 1.0
#: Messages without anything to tell that are rather read again after a restart than noted.
UNWRITTEN: Final = 5_000
#: Days after which what is over is forgotten.
PARTS_KEPT, ALERTS_KEPT = 60, 400


def follower_of(nc: Client, reading: Reading, alerts: Alerts) -> Follower:
    """What follows all streams that alerts come from."""
    streams = [Followed(stream, partial(reading.signals_of, stream), alerts.take) for stream in ALERTED]
    return Follower(nc, ALERTS, streams, unwritten=UNWRITTEN)


class Watchman:
    def __init__(
        self, pool: Pool, follower: Follower, telling: Telling, sending: Sending, looks: Looks
    ) -> None:
        self._pool = pool
        self._follower = follower
        self._telling = telling
        self._sending = sending
        self._looks = looks

    async def watch(self, lead: Lead) -> None:
        """For as long as this process leads."""
        await forget(self._pool)
        await self._sending.take_over()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follower.follow(lead))
                tasks.create_task(self._repeat(EVERY, self._looks.look))
                tasks.create_task(self._repeat(TICK, self._tell))
        finally:
            await self._sending.stop()

    async def _tell(self) -> None:
        await self._telling.look()
        await self._sending.look()

    async def _repeat(self, every: float, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            end_if_cancelled()
            try:
                await look()
            except TRANSIENT as error:
                log.info("a look for alerts waits", cause=str(error))
            await asyncio.sleep(every)


async def forget(pool: Pool) -> None:
    """What was over long ago."""
    await pool.execute(
        "delete from alert_parts where gone_at >= held_at and held_at < now() - make_interval(days => $1)",
        PARTS_KEPT,
    )
    async with pool.acquire() as connection, connection.transaction():
        old = "closed_at < now() - make_interval(days => $1)"
        await connection.execute(
            "delete from alert_news where alert_id in"  # noqa: S608
            f" (select alert_id from alerts where {old})",
            ALERTS_KEPT,
        )
        await connection.execute(f"delete from alerts where {old}", ALERTS_KEPT)  # noqa: S608
        await connection.execute(
            "delete from tellings t where created_at < now() - make_interval(days => $1)"
            " and not exists (select from alert_news n where n.telling_id = t.telling_id)",
            ALERTS_KEPT,
        )
