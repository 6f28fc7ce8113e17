"""Follows streams from their beginning, and goes on after every failure: rows and place in one transaction.

One process follows, by an advisory lock on the connection that also writes; the others stand by on the same
lock. What is written twice changes nothing, so a stream that was created anew is read from its beginning. The
connection is none of the pool: effects count on those.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from services.reporting.streams import REPORTS
from shared.database import Pool
from shared.errors import TagwerkError
from shared.feed import FeedInterrupted, RawMessage, open_feed, stream_state

log = structlog.get_logger(__name__)

#: Name of the consumers at the server.
#: Messages that one transaction takes at most.
LARGEST_BATCH: Final = 1_000
#: Seconds before the next try after bus or database failed.
PAUSE: Final = 0.2
#: Seconds between two looks whether the reading has caught up.
_LOOK: Final = 0.05

#: Writes what a batch tells, in a transaction.
Take = Callable[[Any, Sequence[RawMessage]], Awaitable[None]]

_TRANSIENT = (
    FeedInterrupted,
    NatsError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # What asyncpg raises if the server ends a connection at the moment at which a statement begins.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


@dataclass(frozen=True, slots=True)
class Followed:
    """A stream, and what becomes of its messages."""

    stream: str
    take: Take
    #: What to forget when the stream was created anew.
    forget: str | None = None


class Follower:
    """The reader of some streams."""

    def __init__(self, nc: Client, database_url: str, streams: Sequence[Followed]) -> None:
        self._nc = nc
        self._database_url = database_url
        self._streams = streams
        #: Held by whoever uses the connection.
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Follow for as long as the process lives, or stand by."""
        while True:
            try:
                await self._lead()
            except* _TRANSIENT as group:
                log.info("the streams are read again from their place", cause=repr(group.exceptions[0]))
            await asyncio.sleep(PAUSE)

    async def _lead(self) -> None:
        connection = await asyncpg.connect(self._database_url)
        try:
            await connection.execute(
                "select pg_advisory_lock(hashtext($1), hashtext(current_schema()))", REPORTS
            )
            async with asyncio.TaskGroup() as tasks:
                for followed in self._streams:
                    tasks.create_task(self._follow(connection, followed))
        finally:
            await connection.close(timeout=5)

    async def _follow(self, connection: Any, followed: Followed) -> None:
        created, sequence = await self._start(connection, followed)
        async with open_feed(self._nc, REPORTS, followed.stream, sequence + 1) as feed:
            while True:
                batch = await feed.take(LARGEST_BATCH)
                async with self._turn, connection.transaction():
                    await followed.take(connection, batch)
                    await _move(connection, followed.stream, created, batch[-1].sequence)

    async def _start(self, connection: Any, followed: Followed) -> tuple[str, int]:
        """Which stream it is, and the last sequence that is read."""
        stream = followed.stream
        state = await stream_state(self._nc, stream)
        async with self._turn, connection.transaction():
            row = await connection.fetchrow(
                "select created, sequence from followed where stream = $1", stream
            )
            if row is not None and row["created"] == state.created and row["sequence"] <= state.last:
                return state.created, row["sequence"]
            if row is not None:
                log.warning("the stream is another one, and read from its beginning", stream=stream)
                if followed.forget is not None:
                    await connection.execute(followed.forget)
            await _move(connection, stream, state.created, 0)
            return state.created, 0


async def _move(connection: Any, stream: str, created: str, sequence: int) -> None:
    await connection.execute(
        "insert into followed (stream, created, sequence) values ($1, $2, $3)"
        " on conflict (stream) do update set created = excluded.created, sequence = excluded.sequence",
        stream,
        created,
        sequence,
    )


async def wait_until_read(nc: Client, pool: Pool, streams: Sequence[str], seconds: float) -> None:
    """Until all that these streams held when this was asked is known here. Raises `exceptions_behind`
    (retryable) after so many seconds."""
    states = {stream: (await stream_state(nc, stream)).last for stream in streams}
    try:
        async with asyncio.timeout(seconds):
            # Nobody tells, and another process may be reading.
            while behind := await _behind(pool, states):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK)
    except TimeoutError as error:
        raise TagwerkError(
            "exceptions_behind",
            "the reporting service has not read yet all that happened",
            concern=", ".join(behind),
            next_step="Wait: it catches up by itself, and the run tries again. If it does not, look at the "
            "log of the reporting service.",
            retryable=True,
        ) from error


async def _behind(pool: Pool, wanted: dict[str, int]) -> list[str]:
    rows = await pool.fetch("select stream, sequence from followed")
    read = {row["stream"]: row["sequence"] for row in rows}
    return [stream for stream, last in wanted.items() if read.get(stream, -1) < last]
