"""The run engine of a service: work items come in, attempts are made of them, and their ends are told."""

import asyncio
import functools
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from nats.aio.msg import Msg

from shared import subjects
from shared.bus import Bus, BusUnavailable, Stored
from shared.database import Pool
from shared.dead_letters import bury_delivery, subject_unreadable
from shared.effects import effect_slots
from shared.errors import Failure
from shared.events import (
    AttemptFailed,
    Requested,
    Started,
    Undecodable,
    decode_run_event,
    now,
)
from shared.history import History
from shared.jobs import Job
from shared.metrics.runs import attempt_at_work as measured
from shared.metrics.runs import attempt_ended, attempt_handed_over, tell_jobs
from shared.outbox import Relay, Superseded
from shared.pull import Delivery, PullLoop, SlotPool, Source
from shared.runner.attempt import STANDARD_PROVIDERS, Attempt, HandedOver, Provider, Stop
from shared.runner.context import RunContext
from shared.runner.lifecycle import Lifecycle, NothingToStart, Overtaken, finished
from shared.runner.sink import Sink
from shared.runner.steps import Again
from shared.subjects import RunSubjects
from shared.telemetry.context import traceparent_at_hand
from shared.telemetry.runs import AttemptSpan, attempt_at_work
from shared.words import Lane

log = structlog.get_logger(__name__)


#: CPU-bound runs at work for each child process that may be.
CPU_RUNS = 2

