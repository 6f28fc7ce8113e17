"""The pure decisions of the engine: may this work item start an attempt, and how did an attempt end?"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import Failure
from shared.events import DoubtfulEffect
from shared.history import History
from shared.jobs import Job, Safe
from shared.words import Outcome, RunState

#: Attempts that may end without a word before the run is given up.
CRASHES_ALLOWED = 3
#: The longest wait before an attempt that a counterpart is granted.
LONGEST_WAIT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Start:
    """Begin attempt `attempt`."""

    attempt: int
    crashes: int


@dataclass(frozen=True, slots=True)
class Ignore:
    """Nothing to do for this work item; `why` goes to the log."""

    why: str


@dataclass(frozen=True, slots=True)
class Stale:
    """A later delivery of this work item is at work already: not a word, not even an acknowledgement."""


@dataclass(frozen=True, slots=True)
class End:
    """The run ends in `state`."""

    state: RunState
    failure: Failure | None = None
    note: str | None = None
    in_doubt: tuple[DoubtfulEffect, ...] = ()


@dataclass(frozen=True, slots=True)
class Again:
    """Another attempt follows at `at`."""

    failure: Failure
    at: datetime


def first_step(history: History, delivery: tuple[int, int]) -> Start | Ignore | Stale | End:
    """What a worker does that was handed a run's work item; `delivery` is its sequence and number.

    A worker that was paused finds deliveries in its socket that the server has long given to another.
    """
    if delivery[0] < history.delivery[0]:
        # Its worker died between parking the retry and acknowledging; it would come again for ever.
        return Ignore("a later work item of the run has been taken up")
    if history.delivery >= delivery:
        return Stale()
    if history.finished is not None:
        return Ignore(f"the run has ended: {history.finished.state}")
    if history.cancel is not None:
        return End(RunState.CANCELLED, note="cancelled before the next attempt began")
    if history.waiting is not None:
        return Ignore("the run waits for its retry; the scheduler holds it")
    crashes = history.crashes + history.open_attempt
    if crashes >= CRASHES_ALLOWED:
        return End(
            RunState.FAILED,
            Failure(
                code="worker_crashed",
                cause=f"{crashes} attempts ended without a word: their worker process died",
                next_step="Read the log of the service around the starts of the attempts; if memory ran out, "
                "give it more, or split the input. Then rerun.",
            ),
        )
    return Start(history.attempt + 1, crashes)


def after_success(counts: Counter[Outcome], in_doubt: list[DoubtfulEffect]) -> End:
    """The end of an attempt whose job ran to its last line."""
    failed, unknown = counts[Outcome.FAILED], counts[Outcome.UNKNOWN]
    if in_doubt or unknown:
        return End(RunState.INTERRUPTED, in_doubt=tuple(in_doubt))
    if failed == 0:
        return End(RunState.SUCCEEDED)
    if failed == counts.total():
        return End(RunState.FAILED, _records_failed(failed))
    return End(RunState.PARTIALLY_FAILED, _records_failed(failed))


def _records_failed(failed: int) -> Failure:
    return Failure(
        code="records_failed",
        cause=f"{failed} records failed" if failed > 1 else "1 record failed",
        next_step="Read the failed records: each names its cause and next step. Then rerun the failed ones.",
    )


def after_failure(
    job: Job, failure: Failure, counted_failures: int, now: datetime, in_doubt: list[DoubtfulEffect]
) -> End | Again:
    """The end of an attempt whose job raised. `counted_failures` are those before this one."""
    if in_doubt:
        return End(RunState.INTERRUPTED, failure, in_doubt=tuple(in_doubt))
    # What we do not understand is tried again only where a repetition does no harm.
    understood = failure.origin is None
    retryable = failure.retryable or (not understood and isinstance(job.repeat, Safe))
    used = counted_failures + 1
    if retryable and used < job.retry.attempts:
        asked = min(timedelta(seconds=failure.retry_after or 0), LONGEST_WAIT)
        return Again(failure, now + max(job.retry.backoff.wait_before(used + 1), asked))
    return End(RunState.FAILED, failure)


def after_stop(state: RunState, counts: Counter[Outcome], in_doubt: list[DoubtfulEffect], detail: str) -> End:
    """The end of an attempt that was cancelled or ran out of time: `state` says which."""
    handled = counts.total()
    done = f"{handled} record{'' if handled == 1 else 's'} handled before; they stay as they are"
    if in_doubt:
        return End(RunState.INTERRUPTED, note=f"{detail}; {done}", in_doubt=tuple(in_doubt))
    failure = None
    if state is RunState.TIMED_OUT:
        failure = Failure(
            code="timed_out",
            cause=detail,
            next_step="Rerun it; if it takes that long every time, ask the job's owner for a longer time-out "
            "or split the work.",
        )
    return End(state, failure, note=done)
