"""The words that decide a run: `started`, and the end of an attempt.

Each is published on the condition that nothing happened to the run since; a conflict is read, and answered
with what it says (`docs/adr/0004-fences.md`).
"""

import asyncio
import os
import socket
from collections.abc import Set
from dataclasses import replace
from uuid import UUID

from shared import subjects
from shared.bus import Bus, BusUnavailable, Conflict
from shared.database import Pool
from shared.effects import doubt_open_effects
from shared.events import AttemptFailed, Finished, RunEventBase, Started
from shared.history import History
from shared.metrics.runs import run_ended
from shared.outbox import Relay, raise_fence
from shared.pull import Delivery
from shared.runner.attempt import Attempt
from shared.runner.sink import PATIENCE
from shared.runner.steps import End, Ignore, Stale, first_step
from shared.subjects import RunSubjects
from shared.telemetry.runs import given_up
from shared.words import RunState

#: Seconds between a conflict and the next try: a replica may answer a read before it has the message.
CONFLICT_PAUSE = 0.01
#: Seconds before a read is tried again while the bus is away.
AWAY_PAUSE = 0.5


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
        fenced_off = 0
        while True:
            step = first_step(history, (delivery.sequence, delivery.delivered))
            if isinstance(step, Stale):
                raise Overtaken
            if isinstance(step, Ignore):
                raise NothingToStart(step.why)
            if history.attempt > fenced_off:
                await self._fence_off_earlier_attempts(run, history)
                fenced_off = history.attempt
                # What was said meanwhile may have ended the run.
                continue
            event: RunEventBase
            if isinstance(step, End):
                step = await self._end_in_doubt(run, history, step)
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
            if isinstance(step, End) and history.request is not None:
                given_up(history.request, history.attempt, step)
                assert isinstance(event, Finished)
                run_ended(history.request, event)
            raise NothingToStart(f"the run ended as {getattr(event, 'state', '')}")

    async def _fence_off_earlier_attempts(self, run: RunSubjects, history: History) -> None:
        """What the attempts so far committed is published before the next word, and they commit no more."""
        if self._pool is None or self._relay is None:
            return
        async with self._pool.acquire() as connection:
            await raise_fence(connection, run.run_id, history.attempt + 1)
        await self._relay.flush(run.run_id)
        for message in await self._bus.read(subjects.RUNS, run.all, after=history.last_sequence):
            history.add(message)

    async def _end_in_doubt(self, run: RunSubjects, history: History, end: End) -> End:
        """An end without another attempt: effects that a crash left open are for a person to decide."""
        if self._pool is None or not history.attempt:
            return end
        in_doubt = await doubt_open_effects(self._pool, run.run_id)
        return replace(end, state=RunState.INTERRUPTED, in_doubt=in_doubt) if in_doubt else end

    async def end(
        self, attempt: Attempt, run: RunSubjects, subject: str, event: AttemptFailed | Finished
    ) -> AttemptFailed | Finished | None:
        """Publish the end of an attempt, after everything that it said; what was said, None where the run had
        ended before. Raises `Overtaken`."""
        await attempt.sink.flush()
        # Another attempt publishes the rows before it starts; the end of the run must come after them.
        if isinstance(event, Finished) and attempt.wrote_rows and self._relay is not None:
            await self._relay.flush(run.run_id)
        since = History(attempt=event.attempt, last_sequence=attempt.sink.started)
        # What this attempt said, it said without a condition: a newer one may have begun in between.
        unread = bool(attempt.sink.own) or attempt.wrote_rows
        while True:
            if unread:
                await self._read_on(run, since, attempt.sink.own)
                if str(event.id) in since.ids:
                    return event
                if since.finished is not None:
                    return None
                if since.attempt > event.attempt:
                    raise Overtaken
                if since.cancel is not None:
                    subject, event = _answer_cancel(run, subject, event)
            try:
                await self._bus.publish(
                    subject,
                    event.encode(),
                    expect_last=(run.all, since.last_sequence),
                    patience=PATIENCE,
                )
                return event
            except Conflict:
                unread = True
                await asyncio.sleep(CONFLICT_PAUSE)

    async def _read_on(self, run: RunSubjects, history: History, known: Set[int]) -> None:
        """Fold what was said after what `history` knows, a page at a time: runs may say a lot."""
        rest = True
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while rest:
            try:
                page, rest = await self._bus.read_page(subjects.RUNS, run.all, history.last_sequence + 1)
            except BusUnavailable:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(AWAY_PAUSE)
                continue
            for message in page:
                if message.sequence in known:
                    history.last_sequence = message.sequence
                else:
                    history.add(message)


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
