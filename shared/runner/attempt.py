"""One attempt of a run: the job's function with everything that it asked for, until it ends or is stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from enum import Enum
from typing import Any, cast

import structlog
from pydantic import ValidationError

from shared.bus import Bus
from shared.clients.breakers import Breakers
from shared.database import Pool
from shared.effects import Effects
from shared.errors import Failure, failure_of, wrong_fields
from shared.events import DoubtfulEffect, Requested, now
from shared.jobs import Job, ReadOnly
from shared.outbox import Outbox, Relay, Superseded
from shared.runner.context import Calls, Progress, RunContext, RunLog
from shared.runner.dry_run import not_supported
from shared.runner.read_only import check_reads_only
from shared.runner.sink import Sink
from shared.runner.steps import Again, End, after_failure, after_stop, after_success
from shared.words import RunState

log = structlog.get_logger(__name__)


class Stop(Enum):
    """Why an attempt is to end before its job does."""

    CANCEL = "cancel"
    TIMEOUT = "timeout"
    #: The worker process was asked to stop: the work goes to another.
    HANDOVER = "handover"


class HandedOver(Exception):
    """The attempt was broken off so that another worker takes the run."""


class Attempt:
    """What service providers are made from, and what a stop acts on."""

    def __init__(
        self,
        job: Job,
        context: RunContext,
        bus: Bus,
        sink: Sink,
        pool: Pool | None,
        relay: Relay | None,
        effect_slots: asyncio.Semaphore | None,
    ) -> None:
        self.job = job
        self.context = context
        self.bus = bus
        self.sink = sink
        self._pool = pool
        self._relay = relay
        self._effect_slots = effect_slots
        self._outbox: Outbox | None = None
        self._effects: Effects | None = None
        self._stop: Stop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._ended = False
        self._timers: list[asyncio.TimerHandle] = []
        self.log = RunLog(context, sink.line)
        reach = Breakers(pool, relay, job.service) if pool is not None and relay is not None else None
        self.calls = Calls(sink.call, reach)
        self.progress = Progress(sink.progress)

    @property
    def outbox(self) -> Outbox:
        """Rows, outcomes and events in one transaction, bound to this attempt."""
        if self._outbox is None:
            if self._pool is None or self._relay is None:
                raise RuntimeError(f"service {self.job.service} has no database, so no outbox")
            self._outbox = Outbox(self._pool, self._relay, self.context)
        return self._outbox

    @property
    def wrote_rows(self) -> bool:
        """Whether outcomes may lie in the outbox."""
        return self._outbox is not None

    @property
    def effects(self) -> Effects:
        if self._effects is None:
            if self._pool is None or self._effect_slots is None:
                raise RuntimeError(f"service {self.job.service} has no database, so no effect ledger")
            self._effects = Effects(self._pool, self.context, self._effect_slots)
        return self._effects

    @property
    def in_doubt(self) -> list[DoubtfulEffect]:
        return self._effects.in_doubt if self._effects else []

    def stop(self, reason: Stop, *, grace: float) -> None:
        """End at the next `yield`; after `grace` seconds wherever it is. Without effect once it has ended.

        The first reason counts, but a process that has to stop waits for no other reason's grace.
        """
        if self._ended or (self._stop is not None and reason is not Stop.HANDOVER):
            return
        self._stop = self._stop or reason
        self._timers.append(asyncio.get_running_loop().call_later(grace, self._break_off))

    def _break_off(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def perform(
        self, request: Requested, providers: "Mapping[Any, Provider]", counted_failures: int, *, grace: float
    ) -> End | Again:
        """Run the job to its end. Raises `HandedOver` and `Superseded`; everything else is an outcome."""
        if request.dry_run and not self.job.dry_run:
            return End(RunState.FAILED, not_supported(self.job.id))
        try:
            parameters = self.job.parameters.model_validate(request.parameters)
        except ValidationError as error:
            return End(RunState.FAILED, parameters_invalid(self.job.id, error))
        self._task = asyncio.current_task()
        timeout = asyncio.get_running_loop().call_later(
            self.job.timeout.total_seconds(), lambda: self.stop(Stop.TIMEOUT, grace=grace)
        )
        self._timers.append(timeout)
        try:
            if self._stop is not None:
                # Asked to while `started` was on its way.
                return self._stopped()
            filled_in = {name: getattr(parameters, name) for name in self.job.parameters.model_fields}
            stopped = await self._drive(filled_in, providers)
        except asyncio.CancelledError as error:
            if self._task is None or (self._stop is None and self._task.cancelling()):
                raise
            if self._stop is None:
                # Nobody cancelled us: the job awaited something that was.
                return self._failed(error, counted_failures)
            self._task.uncancel()
            stopped = True
        except Superseded:
            raise
        except Exception as error:
            if self._stop is Stop.HANDOVER:
                # Whatever the job made of being broken off.
                raise HandedOver from error
            return self._failed(error, counted_failures)
        finally:
            self._task, self._ended = None, True
            for timer in self._timers:
                timer.cancel()
        if not stopped:
            end = after_success(self.sink.counts, self.in_doubt)
            if self._stop is Stop.CANCEL:
                return End(end.state, end.failure, "the cancel came too late: the job had done its work")
            return end
        return self._stopped()

    def _failed(self, error: BaseException, counted_failures: int) -> End | Again:
        log.warning("an attempt failed", job=self.job.id, run_id=str(self.context.run_id), exc_info=error)
        return after_failure(self.job, failure_of(error), counted_failures, now(), self.in_doubt)

    async def _drive(self, parameters: dict[str, Any], providers: "Mapping[Any, Provider]") -> bool:
        """Take what the job yields; whether it was stopped before its end."""
        async with AsyncExitStack() as stack:
            for name, wanted in self.job.provided.items():
                provided = providers[wanted](self)
                if isinstance(provided, AbstractAsyncContextManager):
                    provided = await stack.enter_async_context(provided)
                parameters[name] = provided
            # An async generator function: `aclosing` runs its `finally` blocks when we leave early.
            records = cast(Any, self.job.function(**parameters))
            await stack.enter_async_context(aclosing(records))
            async for item in cast(AsyncIterator[Any], records):
                if isinstance(self.job.repeat, ReadOnly):
                    check_reads_only(self.job.id, item)
                self.sink.records(item)
                if self.sink.behind:
                    await self.sink.catch_up()
                if self._stop is not None:
                    return True
            return False

    def _stopped(self) -> End:
        match self._stop:
            case Stop.HANDOVER:
                raise HandedOver
            case Stop.TIMEOUT:
                limit = f"{self.job.timeout.total_seconds():g} s"
                return after_stop(
                    RunState.TIMED_OUT,
                    self.sink.counts,
                    self.in_doubt,
                    f"the time-out of {limit} was reached",
                )
            case _:
                return after_stop(RunState.CANCELLED, self.sink.counts, self.in_doubt, "cancelled")


#: Makes what a job asked for, for one attempt. A result that is an async context manager is entered.
Provider = Callable[[Attempt], Any]

#: What every service provides.
STANDARD_PROVIDERS: dict[Any, Provider] = {
    RunContext: lambda attempt: attempt.context,
    Progress: lambda attempt: attempt.progress,
    RunLog: lambda attempt: attempt.log,
    Calls: lambda attempt: attempt.calls,
    Effects: lambda attempt: attempt.effects,
    Outbox: lambda attempt: attempt.outbox,
}


def parameters_invalid(job: str, error: ValidationError) -> Failure:
    """The failure for parameters that the job's model refuses, each wrong field named."""
    return Failure(
        code="parameters_invalid",
        cause=wrong_fields(error),
        concern=job,
        next_step="Correct the parameters and start the job again.",
    )
