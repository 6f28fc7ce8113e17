"""Running occurrences of the past: which they would be, then each of them once."""

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, ValidationError

from services.gateway.context import Gateway, TheGateway
from services.gateway.fields import Text
from services.gateway.identity.asker import Asker
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.forms import Filled, refused
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import SCHEDULES, Place
from services.gateway.pages.rendering import Visit
from services.gateway.pages.schedules.form import moment_of
from services.gateway.problems import status_of
from services.gateway.routes.schedule_changes import BackfillSpan, run_backfill, schedule_to_change
from services.gateway.routes.schedules import ScheduleId
from shared.commands import Backfilled, Schedule
from shared.errors import TagwerkError
from shared.events import now

router = APIRouter(include_in_schema=False)

#: A reason that is not needed to look.
LOOKING = "looked at which they are"


class BackfillForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    #: `show` tells which occurrences they are, and starts nothing.
    do: Text = "show"
    start: Text = ""
    end: Text = ""
    limit: Text = "10"
    confirm: Text = ""
    reason: Text = ""


@router.get("/schedules/{schedule_id}/backfill")
async def read_backfill(
    schedule_id: ScheduleId, visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> HTMLResponse:
    schedule = await schedule_to_change(gateway, asking, schedule_id)
    there = now().astimezone(ZoneInfo(schedule.rule.zone))
    day = timedelta(days=1)
    typed = BackfillForm(start=f"{there - day:%Y-%m-%dT%H:%M}", end=f"{there:%Y-%m-%dT%H:%M}")
    return await _show(visit, asking, gateway, schedule, typed)


@router.post("/schedules/{schedule_id}/backfill")
async def backfill(
    schedule_id: ScheduleId,
    form: Annotated[BackfillForm, Form()],
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
) -> Response:
    schedule = await schedule_to_change(gateway, asking, schedule_id)
    zone, looking = schedule.rule.zone, form.do != "run"
    try:
        span = BackfillSpan.model_validate({
            "start": moment_of(form.start, zone), "end": moment_of(form.end, zone),
            "limit": form.limit.strip(), "dry_run": looking, "confirm": form.confirm.strip() or None,
            "reason": LOOKING if looking else form.reason,
        })  # fmt: skip
        found = await run_backfill(gateway, asking, schedule, span)
    except (ValidationError, TagwerkError) as error:
        filled = refused("backfill", form.model_dump(), error)
        return await _show(visit, asking, gateway, schedule, form, filled=filled)
    return await _show(visit, asking, gateway, schedule, form, found=found, done=not looking)


async def _show(
    visit: Visit,
    asking: Asker,
    gateway: Gateway,
    schedule: Schedule,
    typed: BackfillForm,
    *,
    filled: Filled | None = None,
    found: Backfilled | None = None,
    done: bool = False,
) -> HTMLResponse:
    here = f"/schedules/{schedule.id}"
    return visit.page(
        "schedule_backfill.html",
        trail=(
            SCHEDULES,
            Place(schedule.id, here, given=True),
            Place(N_("Run past occurrences"), f"{here}/backfill"),
        ),
        status=200 if filled is None else status_of(filled.failure),
        schedule=schedule,
        entry=await gateway.gate.job_to_see(asking, schedule.job),
        typed=typed,
        filled=filled,
        found=found,
        done=done,
    )
