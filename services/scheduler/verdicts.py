"""What to do about occurrences that have come due: start, skip, miss. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
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
class Choice:
    verdict: OccurrenceVerdict
    reason: str | None = None
    #: Late, and started all the same.
    made_up: bool = False
    after_run: UUID | None = None
    cancel_before: bool = False


def by_time(rule: ScheduleRule, due: Sequence[Planned], now: datetime) -> list[Choice]:
    """A choice for each of `due`: in order, all of them past their moment, the newest last."""
    choices: list[Choice] = []
    later = False
    for planned in reversed(due):
        if planned.effect == "skipped":
            choices.append(Choice(OccurrenceVerdict.SKIPPED, f"the day is closed: {planned.closed_by}"))
            continue
        choices.append(_of_one(rule, planned, now, later=later))
        later = True
    choices.reverse()
    return choices


def _of_one(rule: ScheduleRule, planned: Planned, now: datetime, *, later: bool) -> Choice:
    late = now - planned.fires_at
    if late <= GRACE:
        return Choice(OccurrenceVerdict.STARTED)
    words = f"no scheduler was at work when it came due; it was noticed {_span(late)} later"
    if rule.catchup is Catchup.NONE:
        return Choice(OccurrenceVerdict.MISSED, words)
    if late > timedelta(seconds=rule.window):
        return Choice(
            OccurrenceVerdict.MISSED, f"{words}, and is made up for within {_words(rule.window)} only"
        )
    if rule.catchup is Catchup.LAST and later:
        return Choice(OccurrenceVerdict.MISSED, f"{words}, and a later one makes up for it")
    return Choice(OccurrenceVerdict.STARTED, f"made up for, {_span(late)} late", made_up=True)


def by_overlap(rule: ScheduleRule, choice: Choice, last_run: UUID, stands: RunStands) -> Choice:
    """What becomes of a start when the run of the occurrence before has not ended."""
    if stands is RunStands.ENDED or rule.overlap is Overlap.ALLOW:
        return choice
    waits = Choice(choice.verdict, choice.reason, choice.made_up, after_run=last_run)
    match rule.overlap:
        case Overlap.SKIP if choice.made_up and rule.catchup is Catchup.ALL:
            # All were asked for: one after the other.
            return waits
        case Overlap.SKIP:
            return Choice(OccurrenceVerdict.SKIPPED, f"run {last_run} of the occurrence before has not ended")
        case Overlap.QUEUE_ONE if stands is RunStands.HELD:
            return Choice(OccurrenceVerdict.SKIPPED, f"run {last_run} waits already for the one before it")
        case Overlap.CANCEL_RUNNING:
            return Choice(choice.verdict, choice.reason, choice.made_up, last_run, cancel_before=True)
        case _:
            return waits


def _span(late: timedelta) -> str:
    return _words(int(late.total_seconds()))


def _words(seconds: int) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"
