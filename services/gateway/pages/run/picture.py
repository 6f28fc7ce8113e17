"""The course of a run as a picture: when it waited, worked, and called outside. Pure.

Lengths are shares of the width, 0 to `WIDTH`; the page stretches the picture and writes the words itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Literal

from shared.commands import Attempt, CallRow, RunDetail

WIDTH = 1000.0
#: So much is seen of whatever was there at all.
NARROWEST = 3.0
#: An expected end further away than so many times what has passed is said, not drawn.
FURTHEST = 4.0

Sort = Literal["queued", "attempt", "wait"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time between request and end."""

    sort: Sort
    x: float
    width: float
    #: Seconds; None where nobody knows when it ended.
    seconds: float | None
    #: Of an attempt: its number and what became of it.
    attempt: int = 0
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """One external call."""

    x: float
    width: float
    outcome: str
    words: str


@dataclass(frozen=True, slots=True)
class Picture:
    segments: Sequence[Segment]
    calls: Sequence[Mark]
    #: Where the end was expected, if it lies in the picture.
    expected: float | None
    #: Where the run ended, or is now.
    end: float
    begins: datetime
    ends: datetime
    #: Calls that are not drawn.
    more_calls: int


def picture_of(run: RunDetail, calls: Sequence[CallRow], now: datetime) -> Picture:
    """`calls`: the first of them, in their order. `now` ends what has not ended."""
    begins = run.requested_at
    ends = max(run.finished_at or now, begins)
    expected = _expected_end(run)
    right = ends
    if expected is not None and (expected - begins) <= FURTHEST * (ends - begins):
        right = max(ends, expected)
    else:
        expected = None
    whole = max((right - begins).total_seconds(), 0.001)

    def place(moment: datetime) -> float:
        seconds = (moment - begins).total_seconds()
        return round(min(max(seconds / whole, 0.0), 1.0) * WIDTH, 1)

    def stretch(start: datetime, end: datetime) -> tuple[float, float]:
        """Where it begins, and how wide it is drawn."""
        x = min(place(start), WIDTH - NARROWEST)
        return x, round(max(place(end) - x, NARROWEST), 1)

    segments: list[Segment] = []
    first = run.attempts[0].started_at if run.attempts else ends
    if first > begins:
        segments.append(Segment("queued", *stretch(begins, first), (first - begins).total_seconds()))
    for attempt, after in zip_longest(run.attempts, run.attempts[1:]):
        began_again = after.started_at if after else ends
        stopped = attempt.ended_at or began_again
        known = attempt.ended_at is not None or attempt.outcome == "running"
        segments.append(
            Segment(
                "attempt",
                *stretch(attempt.started_at, stopped),
                (stopped - attempt.started_at).total_seconds() if known else None,
                attempt.attempt,
                attempt.outcome,
            )
        )
        if _waited(attempt, after, run):
            segments.append(Segment("wait", *stretch(stopped, began_again), _seconds(stopped, began_again)))
    return Picture(
        segments=segments,
        calls=[
            Mark(*stretch(call.started_at, _end_of(call)), call.outcome, f"{call.system}: {call.operation}")
            for call in calls
        ],
        expected=None if expected is None else place(expected),
        end=place(ends),
        begins=begins,
        ends=right,
        more_calls=max(0, run.calls - len(calls)),
    )


def _expected_end(run: RunDetail) -> datetime | None:
    if run.expected_runtime is None:
        return None
    return (run.started_at or run.requested_at) + timedelta(seconds=run.expected_runtime)


def _waited(attempt: Attempt, after: Attempt | None, run: RunDetail) -> bool:
    """Whether time passed after the attempt in which nobody worked."""
    if attempt.ended_at is None:
        return False
    if after is not None or not run.state.final:
        return True
    return run.finished_at is not None and attempt.ended_at < run.finished_at


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())


def _end_of(call: CallRow) -> datetime:
    return call.started_at + timedelta(milliseconds=call.duration_ms)
