"""How far the projection is, for those who wait for it.

In the process that projects, it is told after every commit; a replica that stands by reads the checkpoint.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from shared.database import Pool
from shared.errors import Failure, TagwerkError

#: Seconds that a query waits for the sequence that its caller has seen.
PATIENCE = 2.0
#: Seconds between two looks at the checkpoint by a replica that stands by.
STANDBY_LOOK = 0.02


class Progress:
    def __init__(self, pool: Pool, tell: Callable[[Failure | None], None] = lambda _: None) -> None:
        """`tell` hears why the projection is stopped, or None when it goes on."""
        self._pool = pool
        self._tell = tell
        #: Whether this process projects.
        self.leading = False
        #: Last sequence of RUNS that is projected.
        self.sequence = 0
        #: Why the projection does not go on, if it does not.
        self.stopped: Failure | None = None
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._watching: dict[UUID, set[asyncio.Event]] = {}

    def lead(self, sequence: int) -> None:
        """This process projects from now on, and stands at `sequence`."""
        self.leading = True
        self.stop(None)
        self.advance(sequence, ())

    def resign(self) -> None:
        self.leading = False

    def stop(self, failure: Failure | None) -> None:
        """The projection cannot go on, and says why; or it goes on (None)."""
        if failure != self.stopped:
            self.stopped = failure
            self._tell(failure)

    def advance(self, sequence: int, ended: Iterable[UUID]) -> None:
        """Everything up to `sequence` is committed; the runs `ended` have a final state."""
        self.sequence = sequence
        while self._waiting and self._waiting[0][0] <= sequence:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)
        if self._watching:
            for run_id in ended:
                for event in self._watching.get(run_id, ()):
                    event.set()

    async def reach(self, sequence: int) -> None:
        """Wait until `sequence` is projected. Raises `projection_behind` or `projection_stopped`."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            if not self.leading:
                await self._look()
            if self.stopped is not None:
                raise _stopped(self.stopped)
            if self.sequence >= sequence:
                return
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise _behind(sequence, self.sequence)
            await self._wait(sequence, min(left, 0.25 if self.leading else STANDBY_LOOK))

    @contextmanager
    def watch(self, run_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set when the run ends, if this process projects it."""
        event = asyncio.Event()
        self._watching.setdefault(run_id, set()).add(event)
        try:
            yield event
        finally:
            watchers = self._watching[run_id]
            watchers.discard(event)
            if not watchers:
                del self._watching[run_id]

    async def _wait(self, sequence: int, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (sequence, next(self._order), future))
        await asyncio.wait([future], timeout=seconds)
        future.cancel()

    async def _look(self) -> None:
        row = await self._pool.fetchrow("select sequence, stopped from checkpoint")
        if self.leading:
            # Became so in the meantime, and knows better.
            return
        stopped = None if row is None else row["stopped"]
        self.stop(None if stopped is None else Failure.model_validate_json(stopped))
        self.advance(0 if row is None else row["sequence"], ())


def _behind(wanted: int, reached: int) -> TagwerkError:
    return TagwerkError(
        "projection_behind",
        f"the projection has reached sequence {reached} of RUNS, {wanted} was asked for",
        concern="status",
        next_step="Ask again in a moment; if it stays behind, look at the log of the status service.",
        retryable=True,
    )


def _stopped(failure: Failure) -> TagwerkError:
    return TagwerkError(
        failure.code, failure.cause, concern=failure.concern, next_step=failure.next_step, retryable=False
    )
