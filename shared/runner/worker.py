"""The run engine of a service: hands work items to attempts, and speaks to the run's stream for them.

Every word that decides something (`started`, `attempt_failed`, `finished`) is published on the condition
that nothing happened to the run since; a conflict is read, and answered with what it says.
"""

import asyncio
import functools
import os
import socket
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from nats.aio.msg import Msg

from shared import subjects
from shared.bus import Bus, Conflict, Stored
from shared.database import Pool
from shared.dead_letters import bury
from shared.errors import Failure
from shared.events import (
    AttemptFailed,
    Finished,
    Requested,
    RunEventBase,
    Started,
    Undecodable,
    decode_run_event,
    now,
)
from shared.history import History
from shared.jobs import Job
from shared.outbox import Relay, Superseded, raise_fence
from shared.pull import Delivery, PullLoop, SlotPool, Source
from shared.runner.attempt import STANDARD_PROVIDERS, Attempt, HandedOver, Provider, Stop
from shared.runner.context import RunContext
from shared.runner.sink import Sink
from shared.runner.steps import Again, End, Ignore, Stale, first_step
from shared.subjects import RunSubjects
from shared.words import Lane, RunState

log = structlog.get_logger(__name__)


#: Seconds between a conflict and the next try: a replica may answer a read before it has the message.
CONFLICT_PAUSE = 0.01


#: CPU-bound runs at work for each child process that may be.
CPU_RUNS = 2


class Overtaken(Exception):
    """A newer attempt has started: not another word, and no acknowledgement."""


