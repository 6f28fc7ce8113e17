"""Follows streams: what their messages tell and how far they are read, in one transaction.

A stream that was created anew, or has lost its end, is read from its beginning: what is written twice changes
nothing. Every failure leads back to the stored place.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import structlog
from nats.aio.client import Client

from services.reporting.following.lead import PAUSE, TRANSIENT, Lead
from services.reporting.following.places import Place, beginning_of, move_place, read_place
from shared.feed import RawMessage, StreamState, open_feed, stream_state

log = structlog.get_logger(__name__)

#: Messages that one transaction takes at most.
LARGEST_BATCH: Final = 1_000

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Followed(Generic[Told]):
    """A stream, and what becomes of its messages."""

    stream: str
    #: What a batch tells; empty for one that is of no interest.
    read: Callable[[Sequence[RawMessage]], Awaitable[Sequence[Told]]]
    #: Writes it, in a transaction on this connection.
    write: Callable[[Any, Sequence[Told]], Awaitable[None]]
    #: What to forget when the stream was created anew.
    forget: str | None = None


class Follower:
    """One reader of some streams."""

    def __init__(
        self, nc: Client, reader: str, streams: Sequence[Followed[Any]], *, unwritten: int = 0
    ) -> None:
        """`unwritten`: so many messages that tell nothing are rather read again after a restart than noted
        batch by batch. Nobody can wait then for this reader to have read them."""
        self.reader = reader
        self._nc = nc
        self._streams = streams
        self._unwritten = unwritten

    async def follow(self, lead: Lead) -> None:
        """For as long as this process leads. Raises what ends the lead."""
        async with asyncio.TaskGroup() as tasks:
            for followed in self._streams:
                tasks.create_task(self._keep_following(lead, followed))

    async def _keep_following(self, lead: Lead, followed: Followed[Any]) -> None:
        while True:
            try:
                await self._follow(lead, followed)
            except TRANSIENT as error:
                if lead.connection.is_closed():
                    raise
                log.info(
                    "the stream is read on from its place",
                    reader=self.reader,
                    stream=followed.stream,
                    cause=repr(error),
                )
            await asyncio.sleep(PAUSE)

    async def _follow(self, lead: Lead, followed: Followed[Any]) -> None:
        state = await stream_state(self._nc, followed.stream)
        at = await self._start(lead, followed, state)
        async with open_feed(self._nc, self.reader, followed.stream, at.sequence + 1) as feed:
            if feed.pending == 0 and at.sequence < state.last:
                # What was there is deleted: nobody has to wait for it.
                at = await self._move(lead, followed, Place(at.created, state.last))
            while True:
                at = await self._take(lead, followed, at, await feed.take(LARGEST_BATCH))

    async def _start(self, lead: Lead, followed: Followed[Any], state: StreamState) -> Place:
        stream = followed.stream
        async with lead.turn, lead.connection.transaction():
            at = await read_place(lead.connection, self.reader, stream)
            if at is not None and at.is_in(state):
                return at
            if at is not None:
                log.warning(
                    "the stream is another one, and read from its beginning",
                    reader=self.reader,
                    stream=stream,
                )
                if followed.forget is not None:
                    await lead.connection.execute(followed.forget)
            at = beginning_of(state)
            await move_place(lead.connection, self.reader, stream, at)
            return at

    async def _move(self, lead: Lead, followed: Followed[Any], place: Place) -> Place:
        async with lead.turn:
            await move_place(lead.connection, self.reader, followed.stream, place)
        return place

    async def _take(
        self, lead: Lead, followed: Followed[Any], at: Place, batch: Sequence[RawMessage]
    ) -> Place:
        """The place as it is stored from now on."""
        told = await followed.read(batch)
        after = Place(at.created, batch[-1].sequence)
        if not told and after.sequence - at.sequence < self._unwritten:
            return at
        async with lead.turn, lead.connection.transaction():
            if told:
                await followed.write(lead.connection, told)
            await move_place(lead.connection, self.reader, followed.stream, after)
        return after