#: Seconds between looks whether the attempt that a repeated request found at work has ended.
BESIDE_PAUSE = 0.02


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
        self._effect_slots = effect_slots(pool) if pool is not None else None
        self._cancel_grace = cancel_grace
        self._lifecycle = Lifecycle(bus, pool, relay)
        #: Runs at work here; None while `started` is on its way.
        self._attempts: dict[UUID, Attempt | None] = {}
        #: Those of them whose cancel came before their attempt did.
        self._cancelled_early: set[UUID] = set()
        self._stopping = False
        self._catching_up: asyncio.Task[None] | None = None
        slot_pools = [
            slot_pool
            for slot_pool in (
                SlotPool("io", slots, self._sources(cpu_bound=False)),
                # More runs than children, which take turns: a short document does not wait for long ones.
                SlotPool("cpu", CPU_RUNS * cpu_slots, self._sources(cpu_bound=True)),
            )
            if slot_pool.sources
        ]
        tell_jobs(jobs.values(), slot_pools)
        self._loops = [PullLoop(bus.nc, slot_pool, ack_wait=ack_wait) for slot_pool in slot_pools]

    def _sources(self, *, cpu_bound: bool) -> list[Source]:
        return [
            Source(
                subjects.RUNS,
                subjects.work_durable(job.id, lane),
                functools.partial(self._work_off, job),
                rank=1 if lane is Lane.BULK else 0,
                limit=job.limit,
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
        self._stopping = True
        for loop in self._loops:
            loop.stop()
        for attempt in self._attempts.values():
            if attempt is not None:
                attempt.stop(Stop.HANDOVER, grace=0.0)

    def reconnected(self) -> None:
        for loop in self._loops:
            loop.forget_requests()
        self._catching_up = asyncio.create_task(self._hear_missed_cancels())

    async def _hear_missed_cancels(self) -> None:
        """Cancels come by core NATS, which tells nobody who is away; they lie in the stream."""
        for run_id, attempt in list(self._attempts.items()):
            if attempt is not None:
                where = RunSubjects(attempt.job.id, run_id).cancel_requested
                try:
                    cancelled = await self._bus.read(subjects.RUNS, where)
                except BusUnavailable as error:
                    log.debug("away again; missed cancels are read after the next reconnect", why=str(error))
                    return
                if cancelled:
                    attempt.stop(Stop.CANCEL, grace=self._cancel_grace)

    async def _cancel(self, msg: Msg) -> None:
        run_id = subjects.parse_run_subject(msg.subject).run_id
        if run_id not in self._attempts:
            return
        attempt = self._attempts[run_id]
        if attempt is None:
            self._cancelled_early.add(run_id)
        else:
            attempt.stop(Stop.CANCEL, grace=self._cancel_grace)

    async def _work_off(self, job: Job, delivery: Delivery) -> None:
        """One work item, alone: a second attempt beside the first helps nobody."""
        try:
            run_id = subjects.parse_run_subject(delivery.subject).run_id
        except ValueError as error:
            await bury_delivery(self._bus, subjects.RUNS, delivery, subject_unreadable(delivery, error))
            return
        while run_id in self._attempts:  # noqa: ASYNC110  (an event per run would cost each run something)
            # The bus was away for so long that it gives the request out again.
            await asyncio.sleep(BESIDE_PAUSE)
        if self._stopping:
            await delivery.nak(0.1)
            return
        self._attempts[run_id] = None
        try:
            await self._decide_and_perform(job, delivery)
        except (Overtaken, Superseded):
            log.info("an attempt was overtaken", run_id=str(run_id))
        finally:
            del self._attempts[run_id]
            self._cancelled_early.discard(run_id)

    async def _decide_and_perform(self, job: Job, delivery: Delivery) -> None:
        """Decode, decide, start, perform, finish, acknowledge."""
        began = time.time_ns()
        where = subjects.parse_run_subject(delivery.subject)
        run = RunSubjects(job.id, where.run_id)
        history = await self._history(run, delivery, where.kind)
        if history is None or history.request is None:
            await bury_delivery(self._bus, subjects.RUNS, delivery, _unreadable(delivery, history))
            return
        try:
            sequence, event = await self._lifecycle.start(run, history, delivery)
        except NothingToStart as done:
            log.debug("a work item needs no attempt", run_id=str(run.run_id), why=str(done))
            await delivery.ack()
            return
        lane = where.lane or Lane.INTERACTIVE
        with attempt_at_work(history.request, event, delivery, due=where.kind == "due", began=began) as span:
            attempt = self._attempt(job, history.request, event, sequence, lane)
            self._attempts[run.run_id] = attempt
            if run.run_id in self._cancelled_early or history.cancel is not None:
                attempt.stop(Stop.CANCEL, grace=self._cancel_grace)
            if self._stopping:
                attempt.stop(Stop.HANDOVER, grace=0.0)
            with measured(history.request, event, lane):
                await self._perform(attempt, run, history, delivery, lane, span)

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

    def _attempt(self, job: Job, request: Requested, event: Started, sequence: int, lane: Lane) -> Attempt:
        context = RunContext(
            run_id=event.run_id,
            attempt=event.attempt,
            job=job.id,
            client=request.client,
            principal=request.effective_principal,
            about=tuple(request.about),
            only_records=frozenset(request.only_records) if request.only_records is not None else None,
            traceparent=traceparent_at_hand() or request.traceparent,
            dry_run=request.dry_run,
            interactive=lane is Lane.INTERACTIVE,
        )
        sink = Sink(self._bus, context, sequence)
        return Attempt(job, context, self._bus, sink, self._pool, self._relay, self._effect_slots)

    async def _perform(
        self,
        attempt: Attempt,
        run: RunSubjects,
        history: History,
        delivery: Delivery,
        lane: Lane,
        span: AttemptSpan,
    ) -> None:
        assert history.request is not None
        try:
            result = await attempt.perform(
                history.request, self._providers, history.counted_failures, grace=self._cancel_grace
            )
        except HandedOver:
            span.handed_over()
            attempt_handed_over(attempt.job.id)
            await self._hand_over(attempt, run, delivery)
            return
        number = attempt.context.attempt
        span.ended(result)
        if isinstance(result, Again):
            failed = AttemptFailed(
                run_id=run.run_id, attempt=number, failure=result.failure, next_attempt_at=result.at
            )
            ordered = attempt.job.ordered
            subject = run.ev if ordered else run.attempt_failed(lane)
            told = await self._lifecycle.end(attempt, run, subject, failed)
            if ordered:
                if told is not None:
                    attempt_ended(history.request, told)
                await delivery.nak(max(0.1, (result.at - now()).total_seconds()))
                return
        else:
            told = await self._lifecycle.end(attempt, run, run.ev, finished(run.run_id, number, result))
        if told is not None:
            attempt_ended(history.request, told)
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
        await self._lifecycle.end(attempt, run, run.ev, event)
        await delivery.nak(0.1)


def _unreadable(delivery: Delivery, history: History | None) -> Failure:
    if history is None:
        code, cause = "request_undecodable", "the request of this run cannot be decoded"
    else:
        code, cause = "request_missing", "the request of this run is no longer in the stream"
    return Failure(
        code=code,
        cause=cause,
        concern=delivery.subject,
        next_step="Read the payload; correct whoever sent it, and start the job again.",
    )
