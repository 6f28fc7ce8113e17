"""What the scheduler answers: schedules with their next occurrence, what was decided, previews."""

from services.scheduler.clockwork import Clockwork
from services.scheduler.days import invalid
from services.scheduler.keeper import Keeper
from services.scheduler.recent import Recent
from services.scheduler.rule import check_rule, occurrences
from services.scheduler.rule import preview as preview_of
from shared.commands import (
    OccurrencesPage,
    OccurrencesQuery,
    Planned,
    Preview,
    PreviewQuery,
    Query,
    Schedule,
    ScheduleRow,
    SchedulesPage,
    SchedulesQuery,
)
from shared.errors import TagwerkError
from shared.events import now

#: Occurrences that are looked through for one that fires: the others fall on closed days.
LOOK_AHEAD = 500
#: Years of which occurrences are told.
EARLIEST, LATEST = 2000, 2099


class Answers:
    def __init__(self, keeper: Keeper, clockwork: Clockwork, recent: Recent) -> None:
        self._keeper = keeper
        self._clockwork = clockwork
        self._recent = recent

    async def schedules(self, query: SchedulesQuery) -> SchedulesPage:
        await self._recent.catch_up()
        schedules = await self._visible(query, query.job, query.id)
        rows = [await self._row(schedule) for schedule in schedules]
        pauses = [pause for pause in await self._keeper.pauses() if not pause.what.startswith("schedule:")]
        return SchedulesPage(items=[row for row in rows if _lives(row)], pauses=pauses)

    async def occurrences(self, query: OccurrencesQuery) -> OccurrencesPage:
        await self._recent.catch_up()
        schedules = await self._visible(query, query.job, query.schedule)
        rows = self._recent.rows(schedule.id for schedule in schedules)
        wanted = [row for row in rows if query.verdict in (None, row.verdict)]
        return OccurrencesPage(items=wanted[: query.limit])

    async def preview(self, query: PreviewQuery) -> Preview:
        after = query.after or now()
        if not EARLIEST <= after.year <= LATEST:
            raise invalid(f"{after.isoformat()} is out of reach", f"Choose a time before {LATEST + 1}.")
        rule, since, id = query.rule, after, query.schedule or "preview.preview"
        if rule is None:
            schedule = await self._keeper.schedule(id)
            if schedule is None:
                raise schedule_not_found(id)
            rule, since = schedule.rule, schedule.since
        check_rule(rule)
        return Preview(items=preview_of(id, rule, since, after, query.count))

    async def _visible(self, query: Query, job: str | None, id: str | None) -> list[Schedule]:
        if id is not None:
            await self._keeper.schedule(id)
        scope = query.scope
        return [
            schedule
            for schedule in await self._keeper.schedules()
            if id in (None, schedule.id)
            and job in (None, schedule.job)
            and (scope.jobs is None or schedule.job in scope.jobs)
            and (scope.clients is None or schedule.client in scope.clients)
        ]

    async def _row(self, schedule: Schedule) -> ScheduleRow:
        pause = await self._keeper.pause_of(schedule)
        return ScheduleRow(
            schedule=schedule,
            pause=pause,
            next=None if pause else await self._next(schedule),
            last=self._recent.last(schedule.id),
            missed=self._recent.missed(schedule.id, schedule.seen_until),
        )

    async def _next(self, schedule: Schedule) -> Planned | None:
        first = await self._clockwork.decider.next_of(schedule)
        if first is None or first.effect != "skipped":
            return first
        behind = occurrences(schedule.id, schedule.rule, schedule.since, first.nominal)
        for _, planned in zip(range(LOOK_AHEAD), behind, strict=False):
            if planned.effect != "skipped":
                return planned
        return None


def _lives(row: ScheduleRow) -> bool:
    """A single time is shown until its verdict has been forgotten."""
    return (
        row.schedule.rule.at is None or row.next is not None or row.pause is not None or row.last is not None
    )


def schedule_not_found(id: str) -> TagwerkError:
    return TagwerkError(
        "schedule_not_found",
        f"there is no schedule {id} that you may see",
        concern=id,
        next_step="Check the id; `GET /api/v1/schedules` lists the schedules that you may see.",
    )
