"""Bus in, bus out: retries are held until they are due, cancels of runs that nobody works on end them."""

import asyncio

from services.scheduler.core import may_cancel_at_once, still_parked
from shared import subjects
from shared.bus import Bus, Conflict
from shared.dead_letters import bury_delivery, subject_unreadable
from shared.errors import Failure
from shared.events import AttemptFailed, Due, Finished, Undecodable, decode_run_event, now
from shared.history import History
from shared.metrics.definitions import RUNS_FINISHED
from shared.pull import Delivery
from shared.runner.lifecycle import CONFLICT_PAUSE
from shared.subjects import RunSubjects
from shared.words import Lane, RunState


class RunWatch:
    """The scheduler's two durables on RUNS."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def release_retry_when_due(self, delivery: Delivery) -> None:
        """Hold a parked retry until its time, then publish `due`: once, whoever is killed when."""
        try:
            failed = decode_run_event(delivery.data)
        except Undecodable:
            failed = None
        try:
            where = subjects.parse_run_subject(delivery.subject)
        except ValueError as error:
            await bury_delivery(self._bus, subjects.RUNS, delivery, subject_unreadable(delivery, error))
            return
        if not isinstance(failed, AttemptFailed):
            await bury_delivery(self._bus, subjects.RUNS, delivery, _unreadable(delivery))
            return
        wait = (failed.next_attempt_at - now()).total_seconds()
        if wait > 0:
            await delivery.nak(wait)
            return
        run = RunSubjects(where.job, where.run_id)
        due = Due(run_id=where.run_id, attempt=failed.attempt + 1)
        expected = delivery.sequence
        while True:
            try:
                await self._bus.publish(
                    run.due(where.lane or Lane.INTERACTIVE),
                    due.encode(),
                    expect_last=(run.all, expected),
                )
                break
            except Conflict:
                history = await self._history(run)
            if str(due.id) in history.ids or not still_parked(failed, history):
                break
            expected = history.last_sequence
            await asyncio.sleep(CONFLICT_PAUSE)
        await delivery.ack()

    async def end_cancelled_run(self, delivery: Delivery) -> None:
        """A queued or waiting run that is cancelled ends at once; a running one is its worker's."""
        try:
            where = subjects.parse_run_subject(delivery.subject)
        except ValueError as error:
            await bury_delivery(self._bus, subjects.RUNS, delivery, subject_unreadable(delivery, error))
            return
        run = RunSubjects(where.job, where.run_id)
        while True:
            history = await self._history(run)
            if not may_cancel_at_once(history):
                break
            finished = Finished(
                run_id=run.run_id,
                attempt=history.attempt,
                state=RunState.CANCELLED,
                note="cancelled while no attempt was at work",
            )
            try:
                await self._bus.publish(
                    run.ev,
                    finished.encode(),
                    expect_last=(run.all, history.last_sequence),
                )
                RUNS_FINISHED.labels(where.job, finished.state).inc()
                break
            except Conflict:
                await asyncio.sleep(CONFLICT_PAUSE)
        await delivery.ack()

    async def _history(self, run: RunSubjects) -> History:
        return History.of(await self._bus.read(subjects.RUNS, run.all))


def _unreadable(delivery: Delivery) -> Failure:
    return Failure(
        code="retry_undecodable",
        cause="a parked retry cannot be decoded",
        concern=delivery.subject,
        next_step="Read the payload; start the job again.",
    )
