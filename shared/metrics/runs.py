"""What the run engine counts: waits, attempts and ends of the runs of one process."""

import functools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from shared.events import AttemptFailed, Finished, Requested, Started
from shared.jobs import Job
from shared.metrics.definitions import (
    AT_WORK,
    ATTEMPT_DURATION,
    ATTEMPTS,
    LIMIT,
    QUEUE_WAIT,
    RUN_DURATION,
    RUNS_FINISHED,
    SLOTS,
    SLOTS_USED,
)
from shared.pull import SlotPool
from shared.words import Lane, RunState


def tell_jobs(jobs: Iterable[Job], pools: Iterable[SlotPool]) -> None:
    """From the start on: what has not happened yet counts 0, or its first time would be no increase."""
    for job in jobs:
        for state in RunState:
            if state.final:
                RUNS_FINISHED.labels(job.id, state)
        AT_WORK.labels(job.id)
        if job.limit is not None:
            LIMIT.labels(job.id).set(job.limit)
    for pool in pools:
        SLOTS.labels(pool.name).set(pool.slots)
        SLOTS_USED.labels(pool.name).set_function(functools.partial(_active, pool))


@contextmanager
def attempt_at_work(request: Requested, started: Started, lane: Lane) -> Iterator[None]:
    """Around one attempt."""
    if started.attempt == 1:
        QUEUE_WAIT.labels(request.job, lane).observe(_seconds(request.time, started.time))
    with AT_WORK.labels(request.job).track_inprogress(), ATTEMPT_DURATION.labels(request.job).time():
        yield


def attempt_handed_over(job: str) -> None:
    ATTEMPTS.labels(job, "handed_over").inc()


def attempt_ended(request: Requested, told: AttemptFailed | Finished) -> None:
    """The end of an attempt is stored, and with `Finished` that of its run."""
    if isinstance(told, Finished):
        ATTEMPTS.labels(request.job, told.state).inc()
        run_ended(request, told)
    else:
        ATTEMPTS.labels(request.job, RunState.WAITING).inc()


def run_ended(request: Requested, told: Finished) -> None:
    RUNS_FINISHED.labels(request.job, told.state).inc()
    RUN_DURATION.labels(request.job).observe(_seconds(request.time, told.time))


def _seconds(since: datetime, until: datetime) -> float:
    """Clocks of two machines differ: never negative."""
    return max(0.0, (until - since).total_seconds())


def _active(pool: SlotPool) -> float:
    return pool.active
