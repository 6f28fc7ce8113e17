"""Alerts at work: one process follows the streams, looks, and tells; the others stand by."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.reporting.alerts.following import PAUSE, TRANSIENT, Follower, Superseded
from services.reporting.alerts.looking import EVERY, Looks
from services.reporting.alerts.reading import Reading
from services.reporting.alerts.sending import Sending
from services.reporting.alerts.store import Alerts
from services.reporting.alerts.telling import Telling
from services.reporting.streams import ALERTED, ALERTS
from shared.bus import Bus
from shared.database import Pool, session

log = structlog.get_logger(__name__)

#: Seconds between two looks for what is to be told and sent.
TICK = 1.0
#: Days after which what is over is forgotten.
PARTS_KEPT, ALERTS_KEPT = 60, 400


class Watchman:
    def __init__(
        self,
        bus: Bus,
        pool: Pool,
        alerts: Alerts,
        telling: Telling,
        sending: Sending,
        looks: Looks,
        *,
        tick: float | None = None,
        every: float = EVERY,
    ) -> None:
        self._pool = pool
        self._telling = telling
        self._sending = sending
        self._looks = looks
        self._tick = TICK if tick is None else tick
        self._every = every
        reading = Reading(bus, pool)
        self._followers = [Follower(bus.nc, pool, stream, reading, alerts) for stream in ALERTED]

    async def run(self) -> None:
        """For as long as the process lives, or stand by."""
        while True:
            try:
                async with session(self._pool) as connection:
                    await connection.execute(
                        "select pg_advisory_lock(hashtext($1), hashtext(current_schema()))", ALERTS
                    )
                    await self._lead(connection.execute)
            except Superseded as error:
                log.warning("another process watches for alerts", error=str(error))
            except TRANSIENT as error:
                log.warning("alerts begin again from what is stored", error=repr(error))
            await asyncio.sleep(PAUSE)

    async def _lead(self, execute: Callable[[str], Awaitable[object]]) -> None:
        log.info("this process watches for alerts")
        await forget(self._pool)
        await self._sending.take_over()
        tasks = [asyncio.create_task(follower.run()) for follower in self._followers]
        tasks += [
            asyncio.create_task(self._repeat(self._every, self._looks.look)),
            asyncio.create_task(self._repeat(self._tick, self._tell)),
            # Without its connection it is not the one any more.
            asyncio.create_task(self._hold(execute)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._sending.stop()

    async def _tell(self) -> None:
        await self._telling.look()
        await self._sending.look()

    async def _repeat(self, every: float, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await look()
            except TRANSIENT as error:
                log.info("a look for alerts waits", cause=str(error))
            await asyncio.sleep(every)

    async def _hold(self, execute: Callable[[str], Awaitable[object]]) -> None:
        while True:
            await asyncio.sleep(self._every)
            await execute("select 1")


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
