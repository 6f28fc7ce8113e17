"""What to do about occurrences that have come due: start, skip, miss. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.commands.schedules import Planned, ScheduleRule
from shared.words import Catchup, OccurrenceVerdict, Overlap

#: What fires within this time of its moment is on time: a restart of the scheduler is no outage.
GRACE = timedelta(seconds=60)


class RunStands(StrEnum):
    """How the run of an occurrence stands."""

    #: Its request waits for the run before.
    HELD = "held"
    OPEN = "open"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Course:
    verdict: OccurrenceVerdict
    reason: str | None = None
    #: Late, and started all the same.
    made_up: bool = False
    after_run: UUID | None = None
    cancel_before: bool = False


def by_time(rule: ScheduleRule, due: Sequence[Planned], now: datetime) -> list[Course]:
    """A course for each of `due`: in order, all of them past their moment, the newest last."""
    courses: list[Course] = []
    later = False
    for planned in reversed(due):
        if planned.effect == "skipped":
            courses.append(
                Course(OccurrenceVerdict.SKIPPED, reason=f"the day is closed: {planned.closed_by}")
            )
            continue
        courses.append(_of_one(rule, planned, now, later=later))
        later = True
    courses.reverse()
    return courses


def _of_one(rule: ScheduleRule, planned: Planned, now: datetime, *, later: bool) -> Course:
    late = now - planned.fires_at
    if late <= GRACE:
        return Course(OccurrenceVerdict.STARTED)
    words = f"no scheduler was at work when it came due; it was noticed {_span(late)} later"
    if rule.catchup is Catchup.NONE:
        return Course(OccurrenceVerdict.MISSED, reason=words)
    if late > timedelta(seconds=rule.window):
        return Course(
            OccurrenceVerdict.MISSED, reason=f"{words}, and is made up for within {_words(rule.window)} only"
        )
    if rule.catchup is Catchup.LAST and later:
        return Course(OccurrenceVerdict.MISSED, reason=f"{words}, and a later one makes up for it")
    return Course(OccurrenceVerdict.STARTED, reason=f"made up for, {_span(late)} late", made_up=True)


def by_overlap(rule: ScheduleRule, course: Course, last_run: UUID, stands: RunStands) -> Course:
    """What becomes of a start when the run of the occurrence before has not ended."""
    if stands is RunStands.ENDED:
        return course
    waits = replace(course, after_run=last_run)
    match rule.overlap:
        case Overlap.SKIP if course.made_up and rule.catchup is Catchup.ALL:
            # All were asked for: one after the other.
            return waits
        case Overlap.SKIP:
            return Course(
                OccurrenceVerdict.SKIPPED, reason=f"run {last_run} of the occurrence before has not ended"
            )
        case Overlap.QUEUE_ONE if stands is RunStands.HELD:
            return Course(
                OccurrenceVerdict.SKIPPED, reason=f"run {last_run} waits already for the one before it"
            )
        case Overlap.CANCEL_RUNNING:
            return replace(course, after_run=last_run, cancel_before=True)
        case _:
            return waits


def _span(late: timedelta) -> str:
    return _words(int(late.total_seconds()))


def _words(seconds: int) -> str:
    """In symbols, which are the same in every language."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
