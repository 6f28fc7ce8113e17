"""A run's attempts and timeline, told from its archived messages. Pure.

It goes through the same fold as the projection, so both agree on what was stale.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.status.core import Effect, apply
from services.status.gist import Gist, gist_of
from services.status.messages import decode
from services.status.rows import Changes, RunRow
from services.status.wording import clause, moment
from shared.commands import Attempt, TimelineEntry
from shared.events import (
    AttemptFailed,
    Called,
    CancelRequested,
    Decided,
    Due,
    Finished,
    Logged,
    Progressed,
    Recorded,
    Requested,
    RunEvent,
    Started,
    UnknownEvent,
)
from shared.feed import RawMessage
from shared.words import Decision, RunState

#: What an attempt ends with if its worker died: nobody says so before the next attempt, or the end.
CRASHED = "crashed"
_WORKER_CRASHED = "worker_crashed"


@dataclass(slots=True)
class Story:
    """What the messages of one run tell, beyond its row."""

    attempts: list[Attempt] = field(default_factory=list)
    timeline: list[TimelineEntry] = field(default_factory=list)
    #: Who asked for a cancel that had an effect.
    cancelled_by: str | None = None


class Shortened(NamedTuple):
    """A large message, as the archive keeps it in short."""

    sequence: int
    gist: Gist


def tell(messages: Iterable[RawMessage | Shortened]) -> Story:
    """The story of the run to which `messages` belong, in stream order."""
    story = Story()
    run: RunRow | None = None
    previous: RunEvent | UnknownEvent | None = None
    for raw in messages:
        if isinstance(raw, Shortened):
            story.timeline.append(_in_short(raw, run))
            previous = None
            continue
        message = decode(raw)
        event = message.event
        if message.run_id is None:
            continue
        if run is None:
            run = RunRow(message.run_id, message.job, raw.time, raw.sequence, raw.sequence)
        if event is None:
            words = "A message could not be read; it lies with the dead letters."
            story.timeline.append(_entry(raw, "undecodable", 0, words))
        elif isinstance(event, UnknownEvent):
            words = "An event of a type that this version does not know; it had no effect."
            story.timeline.append(_entry(raw, event.type, 0, words))
        elif isinstance(event, Recorded | Called | Logged):
            story.timeline.append(_in_short(Shortened(raw.sequence, gist_of(event)), run))
        else:
            stale = apply(run, event, raw.sequence, Changes()) is Effect.STALE
            if not stale:
                _attempts(story, event)
            if _continues(previous, event):
                story.timeline.pop()
            entry = _entry(raw, event.type, event.attempt, words_of(event, stale=stale), event=event)
            story.timeline.append(entry.model_copy(update={"stale": stale}))
        previous = event
    return story


def _entry(
    raw: RawMessage, type: str, attempt: int, words: str, event: RunEvent | None = None
) -> TimelineEntry:
    time = raw.time if event is None else event.time
    return TimelineEntry(sequence=raw.sequence, time=time, attempt=attempt, type=type, words=words)


def _in_short(message: Shortened, run: RunRow | None) -> TimelineEntry:
    gist = message.gist
    return TimelineEntry(
        sequence=message.sequence,
        time=gist.time,
        attempt=gist.attempt,
        type=gist.type,
        words=f"{gist.words}.",
        stale=run is not None and gist.attempt < run.attempt,
    )


def _continues(previous: Any, event: RunEvent) -> bool:
    """Of progress reports that follow each other only the last one is told."""
    return (
        isinstance(event, Progressed)
        and isinstance(previous, Progressed)
        and previous.attempt == event.attempt
    )


def _attempts(story: Story, event: RunEvent) -> None:
    attempts = story.attempts
    running = bool(attempts) and attempts[-1].outcome == RunState.RUNNING
    match event:
        case Started():
            if running:
                attempts[-1] = attempts[-1].model_copy(update={"outcome": CRASHED})
            attempts.append(
                Attempt(
                    attempt=event.attempt,
                    worker=event.worker,
                    started_at=event.time,
                    outcome=RunState.RUNNING,
                )
            )
        case AttemptFailed() if running:
            attempts[-1] = attempts[-1].model_copy(
                update={
                    "outcome": "failed" if event.counts else "handed_over",
                    "ended_at": event.time,
                    "failure": event.failure,
                    "next_attempt_at": event.next_attempt_at if event.counts else None,
                }
            )
        case Finished() if running:
            crashed = event.failure is not None and event.failure.code == _WORKER_CRASHED
            attempts[-1] = attempts[-1].model_copy(
                update={
                    "outcome": CRASHED if crashed else event.state,
                    "ended_at": None if crashed else event.time,
                    "failure": event.failure,
                }
            )
        case CancelRequested():
            story.cancelled_by = story.cancelled_by or event.principal
        case _:
            pass


_ENDS = {
    RunState.SUCCEEDED: "The run succeeded",
    RunState.PARTIALLY_FAILED: "The run ended, some records failed",
    RunState.FAILED: "The run failed",
    RunState.CANCELLED: "The run was cancelled",
    RunState.TIMED_OUT: "The run ran out of time",
    RunState.INTERRUPTED: "The run ended with an effect in doubt",
}


def words_of(event: RunEvent, *, stale: bool = False) -> str:
    """An event about the run itself as a sentence."""
    match event:
        case Requested():
            words = f"{event.principal} requested it ({event.trigger})"
        case Started():
            words = f"Attempt {event.attempt} started on {event.worker}"
            if event.crashes:
                words += "; the worker of the attempt before had died"
        case Progressed():
            of = f" of {event.total}" if event.total is not None else ""
            words = f"{event.done}{of} done" + (f": {clause(event.message)}" if event.message else "")
        case AttemptFailed():
            if event.counts:
                words = (
                    f"Attempt {event.attempt} failed: {clause(event.failure.cause)}."
                    f" The next one follows at {moment(event.next_attempt_at)}"
                )
            else:
                words = f"Attempt {event.attempt} was handed over: {clause(event.failure.cause)}"
        case CancelRequested():
            words = f"{event.principal} asked to cancel it"
            words += f": {clause(event.reason)}" if event.reason else ""
            words += ", after it had ended" if stale else ""
        case Due():
            words = f"The wait for attempt {event.attempt} was over"
        case Decided():
            answer = "happened" if event.decision is Decision.HAPPENED else "is to be done again"
            words = f"{event.principal} decided that {event.effect} {answer}: {clause(event.reason)}"
        case Finished():
            words = _ENDS.get(event.state, f"The run ended as {event.state}")
            words += f": {clause(event.failure.cause)}" if event.failure is not None else ""
            words += f". {clause(event.note)[:1].upper()}{clause(event.note)[1:]}" if event.note else ""
    return f"{words}."
