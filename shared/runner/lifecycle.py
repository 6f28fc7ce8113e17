"""The words that decide a run: `started`, and the end of an attempt.

Each is published on the condition that nothing happened to the run since; a conflict is read, and answered
with what it says (`docs/adr/0004-fences.md`).
"""

import asyncio
import os
import socket
from uuid import UUID

from shared import subjects
from shared.bus import Bus, Conflict
from shared.database import Pool
from shared.events import AttemptFailed, Finished, RunEventBase, Started
from shared.history import History
from shared.outbox import Relay, raise_fence
from shared.pull import Delivery
from shared.runner.attempt import Attempt
from shared.runner.steps import End, Ignore, Stale, first_step
from shared.subjects import RunSubjects
from shared.words import RunState

#: Seconds between a conflict and the next try: a replica may answer a read before it has the message.
CONFLICT_PAUSE = 0.01


class Overtaken(Exception):
    """A newer attempt has started: not another word, and no acknowledgement."""


class NothingToStart(Exception):
    """The work item asks for no attempt and can be acknowledged; the message says why."""


class Lifecycle:
    """What a worker says of the beginnings and ends of attempts."""

    def __init__(self, bus: Bus, pool: Pool | None, relay: Relay | None) -> None:
        self._bus = bus
        self._pool = pool
        self._relay = relay
        self._worker = f"{socket.gethostname()}:{os.getpid()}"

    async def start(self, run: RunSubjects, history: History, delivery: Delivery) -> tuple[int, Started]:
        """Publish `started`; its sequence and the event. Raises `NothingToStart`, and `Overtaken` where
        another delivery is ahead."""
        while True:
            step = first_step(history, (delivery.sequence, delivery.delivered))
            if isinstance(step, Stale):
                raise Overtaken
            if isinstance(step, Ignore):
                raise NothingToStart(step.why)
            event: RunEventBase
            if isinstance(step, End):
                event = finished(run.run_id, history.attempt, step)
            else:
                event = Started(
                    run_id=run.run_id,
                    attempt=step.attempt,
                    worker=self._worker,
                    crashes=step.crashes,
                    work_item=delivery.sequence,
                    delivery=delivery.delivered,
                )
                if step.attempt > 1:
                    await self._fence_off_earlier_attempts(run, history, step.attempt)
            try:
                sequence = await self._bus.publish(
                    run.ev,
                    event.encode(),
                    expect_last=(run.all, history.last_sequence),
                )
            except Conflict:
                for message in await self._bus.read(subjects.RUNS, run.all, after=history.last_sequence):
                    history.add(message)
                if str(event.id) not in history.ids:
                    await asyncio.sleep(CONFLICT_PAUSE)
                    continue
                sequence = history.last_sequence
            if isinstance(event, Started):
                return sequence, event
            raise NothingToStart(f"the run ended as {getattr(event, 'state', '')}")

    async def _fence_off_earlier_attempts(self, run: RunSubjects, history: History, attempt: int) -> None:
        """What an earlier attempt committed is published before this one starts, and it commits no more."""
        if self._pool is None or self._relay is None:
            return
        async with self._pool.acquire() as connection:
            await raise_fence(connection, run.run_id, attempt)
        await self._relay.flush(run.run_id)
        for message in await self._bus.read(subjects.RUNS, run.all, after=history.last_sequence):
            history.add(message)

    async def end(
        self, attempt: Attempt, run: RunSubjects, subject: str, event: AttemptFailed | Finished
    ) -> None:
        """Publish the end of an attempt, after everything that it said. Raises `Overtaken`."""
        await attempt.sink.flush()
        sequence = attempt.sink.sequence
        # Another attempt publishes the rows before it starts; the end of the run must come after them.
        if isinstance(event, Finished) and attempt.wrote_rows and self._relay is not None:
            sequence = max(sequence, await self._relay.flush(run.run_id))
        while True:
            try:
                await self._bus.publish(subject, event.encode(), expect_last=(run.all, sequence))
                return
            except Conflict:
                between = History()
                for message in await self._bus.read(subjects.RUNS, run.all, after=sequence):
                    between.add(message)
            if str(event.id) in between.ids or between.finished is not None:
                return
            if between.attempt > event.attempt:
                raise Overtaken
            await asyncio.sleep(CONFLICT_PAUSE)
            sequence = max(sequence, between.last_sequence)
            if between.cancel is not None:
                subject, event = _answer_cancel(run, subject, event)


def _answer_cancel(
    run: RunSubjects, subject: str, event: AttemptFailed | Finished
) -> tuple[str, AttemptFailed | Finished]:
    """A cancel came while the end was being said: a retry does not happen, a real end stays."""
    if isinstance(event, AttemptFailed) and event.counts:
        end = End(RunState.CANCELLED, event.failure, "cancelled instead of tried again")
        return run.ev, finished(run.run_id, event.attempt, end)
    if isinstance(event, Finished) and event.state is not RunState.CANCELLED and event.note is None:
        return subject, event.model_copy(
            update={"note": "the cancel came too late: the job had done its work"}
        )
    return subject, event


def finished(run_id: UUID, attempt: int, end: End) -> Finished:
    """The event for an end that was decided."""
    return Finished(
        run_id=run_id,
        attempt=attempt,
        state=end.state,
        failure=end.failure,
        note=end.note,
        in_doubt=list(end.in_doubt),
    )