class Worker:
    """Works off the runs of one service's jobs."""

    def __init__(
        self,
        bus: Bus,
        jobs: Mapping[str, Job],
        providers: Mapping[Any, Provider],
        *,
        pool: Pool | None = None,
        relay: Relay | None = None,
        slots: int,
        cpu_slots: int,
        ack_wait: float,
        cancel_grace: float,
    ) -> None:
        self._bus = bus
        self._jobs = jobs
        self._providers = {**STANDARD_PROVIDERS, **providers}
        self._pool = pool
        self._relay = relay
        self._cancel_grace = cancel_grace
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._attempts: dict[UUID, Attempt] = {}
        self._loops = [
            PullLoop(bus.nc, slot_pool, ack_wait=ack_wait)
            for slot_pool in (
                SlotPool("io", slots, self._sources(cpu_bound=False)),
                # More runs than children, which take turns: a short document does not wait for long ones.
                SlotPool("cpu", CPU_RUNS * cpu_slots, self._sources(cpu_bound=True)),
            )
            if slot_pool.sources
        ]

    def _sources(self, *, cpu_bound: bool) -> list[Source]:
        return [
            Source(
                subjects.RUNS,
                subjects.work_durable(job.id, lane),
                functools.partial(self._work_off, job),
                rank=1 if lane is Lane.BULK else 0,
            )
            for job in self._jobs.values()
            for lane in job.lanes
            if job.cpu_bound is cpu_bound
        ]

    async def run(self) -> None:
        """Until stopped; returns when every slot is empty."""
        services = {job.service for job in self._jobs.values()}
        for service in services:
            await self._bus.nc.subscribe(subjects.cancel_watch(service), cb=self._cancel)
        await asyncio.gather(*(loop.run() for loop in self._loops))

    def stop(self) -> None:
        """Take no more work, and hand over at once what is not finished."""
        for loop in self._loops:
            loop.stop()
        for attempt in self._attempts.values():
            attempt.stop(Stop.HANDOVER, grace=0.0)

    def reconnected(self) -> None:
        for loop in self._loops:
            loop.forget_requests()

    async def _cancel(self, msg: Msg) -> None:
        attempt = self._attempts.get(subjects.parse_run_subject(msg.subject).run_id)
        if attempt is not None:
            attempt.stop(Stop.CANCEL, grace=self._cancel_grace)

    async def _work_off(self, job: Job, delivery: Delivery) -> None:
        """One work item: decode, decide, start, perform, finish, acknowledge."""
        where = subjects.parse_run_subject(delivery.subject)
        run = RunSubjects(job.id, where.run_id)
        history = await self._history(run, delivery, where.kind)
        if history is None or history.request is None:
            await self._bury(delivery, history)
            return
        try:
            started = await self._start(run, history, delivery)
        except Overtaken:
            return
        except _Done as done:
            log.debug("a work item needs no attempt", run_id=str(run.run_id), why=str(done))
            await delivery.ack()
            return
        sequence, event = started
        attempt = self._attempt(job, history.request, event, sequence)
        lane = where.lane or Lane.INTERACTIVE
        self._attempts[run.run_id] = attempt
        try:
            await self._perform(attempt, run, history, delivery, lane)
        except (Overtaken, Superseded):
            log.info("an attempt was overtaken", run_id=str(run.run_id), attempt=event.attempt)
        finally:
            if self._attempts.get(run.run_id) is attempt:
                del self._attempts[run.run_id]

    async def _history(self, run: RunSubjects, delivery: Delivery, kind: str) -> History | None:
        """What happened to the run; None if its work item cannot be decoded."""
        try:
            event = decode_run_event(delivery.data)
        except Undecodable:
            return None
        if kind == "requested" and delivery.delivered == 1:
            if not isinstance(event, Requested) or event.run_id != run.run_id:
                return None
            # The usual case costs no read: nothing can have happened before the first delivery, and if
            # something did since (a cancel), the condition on `started` fails and the history is read.
            return History.of([Stored(delivery.subject, delivery.sequence, delivery.data, delivery.headers)])
        return History.of(await self._bus.read(subjects.RUNS, run.all))

    async def _bury(self, delivery: Delivery, history: History | None) -> None:
        reason = Failure(
            code="request_undecodable" if history is None else "request_missing",
            cause="the request of this run cannot be decoded"
            if history is None
            else "the request of this run is no longer in the stream",
            concern=delivery.subject,
            next_step="Read the payload; correct whoever sent it, and start the job again.",
        )
        await bury(
            self._bus,
            durable=delivery.durable,
            stream=subjects.RUNS,
            subject=delivery.subject,
            sequence=delivery.sequence,
            data=delivery.data,
            reason=reason,
        )
        log.error("a request went to the dead letters", subject=delivery.subject, code=reason.code)
        await delivery.term()

    async def _start(self, run: RunSubjects, history: History, delivery: Delivery) -> tuple[int, Started]:
        """Publish `started`; its sequence and the event. Raises `_Done` where nothing is to start, and
        `Overtaken` where another delivery is ahead."""
        while True:
            step = first_step(history, (delivery.sequence, delivery.delivered))
            if isinstance(step, Stale):
                raise Overtaken
            if isinstance(step, Ignore):
                raise _Done(step.why)
            event: RunEventBase
            if isinstance(step, End):
                event = _finished(run.run_id, history.attempt, step)
            else:
                event = Started(
                    run_id=run.run_id,
                    attempt=step.attempt,
                    worker=self._name,
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
            raise _Done(f"the run ended as {getattr(event, 'state', '')}")

    async def _fence_off_earlier_attempts(self, run: RunSubjects, history: History, attempt: int) -> None:
        """What an earlier attempt committed is published before this one starts, and it commits no more."""
        if self._pool is None or self._relay is None:
            return
        async with self._pool.acquire() as connection:
            await raise_fence(connection, run.run_id, attempt)
        await self._relay.flush(run.run_id)
        for message in await self._bus.read(subjects.RUNS, run.all, after=history.last_sequence):
            history.add(message)

    def _attempt(self, job: Job, request: Requested, event: Started, sequence: int) -> Attempt:
        context = RunContext(
            run_id=event.run_id,
            attempt=event.attempt,
            job=job.id,
            client=request.client,
            principal=request.effective_principal,
            about=tuple(request.about),
            only_records=frozenset(request.only_records) if request.only_records is not None else None,
            traceparent=request.traceparent,
        )
        sink = Sink(self._bus, context, sequence)
        return Attempt(job, context, self._bus, sink, self._pool, self._relay)

    async def _perform(
        self, attempt: Attempt, run: RunSubjects, history: History, delivery: Delivery, lane: Lane
    ) -> None:
        assert history.request is not None
        try:
            result = await attempt.perform(
                history.request, self._providers, history.counted_failures, grace=self._cancel_grace
            )
        except HandedOver:
            await self._hand_over(attempt, run, delivery)
            return
        number = attempt.context.attempt
        if isinstance(result, Again):
            failed = AttemptFailed(
                run_id=run.run_id, attempt=number, failure=result.failure, next_attempt_at=result.at
            )
            ordered = attempt.job.ordered
            await self._say_last_word(attempt, run, run.ev if ordered else run.attempt_failed(lane), failed)
            if ordered:
                await delivery.nak(max(0.1, (result.at - now()).total_seconds()))
                return
        else:
            await self._say_last_word(attempt, run, run.ev, _finished(run.run_id, number, result))
        await delivery.ack()

    async def _hand_over(self, attempt: Attempt, run: RunSubjects, delivery: Delivery) -> None:
        event = AttemptFailed(
            run_id=run.run_id,
            attempt=attempt.context.attempt,
            failure=Failure(
                code="worker_stopped",
                cause="the worker process was asked to stop",
                next_step="Nothing: another worker continues.",
                retryable=True,
            ),
            next_attempt_at=now(),
            counts=False,
        )
        await self._say_last_word(attempt, run, run.ev, event)
        await delivery.nak(0.1)

    async def _say_last_word(
        self, attempt: Attempt, run: RunSubjects, subject: str, event: AttemptFailed | Finished
    ) -> None:
        """Publish the end of an attempt, after everything that it said. Raises `Overtaken`."""
        await attempt.sink.flush()
        sequence = attempt.sink.sequence
        if attempt.wrote_rows and self._relay is not None:
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
        return run.ev, _finished(run.run_id, event.attempt, end)
    if isinstance(event, Finished) and event.state is not RunState.CANCELLED and event.note is None:
        return subject, event.model_copy(
            update={"note": "the cancel came too late: the job had done its work"}
        )
    return subject, event


def _finished(run_id: UUID, attempt: int, end: End) -> Finished:
    return Finished(
        run_id=run_id,
        attempt=attempt,
        state=end.state,
        failure=end.failure,
        note=end.note,
        in_doubt=list(end.in_doubt),
    )


class _Done(Exception):
    """Nothing is to start; the work item can be acknowledged."""
