"""Where the projection stands in which stream, kept in the same database as its rows.

It is moved only from its known old value, in the transaction that writes the rows: whoever lost the lead
without knowing it cannot move it.
"""

from dataclasses import dataclass

from services.status.store import Connection
from shared.errors import Failure, TagwerkError
from shared.feed import RawMessage, StreamState, digest


class CheckpointMoved(Exception):
    """Somebody else projects: this process must begin again by asking for the lead."""


class ProjectionStopped(TagwerkError):
    """The stream is not the one that was projected so far, or misses a part. Nothing is skipped silently."""

    def __init__(self, cause: str, *, next_step: str) -> None:
        super().__init__("projection_stopped", cause, concern="RUNS", next_step=next_step)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    stream: str
    #: When the stream was created, as the server spells it.
    created: str
    first_sequence: int
    #: The last sequence that is projected.
    sequence: int
    #: Of the payload at `sequence`; empty before the first message.
    digest: str


async def read_checkpoint(connection: Connection) -> Checkpoint | None:
    row = await connection.fetchrow(
        "select stream, created, first_sequence, sequence, digest from checkpoint"
    )
    return None if row is None else Checkpoint(*row)


async def begin_checkpoint(connection: Connection, stream: str, state: StreamState) -> Checkpoint:
    """The first checkpoint of an empty database: right before what the stream still holds."""
    first = max(state.first, 1)
    checkpoint = Checkpoint(stream, state.created, first, first - 1, "")
    await connection.execute(
        "insert into checkpoint (stream, created, first_sequence, sequence, digest)"
        " values ($1, $2, $3, $4, $5)",
        checkpoint.stream, checkpoint.created, checkpoint.first_sequence, checkpoint.sequence,
        checkpoint.digest,
    )  # fmt: skip
    return checkpoint


async def move_checkpoint(connection: Connection, old: Checkpoint, last: RawMessage) -> Checkpoint:
    """The checkpoint after `last`. Raises `CheckpointMoved` if it is not where `old` says."""
    new = Checkpoint(old.stream, old.created, old.first_sequence, last.sequence, digest(last.payload))
    moved = await connection.execute(
        "update checkpoint set sequence = $1, digest = $2"
        " where sequence = $3 and digest = $4 and stream = $5 and created = $6",
        new.sequence, new.digest, old.sequence, old.digest, old.stream, old.created,
    )  # fmt: skip
    if moved != "UPDATE 1":
        raise CheckpointMoved(f"the checkpoint is not at {old.sequence} any more")
    return new


async def note_stopped(connection: Connection, failure: Failure | None) -> None:
    """Tell all replicas why the projection does not go on, or that it does again."""
    await connection.execute(
        "update checkpoint set stopped = $1 where stopped is not null or $1::json is not null",
        None if failure is None else failure.model_dump_json(exclude_none=True),
    )


def verify(checkpoint: Checkpoint, state: StreamState, found: str | None) -> None:
    """Refuse to go on with a stream that does not continue what was projected.

    `found` is the digest of what the stream holds at the checkpoint, None if it is gone from there.
    Raises `ProjectionStopped`.
    """
    at = checkpoint.sequence
    if state.created != checkpoint.created:
        raise ProjectionStopped(
            f"the stream {checkpoint.stream} was created anew at {state.created}; the projection follows the"
            f" one created at {checkpoint.created} and has reached sequence {at}",
            next_step=_MEND,
        )
    if state.last < at:
        raise ProjectionStopped(
            f"the stream {checkpoint.stream} ends at sequence {state.last}, the projection has reached {at}:"
            " the stream lost its end or was restored from an older backup",
            next_step=_MEND,
        )
    if found is not None and checkpoint.digest and found != checkpoint.digest:
        raise ProjectionStopped(
            f"the stream {checkpoint.stream} holds another message at sequence {at} than the one that was"
            " projected: it was restored from an older backup and written on",
            next_step=_MEND,
        )
    if state.first > at + 1:
        raise gap(checkpoint, state.first)


def gap(checkpoint: Checkpoint, found: int) -> ProjectionStopped:
    at = checkpoint.sequence
    return ProjectionStopped(
        f"the stream {checkpoint.stream} misses the sequences {at + 1} to {found - 1}: they were deleted, or"
        " expired before they were projected",
        next_step=_MEND,
    )


_MEND = (
    "Restore the stream from its backup; the projection then goes on by itself. If the events are lost for"
    " good, keep the status database under another name and start the service with an empty one."
)
