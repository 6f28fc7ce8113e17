"""What somebody does with a schedule on its page: the forms in front of the routes of the API."""

from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.gateway.context import TheGateway
from services.gateway.pages.asking import PageAsking
from services.gateway.routes.schedule_changes import (
    PauseMany,
    Reason,
    WithReason,
    pause_many,
    pause_schedule,
    resume_many,
    resume_schedule,
    see_missed,
)
from services.gateway.routes.schedules import ScheduleId

router = APIRouter(include_in_schema=False)


class ReasonForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    reason: Reason


class ManyForm(ReasonForm):
    """Empty: everything."""

    module: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,63}$")] = ""

    @property
    def body(self) -> PauseMany:
        return PauseMany(module=self.module or None, reason=self.reason)


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


@router.post("/schedules/pause")
async def pause_several(
    form: Annotated[ManyForm, Form()], asking: PageAsking, gateway: TheGateway
) -> Response:
    await pause_many(form.body, asking, gateway)
    return RedirectResponse("/schedules", 303)


@router.post("/schedules/resume")
async def resume_several(
    form: Annotated[ManyForm, Form()], asking: PageAsking, gateway: TheGateway
) -> Response:
    await resume_many(form.body, asking, gateway)
    return RedirectResponse("/schedules", 303)
