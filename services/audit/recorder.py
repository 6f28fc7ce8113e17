"""Follows a stream and writes down what it tells: entries and checkpoint in one transaction.

One process follows, by an advisory lock on the connection that also writes; the others stand by on the same
lock. Every failure of bus or database leads back to the checkpoint, and what is written twice is recognized
by its event id, so a kill anywhere loses nothing and doubles nothing.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from services.audit.chain import Connection, append
from services.audit.checkpoints import (
    Break,
    Checkpoint,
    CheckpointMoved,
    begin_checkpoint,
    beginning,
    find_break,
    gap,
    move_checkpoint,
    read_checkpoint,
)
from services.audit.core import NewEntry, moment
from services.audit.declaration import READER
from services.audit.selection import entry_of, missing
from shared.database import Pool, session
from shared.events import now
from shared.feed import FeedInterrupted, RawMessage, message_digest, open_feed, stream_state
from shared.passing import PASSING

log = structlog.get_logger(__name__)

#: Messages that one transaction takes at most.
LARGEST_BATCH = 1_000
#: Seconds before the next try after bus or database failed.
PAUSE = 0.2

_TRANSIENT = (*PASSING, CheckpointMoved)


class Recorder:
    """The writer for one stream."""

    def __init__(self, nc: Client, pool: Pool, stream: str, written: Callable[[], None]) -> None:
        """`written` is told after every commit that made the log longer."""
        self._nc = nc
        self._pool = pool
        self._stream = stream
        self._written = written

    async def run(self) -> None:
        """Write down for as long as the process lives, or stand by."""
        while True:
            try:
                async with session(self._pool) as connection:
                    await connection.execute(
                        "select pg_advisory_lock(hashtext($1), hashtext(current_schema()))",
                        f"{READER}-{self._stream}",
                    )
                    await self._lead(connection)
            except _TRANSIENT as error:
                log.warning(
                    "the recorder begins again from its checkpoint", stream=self._stream, error=repr(error)
                )
            await asyncio.sleep(PAUSE)

    async def _lead(self, connection: Connection) -> None:
        log.info("this process writes the audit log", stream=self._stream)
        while True:
            try:
                await self._follow(connection)
            except (FeedInterrupted, NatsError) as error:
                log.info("the feed is opened again", stream=self._stream, cause=str(error))
                await asyncio.sleep(PAUSE)

    async def _follow(self, connection: Connection) -> None:
        at = await self._start(connection)
        async with open_feed(self._nc, READER, self._stream, at.sequence + 1) as feed:
            while True:
                batch = await feed.take(LARGEST_BATCH)
                while batch:
                    if batch[0].sequence != at.sequence + 1:
                        at = await self._tell_break(connection, at, gap(at, batch[0].sequence))
                    whole = contiguous(batch)
                    at = await self._write(connection, at, whole)
                    batch = batch[len(whole) :]

    async def _start(self, connection: Connection) -> Checkpoint:
        """Where to go on, after saying what is missing."""
        state = await stream_state(self._nc, self._stream)
        at = await read_checkpoint(connection, self._stream)
        if at is None:
            at = beginning(self._stream, state)
            await begin_checkpoint(connection, at)
            return at
        found = await message_digest(self._nc, self._stream, at.sequence) if at.digest else None
        broken = find_break(at, state, found)
        return at if broken is None else await self._tell_break(connection, at, broken)

    async def _tell_break(self, connection: Connection, at: Checkpoint, broken: Break) -> Checkpoint:
        log.error("a part of the history cannot be audited", stream=self._stream, cause=broken.cause)
        entry = missing(
            self._stream, at.created, broken.cause, first=broken.first, last=broken.last, time=moment(now())
        )
        await self._commit(connection, at, broken.go_on, [entry])
        return broken.go_on

    async def _write(self, connection: Connection, at: Checkpoint, batch: Sequence[RawMessage]) -> Checkpoint:
        found = (entry_of(self._stream, at.created, raw) for raw in batch)
        after = at.after(batch[-1])
        await self._commit(connection, at, after, [entry for entry in found if entry is not None])
        return after

    async def _commit(
        self, connection: Connection, old: Checkpoint, new: Checkpoint, entries: Sequence[NewEntry]
    ) -> None:
        async with connection.transaction():
            await move_checkpoint(connection, old, new)
            written = await append(connection, entries) if entries else 0
        if written:
            self._written()


def contiguous(batch: Sequence[RawMessage]) -> Sequence[RawMessage]:
    """The part of `batch` before the first hole in its sequences."""
    for place, message in enumerate(batch):
        if message.sequence != batch[0].sequence + place:
            return batch[:place]
    return batch
