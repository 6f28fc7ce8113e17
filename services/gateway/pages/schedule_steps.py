"""What somebody does with a schedule on its page: the forms in front of the routes of the API."""

from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict

from services.gateway.context import TheGateway
from services.gateway.fields import Text
from services.gateway.pages.asking import PageAsking
from services.gateway.routes.schedule_changes import (
    ChangeSchedule,
    Reason,
    WithReason,
    change_schedule,
    pause_schedule,
    resume_schedule,
    see_missed,
)
from services.gateway.routes.schedules import ScheduleId, schedule_to_see
from shared.words import Catchup, Overlap

router = APIRouter(include_in_schema=False)


class ReasonForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    reason: Reason


class ChangeForm(ReasonForm):
    cron: Text
    zone: Text
    overlap: Overlap
    catchup: Catchup
    confirm: Text | None = None


def _back(schedule_id: str) -> Response:
    return RedirectResponse(f"/schedules/{schedule_id}", 303)


@router.post("/schedules/{schedule_id}/pause")
async def pause(
    schedule_id: ScheduleId, form: Annotated[ReasonForm, Form()], asking: PageAsking, gateway: TheGateway
) -> Response:
    await pause_schedule(schedule_id, WithReason(reason=form.reason), asking, gateway)
    return _back(schedule_id)


@router.post("/schedules/{schedule_id}/resume")
async def resume(
    schedule_id: ScheduleId, form: Annotated[ReasonForm, Form()], asking: PageAsking, gateway: TheGateway
) -> Response:
    await resume_schedule(schedule_id, WithReason(reason=form.reason), asking, gateway)
    return _back(schedule_id)


@router.post("/schedules/{schedule_id}/seen")
async def seen(
    schedule_id: ScheduleId, form: Annotated[ReasonForm, Form()], asking: PageAsking, gateway: TheGateway
) -> Response:
    await see_missed(schedule_id, WithReason(reason=form.reason), asking, gateway)
    return _back(schedule_id)


@router.post("/schedules/{schedule_id}/change")
async def change(
    schedule_id: ScheduleId, form: Annotated[ChangeForm, Form()], asking: PageAsking, gateway: TheGateway
) -> Response:
    schedule = (await schedule_to_see(gateway, asking, schedule_id)).schedule
    timed = {"cron": form.cron.strip(), "every": None, "at": None}
    rule = schedule.rule.model_copy(
        update={**timed, "zone": form.zone.strip(), "overlap": form.overlap, "catchup": form.catchup}
    )
    body = ChangeSchedule(rule=rule, client=schedule.client, reason=form.reason, confirm=form.confirm or None)
    await change_schedule(gateway, asking, schedule_id, body)
    return _back(schedule_id)
