"""The schedules, and one of them: what comes next, what became of the last ones, what can be changed."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from services.gateway.context import Gateway, TheGateway
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.navigation import SCHEDULES, Place
from services.gateway.routes.schedules import (
    ScheduleId,
    ask_preview,
    read_occurrences,
    read_schedules,
    schedule_to_see,
)
from shared.access import Action, Principal, decide_access, may_operate_platform
from shared.commands import PreviewQuery, SchedulesPage
from shared.errors import TagwerkError

router = APIRouter(include_in_schema=False)

#: Occurrences that the page shows, to come and past.
COMING = 12
PAST = 50
#: Seconds that pages wait which show more than schedules.
SCHEDULES_TIMEOUT = 2.0


async def schedules_if_known(
    gateway: Gateway, principal: Principal, *, job: str | None = None
) -> SchedulesPage | None:
    """None where the scheduler does not answer: the rest of the page is worth telling without it."""
    try:
        return await read_schedules(gateway, principal, job=job, timeout=SCHEDULES_TIMEOUT)
    except TagwerkError:
        return None


@router.get("/schedules")
async def read_list(visit: TheVisit, asking: PageAsking, gateway: TheGateway) -> HTMLResponse:
    found = await read_schedules(gateway, asking)
    missed = sum(row.missed for row in found.items)
    entries = await gateway.gate.visible_jobs(asking)
    modules = {entry.access.module for entry in entries}
    paused = {pause.what for pause in found.pauses}
    return visit.page(
        "schedules.html",
        trail=(SCHEDULES,),
        found=found,
        missed=missed,
        titles={entry.id: entry.title for entry in entries},
        may_pause=may_operate_platform(asking),
        everything_runs="everything" not in paused,
        # What is not paused yet.
        modules=sorted(name for name in modules if f"module:{name}" not in paused),
    )


@router.get("/schedules/{schedule_id}")
async def read_one(
    schedule_id: ScheduleId, visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> HTMLResponse:
    row = await schedule_to_see(gateway, asking, schedule_id)
    entry = await gateway.gate.job_to_see(asking, row.schedule.job)
    preview, occurrences = await asyncio.gather(
        ask_preview(gateway, PreviewQuery(schedule=schedule_id, count=COMING)),
        read_occurrences(gateway, asking, schedule=schedule_id, limit=PAST),
    )
    return visit.page(
        "schedule.html",
        trail=(SCHEDULES, Place(schedule_id, f"/schedules/{schedule_id}", given=True)),
        row=row,
        entry=entry,
        preview=preview.items,
        occurrences=occurrences.items,
        may_change=decide_access(asking, entry.access, Action.START, row.schedule.client).allowed,
    )
