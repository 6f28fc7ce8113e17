"""Schedules: which there are, what comes next, what was decided."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict

from services.gateway.context import QUERY_TIMEOUT, Gateway, MayReadJobs, TheGateway
from services.gateway.fields import Moment, Text
from services.gateway.problems import answers
from shared import subjects
from shared.access import Principal
from shared.commands import (
    OccurrencesPage,
    OccurrencesQuery,
    Preview,
    PreviewQuery,
    ScheduleRow,
    ScheduleRule,
    SchedulesPage,
    SchedulesQuery,
)
from shared.commands.schedules import SCHEDULE_ID
from shared.errors import TagwerkError
from shared.words import OccurrenceVerdict

router = APIRouter(tags=["schedules"])

ScheduleId = Annotated[str, Path(pattern=SCHEDULE_ID, description="A job's id, or that and one word more.")]
Job = Annotated[Text | None, Query(description="Only of this job.")]
Count = Annotated[int, Query(ge=1, le=200)]


class TryRule(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"rule": {"cron": "15 2 * * *", "zone": "Europe/Zurich"}}]},
    )

    rule: ScheduleRule
    after: Moment | None = None
    count: int = 10


@router.get("/schedules", summary="Schedules with their next occurrence")
async def list_schedules(asking: MayReadJobs, gateway: TheGateway, job: Job = None) -> SchedulesPage:
    """Those of the jobs and clients that you may see, and the pauses of modules and of everything."""
    return await read_schedules(gateway, asking, job=job)


async def read_schedules(
    gateway: Gateway, asking: Principal, *, job: str | None = None, timeout: float = QUERY_TIMEOUT
) -> SchedulesPage:
    query = SchedulesQuery(job=job, **await gateway.gate.scope(asking))
    subject = subjects.query("scheduler", "schedules")
    return await gateway.bus.ask(subject, query, SchedulesPage, timeout=timeout)


async def schedule_to_see(gateway: Gateway, asking: Principal, id: str) -> ScheduleRow:
    """Raises `schedule_not_found` for a hidden schedule as for none."""
    query = SchedulesQuery(id=id, **await gateway.gate.scope(asking))
    subject = subjects.query("scheduler", "schedules")
    found = await gateway.bus.ask(subject, query, SchedulesPage, timeout=QUERY_TIMEOUT)
    if not found.items:
        gateway.gate.look_for_hidden_schedule(asking, id)
        raise TagwerkError(
            "schedule_not_found",
            f"there is no schedule {id} that you may see",
            concern=id,
            next_step="Check the id; `GET /api/v1/schedules` lists the schedules that you may see.",
        )
    return found.items[0]


@router.get("/schedules/{schedule_id}", summary="One schedule", responses=answers(404))
async def read_schedule(schedule_id: ScheduleId, asking: MayReadJobs, gateway: TheGateway) -> ScheduleRow:
    return await schedule_to_see(gateway, asking, schedule_id)


@router.get("/schedules/{schedule_id}/preview", summary="Its next occurrences", responses=answers(404))
async def preview_schedule(
    schedule_id: ScheduleId,
    asking: MayReadJobs,
    gateway: TheGateway,
    after: Annotated[Moment | None, Query(description="From when on; none: from now.")] = None,
    count: Count = 10,
) -> Preview:
    """With transitions of daylight saving and closed days marked."""
    await schedule_to_see(gateway, asking, schedule_id)
    return await ask_preview(gateway, PreviewQuery(schedule=schedule_id, after=after, count=count))


@router.post(
    "/jobs/{job_id}/schedule-preview",
    summary="What a rule would lead to",
    responses=answers(404),
)
async def try_rule(job_id: str, body: TryRule, asking: MayReadJobs, gateway: TheGateway) -> Preview:
    """Nothing is changed."""
    await gateway.gate.job_to_see(asking, job_id)
    count = min(max(body.count, 1), 200)
    return await ask_preview(gateway, PreviewQuery(rule=body.rule, after=body.after, count=count))


async def ask_preview(gateway: Gateway, query: PreviewQuery) -> Preview:
    return await gateway.bus.ask(subjects.query("scheduler", "preview"), query, Preview)


@router.get(
    "/schedules/{schedule_id}/occurrences", summary="What was decided about its occurrences",
    responses=answers(404),
)  # fmt: skip
async def list_occurrences_of(
    schedule_id: ScheduleId,
    asking: MayReadJobs,
    gateway: TheGateway,
    verdict: OccurrenceVerdict | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> OccurrencesPage:
    """Of the last seven days, the newest first."""
    await schedule_to_see(gateway, asking, schedule_id)
    return await read_occurrences(gateway, asking, schedule=schedule_id, verdict=verdict, limit=limit)


@router.get("/occurrences", summary="What was decided about occurrences")
async def list_occurrences(
    asking: MayReadJobs,
    gateway: TheGateway,
    job: Job = None,
    verdict: OccurrenceVerdict | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> OccurrencesPage:
    """Of the last seven days, the newest first."""
    return await read_occurrences(gateway, asking, job=job, verdict=verdict, limit=limit)


async def read_occurrences(
    gateway: Gateway,
    asking: Principal,
    *,
    schedule: str | None = None,
    job: str | None = None,
    verdict: OccurrenceVerdict | None = None,
    limit: int = 50,
) -> OccurrencesPage:
    query = OccurrencesQuery(
        schedule=schedule, job=job, verdict=verdict, limit=limit, **await gateway.gate.scope(asking)
    )
    subject = subjects.query("scheduler", "occurrences")
    return await gateway.bus.ask(subject, query, OccurrencesPage, timeout=QUERY_TIMEOUT)
