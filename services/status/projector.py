"""The projector: follows RUNS, and keeps the rows in step with it.

One process projects, by an advisory lock on the connection that also writes; the others stand by on the
same lock. Every failure of bus or database leads back to the checkpoint.
"""

import asyncio
from collections.abc import Sequence

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from services.status.archive import Partitions
from services.status.checkpoint import (
    Checkpoint,
    CheckpointMoved,
    ProjectionStopped,
    begin_checkpoint,
    gap,
    move_checkpoint,
    note_stopped,
    read_checkpoint,
    verify,
)
from services.status.progress import Progress
from services.status.projection import Projection
from services.status.rows import Changes
from services.status.store import Connection, settle, write_archive
from services.status.tracing import Folding
from shared.database import Pool, session
from shared.feed import FeedInterrupted, RawMessage, message_digest, open_feed, stream_state
from shared.metrics.definitions import PROJECTED
from shared.passing import PASSING
from shared.subjects import PROJECTOR, RUNS

log = structlog.get_logger(__name__)

#: Messages that one transaction takes at most.
LARGEST_BATCH = 1_000
#: Seconds before the next try after bus or database failed, and after the projection was stopped.
PAUSE = 0.2
STOPPED_PAUSE = 5.0


class Projector:
    def __init__(self, nc: Client, pool: Pool, progress: Progress, *, stream: str = RUNS) -> None:
        self._nc = nc
        self._pool = pool
        self._progress = progress
        self._stream = stream
        #: Held around each batch, and by a rebuild while it swaps its tables in.
        self.between_batches = asyncio.Lock()
        #: Set whenever dead letters were written.
        self.dead_letters = asyncio.Event()
        #: What the runs of the batches belong to.
        self.folding = Folding()
        self._projection: Projection | None = None
        self._checkpoint: Checkpoint | None = None

    async def run(self) -> None:
        """Project for as long as the process lives, or stand by."""
        while True:
            try:
                async with session(self._pool) as connection:
                    await self._lead(connection)
            except CheckpointMoved as error:
                log.warning("another process projects", error=str(error))
            except PASSING as error:
                log.warning("the projector begins again from its checkpoint", error=repr(error))
            except Exception:
                log.exception("the projector failed; it begins again from its checkpoint")
            finally:
                self._progress.resign()
            await asyncio.sleep(PAUSE)

    def forget(self) -> None:
        """The rows were replaced by a rebuild; call with `between_batches` held."""
        if self._projection is not None:
            self._projection.forget()

    async def _lead(self, connection: Connection) -> None:
        await connection.execute(
            "select pg_advisory_lock(hashtext('status-projector'), hashtext(current_schema()))"
        )
        await settle(connection)
        log.info("this process projects")
        while True:
            self._projection = Projection(connection)
            try:
                await self._follow(connection)
            except ProjectionStopped as stopped:
                log.error(
                    "the projection is stopped", cause=stopped.failure.cause, mend=stopped.failure.next_step
                )
                await note_stopped(connection, stopped.failure)
                self._progress.stop(stopped.failure)
                await asyncio.sleep(STOPPED_PAUSE)
            except (FeedInterrupted, NatsError) as error:
                log.info("the feed is opened again", cause=str(error))
                await asyncio.sleep(PAUSE)

    async def _follow(self, connection: Connection) -> None:
        state = await stream_state(self._nc, self._stream)
        checkpoint = await read_checkpoint(connection)
        if checkpoint is None:
            checkpoint = await begin_checkpoint(connection, self._stream, state)
        found = (
            await message_digest(self._nc, self._stream, checkpoint.sequence) if checkpoint.digest else None
        )
        self._checkpoint = checkpoint
        verify(checkpoint, state, found)
        await note_stopped(connection, None)
        self._progress.lead(checkpoint.sequence)
        self.dead_letters.set()
        partitions = Partitions(connection)
        async with open_feed(self._nc, PROJECTOR, self._stream, checkpoint.sequence + 1) as feed:
            while True:
                await self._project(connection, partitions, await feed.take(LARGEST_BATCH))

    async def _project(
        self, connection: Connection, partitions: Partitions, batch: Sequence[RawMessage]
    ) -> None:
        whole = contiguous(batch, self.position().sequence + 1)
        if whole:
            self.folding.begin()
            async with self.between_batches:
                await partitions.reach(whole[-1].sequence)
                assert self._projection is not None
                await self._projection.apply(whole, _Beside(self, connection))
        if len(whole) < len(batch):
            raise gap(self.position(), batch[len(whole)].sequence)

    def committed(self, checkpoint: Checkpoint, changes: Changes) -> None:
        """Take note of a committed batch."""
        self.folding.end()
        PROJECTED.inc(checkpoint.sequence - self.position().sequence)
        self._checkpoint = checkpoint
        self._progress.advance(
            checkpoint.sequence, (run.run_id for run in changes.runs.values() if run.state.final)
        )
        if changes.dead:
            self.dead_letters.set()

    def position(self) -> Checkpoint:
        """Where this process stands."""
        assert self._checkpoint is not None
        return self._checkpoint


class _Beside:
    """Archive and checkpoint go with the rows; whoever waits is told after the commit."""

    def __init__(self, projector: Projector, connection: Connection) -> None:
        self._projector = projector
        self._connection = connection
        self._moved: Checkpoint | None = None

    async def within(self, changes: Changes) -> None:
        assert changes.last is not None
        self._projector.folding.fold(changes)
        await write_archive(self._connection, changes)
        self._moved = await move_checkpoint(self._connection, self._projector.position(), changes.last)

    def after(self, changes: Changes) -> None:
        assert self._moved is not None
        self._projector.committed(self._moved, changes)


def contiguous(batch: Sequence[RawMessage], expected: int) -> Sequence[RawMessage]:
    """The part of `batch` before the first hole in the sequences, which begin at `expected`."""
    if batch[0].sequence == expected and batch[-1].sequence == expected + len(batch) - 1:
        return batch
    for place, message in enumerate(batch):
        if message.sequence != expected + place:
            return batch[:place]
    return batch
