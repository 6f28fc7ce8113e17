"""How far each reader has read each stream, in the database."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nats.aio.client import Client

from shared.database import Pool
from shared.errors import TagwerkError
from shared.feed import StreamState, stream_state

#: Seconds between two looks whether the reading has caught up.
_LOOK: Final = 0.05


@dataclass(frozen=True, slots=True)
class Place:
    """Of a reader in a stream."""

    #: When the stream was created, as the server spells it.
    created: str
    #: The last one that is read.
    sequence: int

    def is_in(self, state: StreamState) -> bool:
        """Whether the stream goes on behind it: it was not created anew, and has not lost its end."""
        return self.created == state.created and self.sequence <= state.last


def beginning_of(state: StreamState) -> Place:
    return Place(state.created, max(state.first, 1) - 1)


async def read_place(connection: Any, reader: str, stream: str) -> Place | None:
    """None for a reader that is new to the stream."""
    row = await connection.fetchrow(
        "select created, sequence from followed where reader = $1 and stream = $2", reader, stream
    )
    return None if row is None else Place(row["created"], row["sequence"])


async def move_place(connection: Any, reader: str, stream: str, place: Place) -> None:
    await connection.execute(
        "insert into followed (reader, stream, created, sequence) values ($1, $2, $3, $4)"
        " on conflict (reader, stream)"
        " do update set created = excluded.created, sequence = excluded.sequence",
        reader,
        stream,
        place.created,
        place.sequence,
    )


async def wait_until_read(
    nc: Client, pool: Pool, reader: str, streams: Sequence[str], seconds: float
) -> None:
    """Until all that these streams held when this was asked is read. Raises `exceptions_behind` (retryable)
    after so many seconds."""
    states = {stream: (await stream_state(nc, stream)).last for stream in streams}
    # What a database that does not answer in time leaves unknown is behind.
    behind: Sequence[str] = streams
    try:
        async with asyncio.timeout(seconds):
            # Nobody tells, and another process may be reading.
            while behind := await _behind(pool, reader, states):  # noqa: ASYNC110
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


async def _behind(pool: Pool, reader: str, wanted: Mapping[str, int]) -> list[str]:
    rows = await pool.fetch("select stream, sequence from followed where reader = $1", reader)
    read = {row["stream"]: row["sequence"] for row in rows}
    return [stream for stream, last in wanted.items() if read.get(stream, -1) < last]
