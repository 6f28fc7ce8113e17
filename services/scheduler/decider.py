"""Deciding about the occurrences of one schedule, in their order, each by one conditional publish.

Any number of replicas do this at once: of those who speak about an occurrence one is heard, and the others
go on from what it said. Nothing is decided out of order, so what lies before the newest verdict is decided.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol
from uuid import UUID

from services.scheduler.rule import occurrences
from services.scheduler.verdicts import Course, RunStands, by_overlap, by_time
from shared.commands.schedules import Planned, Schedule
from shared.events import Cause, Occurrence, Requested
from shared.ids import run_id_of
from shared.words import OccurrenceVerdict, Overlap, Trigger

#: Occurrences that are looked at together; the others of a long outage follow.
CHUNK = 500

#: RUNS keeps its messages for 14 days: of an older run it knows nothing, and not that it waits.
FORGOTTEN = timedelta(days=13)

#: Before any occurrence.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Verdicts(Protocol):
    """The stream of verdicts."""

    async def last(self, schedule: str) -> Occurrence | None:
        """The newest verdict on an occurrence of the schedule."""

    async def decide(self, occurrence: Occurrence) -> Occurrence:
        """Publish on the condition that there is none; gives the verdict that holds, this or the other."""


#: What becomes of a start that may not be, or None: paused, no right, no job.
Hindrance = Callable[[Schedule], Awaitable[Course | None]]
#: How the run of an earlier occurrence stands.
Stands = Callable[[str, UUID], Awaitable[RunStands]]
#: As whom a job works that this principal starts.
Effective = Callable[[Schedule], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Up to where the occurrences of a schedule are decided."""

    nominal: datetime = NEVER
    #: Of the newest one that was started.
    last_run: UUID | None = None
    last_started_at: datetime | None = None

    @classmethod
    def behind(cls, occurrence: Occurrence) -> "Cursor":
        return cls(occurrence.nominal, occurrence.last_run, occurrence.last_started_at)


class Decider:
    def __init__(
        self, verdicts: Verdicts, hindrance: Hindrance, stands: Stands, effective: Effective
    ) -> None:
        self._verdicts = verdicts
        self._hindrance = hindrance
        self._stands = stands
        self._effective = effective
        self._cursors: dict[str, Cursor] = {}
        #: Schedule -> (what it depends on, its next occurrence).
        self._next: dict[str, tuple[tuple[Schedule, Cursor], Planned | None]] = {}

    async def decide_due(self, schedule: Schedule, now: datetime, *, closing: bool = False) -> None:
        """Decide about everything that has come due by `now`. With `closing` also about what waits for its
        moment: the rule ends here."""
        upcoming = await self.next_of(schedule)
        while upcoming is not None and upcoming.nominal <= now and (closing or upcoming.fires_at <= now):
            await self._decide_chunk(schedule, now, closing=closing)
            upcoming = await self.next_of(schedule)

    async def next_of(self, schedule: Schedule) -> Planned | None:
        """The first occurrence that is not decided."""
        cursor = await self._cursor(schedule.id)
        known = self._next.get(schedule.id)
        if known is not None and known[0] == (schedule, cursor):
            return known[1]
        found = next(occurrences(schedule.id, schedule.rule, schedule.since, cursor.nominal), None)
        self._next[schedule.id] = ((schedule, cursor), found)
        return found

    async def _cursor(self, schedule: str) -> Cursor:
        if schedule not in self._cursors:
            last = await self._verdicts.last(schedule)
            self._cursors[schedule] = Cursor.behind(last) if last else Cursor()
        return self._cursors[schedule]

    async def _decide_chunk(self, schedule: Schedule, now: datetime, *, closing: bool) -> None:
        cursor = await self._cursor(schedule.id)
        coming = occurrences(schedule.id, schedule.rule, schedule.since, cursor.nominal)
        # One more than is decided: whether a late one is the last depends on the one behind it.
        chunk: list[Planned] = []
        for planned in islice(coming, CHUNK + 1):
            if planned.nominal > now or (planned.fires_at > now and not closing):
                break
            chunk.append(planned)
        courses = by_time(schedule.rule, chunk, now)
        for planned, timely in list(zip(chunk, courses, strict=True))[:CHUNK]:
            course = timely
            if planned.fires_at > now:
                course = Course(
                    OccurrenceVerdict.SKIPPED, reason="the schedule was changed before its moment"
                )
            elif timely.verdict is OccurrenceVerdict.STARTED:
                course = await self._checked(schedule, timely, now)
            said = await self._verdicts.decide(await self._occurrence(schedule, planned, course, now))
            self._cursors[schedule.id] = Cursor.behind(said)

    async def _checked(self, schedule: Schedule, course: Course, now: datetime) -> Course:
        hindrance = await self._hindrance(schedule)
        if hindrance is not None:
            return hindrance
        cursor = self._cursors[schedule.id]
        if cursor.last_run is None or schedule.rule.overlap is Overlap.ALLOW:
            return course
        stands = await self._stands(schedule.job, cursor.last_run)
        if stands is RunStands.HELD and cursor.last_started_at and now - cursor.last_started_at > FORGOTTEN:
            stands = RunStands.ENDED
        return by_overlap(schedule.rule, course, cursor.last_run, stands)

    async def _occurrence(
        self, schedule: Schedule, planned: Planned, course: Course, now: datetime
    ) -> Occurrence:
        cursor = self._cursors[schedule.id]
        request = None
        if course.verdict is OccurrenceVerdict.STARTED:
            request = request_of(schedule, planned.nominal, await self._effective(schedule), course.reason)
        return Occurrence(
            schedule=schedule.id,
            job=schedule.job,
            client=schedule.client,
            nominal=planned.nominal,
            verdict=course.verdict,
            reason=course.reason,
            request=request,
            after_run=course.after_run,
            cancel_before=course.cancel_before,
            last_run=request.run_id if request else cursor.last_run,
            last_started_at=now if request else cursor.last_started_at,
        )


def request_of(schedule: Schedule, nominal: datetime, effective: str, reason: str | None) -> Requested:
    """The request of an occurrence: its run has the same id, whoever asks for it and however often."""
    key = f"{schedule.id}@{nominal.astimezone(UTC).isoformat()}"
    return Requested(
        run_id=run_id_of(schedule.client, schedule.principal, schedule.job, key),
        job=schedule.job,
        client=schedule.client,
        principal=schedule.principal,
        effective_principal=effective,
        trigger=Trigger.SCHEDULE,
        parameters=schedule.rule.parameters,
        idempotency_key=key,
        cause=Cause(occurrence=key),
        reason=reason,
    )
