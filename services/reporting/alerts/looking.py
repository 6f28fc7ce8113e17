"""What no message tells is looked at: whether dead letters are still there, and how far the projection is."""

import time
from collections.abc import Callable
from datetime import datetime

from nats.js.errors import NotFoundError

from services.reporting.alerts.core import FOR_GOOD, Cause, Signal
from services.reporting.alerts.signals import dead_letters
from services.reporting.alerts.store import Alerts, parts_that_hold
from shared import subjects
from shared.bus import Bus
from shared.commands import RunsPage, RunsQuery
from shared.database import Pool
from shared.errors import TagwerkError
from shared.events import now
from shared.feed import stream_state
from shared.words import AlertKind

#: Seconds between two looks, and after which the projection is behind.
EVERY = 15.0
PATIENCE = 60.0
#: Dead letters that one look asks for.
LETTERS = 500

PROJECTION = Cause(AlertKind.PROJECTION_BEHIND, "status", "status")


class Looks:
    def __init__(
        self,
        bus: Bus,
        pool: Pool,
        alerts: Alerts,
        *,
        patience: float = PATIENCE,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._bus = bus
        self._pool = pool
        self._alerts = alerts
        self._patience = patience
        self._clock = clock
        #: A sequence of RUNS that was its last one at some moment.
        self._mark: tuple[int, float] | None = None
        #: What was said last of the projection.
        self._behind: bool | None = None

    async def look(self) -> None:
        """Say what has changed. Raises what bus and database do."""
        signals = [*await self._letters(), *await self._projection()]
        if signals:
            async with self._pool.acquire() as connection, connection.transaction():
                await self._alerts.take(connection, signals)

    async def _letters(self) -> list[Signal]:
        """Those that were replayed, or are too old to be kept."""
        gone = []
        for row in await parts_that_hold(self._pool, AlertKind.DEAD_LETTER, LETTERS):
            try:
                await self._bus.js.get_msg(subjects.DEAD, int(row["part"]))
            except NotFoundError:
                cause = dead_letters(row["key"])
                gone.append(Signal(cause, row["part"], False, self._clock(), order=FOR_GOOD))
        return gone

    async def _projection(self) -> list[Signal]:
        """It is behind when it has not reached what was the end of RUNS a while ago."""
        at = time.monotonic()
        if self._mark is None:
            self._mark = (await stream_state(self._bus.nc, subjects.RUNS)).last, at
            return []
        if at - self._mark[1] < self._patience:
            return []
        query = RunsQuery(limit=1, at_least=self._mark[0])
        try:
            await self._bus.ask(subjects.query("status", "runs"), query, RunsPage)
        except TagwerkError as error:
            failure = error.failure
            # The mark stays: it is behind until it has reached that.
            if self._behind is True:
                return []
            self._behind = True
            return [
                Signal(PROJECTION, "", True, self._clock(), why=failure.cause, next_step=failure.next_step)
            ]
        self._mark = None
        if self._behind is False:
            return []
        self._behind = False
        return [Signal(PROJECTION, "", False, self._clock())]
