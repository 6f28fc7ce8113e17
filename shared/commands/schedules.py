"""Schedules, their occurrences, and what administrators do about them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.commands.common import Query
from shared.words import Catchup, ClosedDays, OccurrenceVerdict, Overlap

#: A job's id (its default schedule), or that and one word more.
SCHEDULE_ID = r"^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]{0,62})?$"


class ScheduleRule(BaseModel):
    """When a job is started by itself, and with what. Exactly one of `cron`, `every` and `at`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Five fields: minute, hour, day of the month, month, weekday.
    cron: str | None = Field(default=None, max_length=200)
    #: Seconds from one occurrence to the next, counted from `since`; no zone, no daylight saving.
    every: int | None = Field(default=None, ge=10, le=366 * 86_400)
    #: Once.
    at: datetime | None = None
    #: IANA zone in which `cron` and the days are meant.
    zone: str = "UTC"
    closed: ClosedDays = ClosedDays.NONE
    #: Whose holidays: `CH`, and the canton or state within: `ZH`.
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    canton: str | None = Field(default=None, pattern=r"^[A-Z0-9]{1,3}$")
    #: On a closed day: skip the occurrence, or move it to the next open day.
    on_closed: Literal["skip", "next_open_day"] = "skip"
    catchup: Catchup = Catchup.LAST
    #: Seconds for which a late occurrence is still made up for.
    window: int = Field(default=86_400, ge=60, le=31 * 86_400)
    overlap: Overlap = Overlap.SKIP
    #: Seconds over which starts are spread; each occurrence has its own delay, which never changes.
    jitter: int = Field(default=0, ge=0, le=3_600)
    parameters: dict[str, Any] = Field(default_factory=dict)


class Schedule(BaseModel):
    """A schedule as the bucket `schedules` holds it, under `schedule.<id>`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(pattern=SCHEDULE_ID)
    job: str
    client: str
    #: As whom it starts the job; asked again each time whether they may.
    principal: str
    #: `default`: as the job declares it.
    origin: Literal["default", "set"]
    rule: ScheduleRule
    #: It has no occurrences up to here.
    since: datetime
    changed_at: datetime
    changed_by: str
    reason: str | None = None
    #: Missed occurrences up to here have been seen by somebody.
    seen_until: datetime | None = None


class Pause(BaseModel):
    """A pause as the bucket `schedules` holds it: `pause.schedule.<id>`, `pause.module.<name>` or
    `pause.everything`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: `schedule:<id>`, `module:<name>` or `everything`.
    what: str
    paused_at: datetime
    paused_by: str
    reason: str


class Planned(BaseModel):
    """An occurrence as the rule gives it, before anything is decided."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: The time by the rule, which names the occurrence.
    nominal: datetime
    #: When it fires: later than `nominal` where the day is closed, and by the jitter.
    fires_at: datetime
    #: `2026-03-29T03:00:00+02:00` in the zone of the schedule.
    local: str
    #: The time does not exist on this day: `shifted` to the next instant that does. It exists twice:
    #: `first_of_two` is meant.
    transition: Literal["shifted", "first_of_two"] | None = None
    #: Name of the holiday, `Saturday` or `Sunday`, of a day that is closed.
    closed_by: str | None = None
    #: What the closed day leads to.
    effect: Literal["skipped", "moved"] | None = None


class OccurrenceRow(BaseModel):
    """What was decided about one occurrence."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schedule: str
    job: str
    client: str
    nominal: datetime
    verdict: OccurrenceVerdict
    #: Why it was skipped or missed, or what is special about the start.
    reason: str | None = None
    run_id: UUID | None = None
    decided_at: datetime


class ScheduleRow(BaseModel):
    """A schedule and how it stands."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schedule: Schedule
    #: The pause that holds it, the widest first.
    pause: Pause | None = None
    #: None where it has no occurrence any more, or is paused.
    next: Planned | None = None
    last: OccurrenceRow | None = None
    #: Occurrences of the last seven days that were missed and seen by nobody.
    missed: int = 0


class SchedulesQuery(Query):
    """`query.scheduler.schedules` -> `SchedulesPage`: those that the scope lets see."""

    job: str | None = None
    #: One schedule.
    id: str | None = None


class SchedulesPage(BaseModel):
    items: list[ScheduleRow]
    #: Pauses of modules and of everything.
    pauses: list[Pause] = Field(default_factory=list)


class OccurrencesQuery(Query):
    """`query.scheduler.occurrences` -> `OccurrencesPage`: those decided in seven days, newest first."""

    schedule: str | None = None
    job: str | None = None
    verdict: OccurrenceVerdict | None = None
    limit: int = Field(default=50, ge=1, le=500)


class OccurrencesPage(BaseModel):
    items: list[OccurrenceRow]


class PreviewQuery(BaseModel):
    """`query.scheduler.preview` -> `Preview`: of a schedule as it is, or of a rule that somebody tries."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schedule: str | None = None
    rule: ScheduleRule | None = None
    #: From when on; none: from now.
    after: datetime | None = None
    count: int = Field(default=10, ge=1, le=200)


class Preview(BaseModel):
    #: Times that are skipped or moved because of the calendar stand among them, marked.
    items: list[Planned]


class SetSchedule(BaseModel):
    """`command.scheduler.set` -> `ScheduleChanged`: make a schedule, or change it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(pattern=SCHEDULE_ID)
    client: str
    #: Who asks, and as whom it starts the job from now on.
    principal: str
    #: None: back to what the job declares.
    rule: ScheduleRule | None
    reason: str | None = None


class PauseSchedules(BaseModel):
    """`command.scheduler.pause` -> `PauseChanged`: pause a schedule, a module or everything, or go on."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: `schedule:<id>`, `module:<name>` or `everything`.
    what: str = Field(pattern=r"^(schedule:[a-z0-9.-]+|module:[a-z0-9-]+|everything)$")
    paused: bool
    principal: str
    reason: str


class SeeMissed(BaseModel):
    """`command.scheduler.see-missed` -> `ScheduleChanged`: what was missed up to now has been seen."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(pattern=SCHEDULE_ID)
    principal: str
    reason: str | None = None


class ScheduleChanged(BaseModel):
    """A schedule before and after; before is None where there was none."""

    before: Schedule | None
    after: Schedule


class PauseChanged(BaseModel):
    before: Pause | None
    after: Pause | None


class Backfill(BaseModel):
    """`command.scheduler.backfill` -> `Backfilled`: run the occurrences of a past span, each once."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(pattern=SCHEDULE_ID)
    start: datetime
    end: datetime
    #: Refused if there are more.
    limit: int = Field(default=10, ge=1, le=100)
    principal: str
    reason: str
    #: Only tell which they are.
    dry_run: bool = False


class BackfilledRun(BaseModel):
    nominal: datetime
    run_id: UUID
    #: It had been requested by an earlier backfill.
    existing: bool = False


class Backfilled(BaseModel):
    """Occurrences that had been started already are left out."""

    items: list[BackfilledRun]
    left_out: int = 0
