"""How far each stream is written down, and what to do with one that does not continue that.

The log never stops for a stream that was lost, restored or cut: it says so in an entry of its own, and takes
whatever the stream holds now. What is in the log already is recognized by its event id.
"""

from dataclasses import dataclass, replace

from services.audit.chain import Connection
from shared.feed import RawMessage, StreamState, digest


class CheckpointMoved(Exception):
    """Another process follows this stream."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    stream: str
    #: When the stream was created, as the server spells it.
    created: str
    #: The last sequence that is written down.
    sequence: int
    #: Of the payload at `sequence`; empty before the first.
    digest: str

    def after(self, last: RawMessage) -> "Checkpoint":
        return replace(self, sequence=last.sequence, digest=digest(last.payload))


@dataclass(frozen=True, slots=True)
class Break:
    """A stream does not continue what was written down of it."""

    cause: str
    #: Sequences that are gone, as far as one can tell.
    first: int
    last: int | None
    #: Where to go on: right before what the stream holds.
    go_on: Checkpoint


def beginning(stream: str, state: StreamState) -> Checkpoint:
    """Right before what a stream holds."""
    return Checkpoint(stream, state.created, max(state.first, 1) - 1, "")


def find_break(at: Checkpoint, state: StreamState, found: str | None) -> Break | None:
    """Whether the stream goes on from `at`; `found` is the digest of what it has there, None for nothing."""
    again = beginning(at.stream, state)
    if state.created != at.created:
        return Break(f"the stream was created anew at {state.created}", at.sequence + 1, None, again)
    if state.last < at.sequence:
        cause = f"the stream ends at {state.last}: it lost its end, or was restored from an older backup"
        return Break(cause, state.last + 1, at.sequence, again)
    if found is not None and at.digest and found != at.digest:
        cause = f"the stream holds another message at {at.sequence} than the one that was written down"
        return Break(cause, at.sequence, at.sequence, again)
    if state.first > at.sequence + 1:
        return gap(at, state.first)
    return None


def gap(at: Checkpoint, found: int) -> Break:
    """The stream goes on at `found`, and not behind `at`."""
    cause = f"messages {at.sequence + 1} to {found - 1} were deleted, or expired before they were read"
    return Break(cause, at.sequence + 1, found - 1, replace(at, sequence=found - 1, digest=""))


async def read_checkpoint(connection: Connection, stream: str) -> Checkpoint | None:
    row = await connection.fetchrow(
        "select stream, created, sequence, digest from checkpoints where stream = $1", stream
    )
    return None if row is None else Checkpoint(*row)


async def begin_checkpoint(connection: Connection, checkpoint: Checkpoint) -> None:
    await connection.execute(
        "insert into checkpoints (stream, created, sequence, digest) values ($1, $2, $3, $4)",
        checkpoint.stream, checkpoint.created, checkpoint.sequence, checkpoint.digest,
    )  # fmt: skip


async def move_checkpoint(connection: Connection, old: Checkpoint, new: Checkpoint) -> None:
    """Within the transaction of the entries. Raises `CheckpointMoved` if it is not where `old` says."""
    moved = await connection.execute(
        "update checkpoints set created = $1, sequence = $2, digest = $3"
        " where stream = $4 and created = $5 and sequence = $6 and digest = $7",
        new.created, new.sequence, new.digest, old.stream, old.created, old.sequence, old.digest,
    )  # fmt: skip
    if moved != "UPDATE 1":
        raise CheckpointMoved(f"the checkpoint of {old.stream} is not at {old.sequence} any more")
