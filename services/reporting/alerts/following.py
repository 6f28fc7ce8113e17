"""Follows the streams: what they say about alerts, and how far they are read, in one transaction.

One process does it, by an advisory lock; the others stand by on it. A kill anywhere leads back to the
checkpoint, which is moved only from its known old value.
"""

import asyncio
from dataclasses import dataclass

import asyncpg
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from services.reporting.alerts.reading import Reading
from services.reporting.alerts.store import Alerts
from services.reporting.streams import ALERTS
from shared.database import Pool
from shared.errors import TagwerkError
from shared.feed import FeedInterrupted, RawMessage, open_feed, stream_state

log = structlog.get_logger(__name__)

#: Name of the consumers at the server.
#: Messages that one transaction takes at most.
LARGEST_BATCH = 1_000
#: Messages without anything to tell that are read again after a restart, rather than noted each.
UNWRITTEN = 5_000
#: Seconds before the next try after bus or database failed.
PAUSE = 0.2

#: What passes by itself.
TRANSIENT = (
    FeedInterrupted,
    TagwerkError,
    NatsError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # What asyncpg raises if the server ends a connection at the moment at which a statement begins.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class Superseded(Exception):
    """Another process follows the streams."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    #: When the stream was created, as the server spells it.
    created: str
    #: The last sequence that was read.
    sequence: int


class Follower:
    """Of one stream."""

    def __init__(self, nc: Client, pool: Pool, stream: str, reading: Reading, alerts: Alerts) -> None:
        self._nc = nc
        self._pool = pool
        self._stream = stream
        self._reading = reading
        self._alerts = alerts

    async def run(self) -> None:
        """Raises `Superseded`."""
        while True:
            try:
                await self._follow()
            except TRANSIENT as error:
                log.info("alerts are read on from the checkpoint", stream=self._stream, cause=str(error))
            await asyncio.sleep(PAUSE)

    async def _follow(self) -> None:
        at = await self._start()
        async with open_feed(self._nc, ALERTS, self._stream, at.sequence + 1) as feed:
            while True:
                at = await self._take(at, await feed.take(LARGEST_BATCH))

    async def _start(self) -> Checkpoint:
        """Where to go on; a stream that was recreated or lost its end is read from its beginning."""
        state = await stream_state(self._nc, self._stream)
        row = await self._pool.fetchrow(
            "select created, sequence from alert_checkpoints where stream = $1", self._stream
        )
        beginning = Checkpoint(state.created, max(state.first, 1) - 1)
        if row is None:
            await self._pool.execute(
                "insert into alert_checkpoints (stream, created, sequence) values ($1, $2, $3)"
                " on conflict do nothing",
                self._stream,
                beginning.created,
                beginning.sequence,
            )
            return beginning
        at = Checkpoint(row["created"], row["sequence"])
        if at.created == state.created and at.sequence <= state.last:
            return at
        log.warning("a stream does not go on where alerts have read it", stream=self._stream)
        async with self._pool.acquire() as connection:
            await self._move(connection, at, beginning)
        return beginning

    async def _take(self, at: Checkpoint, batch: list[RawMessage]) -> Checkpoint:
        """The checkpoint as it is stored from now on."""
        found = await self._reading.signals_of(self._stream, batch)
        after = Checkpoint(at.created, batch[-1].sequence)
        if not found and after.sequence - at.sequence < UNWRITTEN:
            return at
        async with self._pool.acquire() as connection, connection.transaction():
            await self._move(connection, at, after)
            await self._alerts.take(connection, found)
        return after

    async def _move(self, connection: object, at: Checkpoint, after: Checkpoint) -> None:
        moved = await connection.execute(  # type: ignore[attr-defined]
            "update alert_checkpoints set created = $1, sequence = $2"
            " where stream = $3 and created = $4 and sequence = $5",
            after.created, after.sequence, self._stream, at.created, at.sequence,
        )  # fmt: skip
        if moved != "UPDATE 1":
            raise Superseded(f"the checkpoint of {self._stream} is not at {at.sequence} any more")
