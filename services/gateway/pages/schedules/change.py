"""Changing a schedule on a page of its own, with what would come of it before it is saved."""

from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from services.gateway.context import Gateway, TheGateway
from services.gateway.fields import Text
from services.gateway.identity.asker import Asker
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.forms import Filled, refused
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import SCHEDULES, Place
from services.gateway.pages.rendering import Visit
from services.gateway.pages.schedules.form import (
    ON_CLOSED,
    UNIT_NAMES,
    WAYS,
    RuleForm,
    rule_of,
    typed_of,
)
from services.gateway.pages.schedules.page import COMING
from services.gateway.problems import status_of
from services.gateway.routes.schedule_changes import (
    ChangeSchedule,
    WithReason,
    change_schedule,
    schedule_to_change,
)
from services.gateway.routes.schedules import ScheduleId, ask_preview
from shared.commands import Preview, PreviewQuery, Schedule, ScheduleRule
from shared.errors import TagwerkError

router = APIRouter(include_in_schema=False)

#: Zones that the field offers; any other can be typed.
ZONES = ("Europe/Zurich", "Europe/Berlin", "Europe/Vienna", "Europe/London", "America/New_York", "UTC")


class ChangeForm(RuleForm):
    #: `preview` shows what would come of it, and changes nothing.
    do: Text = "save"
    confirm: Text = ""
    reason: Text = ""


@router.get("/schedules/{schedule_id}/change")
async def read_change(
    schedule_id: ScheduleId, visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> HTMLResponse:
    schedule = await schedule_to_change(gateway, asking, schedule_id)
    preview = await _preview(gateway, schedule, schedule.rule)
    typed = ChangeForm.model_validate(typed_of(schedule.rule).model_dump())
    return await _show(visit, asking, gateway, schedule, typed, preview=preview)


@router.post("/schedules/{schedule_id}/change")
async def change(
    schedule_id: ScheduleId,
    form: Annotated[ChangeForm, Form()],
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
) -> Response:
    schedule = await schedule_to_change(gateway, asking, schedule_id)
    try:
        rule = rule_of(form, schedule.rule)
        preview = await _preview(gateway, schedule, rule)
        if form.do == "preview":
            return await _show(visit, asking, gateway, schedule, form, preview=preview)
        body = ChangeSchedule.model_validate({
            "rule": rule, "client": schedule.client, "reason": WithReason(reason=form.reason).reason,
            "confirm": form.confirm.strip() or None,
        })  # fmt: skip
        await change_schedule(gateway, asking, schedule_id, body)
    except (ValidationError, TagwerkError) as error:
        return await _show(
            visit, asking, gateway, schedule, form, filled=refused("change", form.model_dump(), error)
        )
    return RedirectResponse(f"/schedules/{schedule_id}", 303)


async def _preview(gateway: Gateway, schedule: Schedule, rule: ScheduleRule) -> Preview:
    return await ask_preview(gateway, PreviewQuery(schedule=schedule.id, rule=rule, count=COMING))


async def _show(
    visit: Visit,
    asking: Asker,
    gateway: Gateway,
    schedule: Schedule,
    typed: ChangeForm,
    *,
    preview: Preview | None = None,
    filled: Filled | None = None,
) -> HTMLResponse:
    here = f"/schedules/{schedule.id}"
    return visit.page(
        "schedule_change.html",
        trail=(SCHEDULES, Place(schedule.id, here, given=True), Place(N_("Change"), f"{here}/change")),
        status=200 if filled is None else status_of(filled.failure),
        schedule=schedule,
        entry=await gateway.gate.job_to_see(asking, schedule.job),
        typed=typed,
        filled=filled,
        preview=preview,
        ways=WAYS,
        units=UNIT_NAMES,
        on_closed=ON_CLOSED,
        zones=ZONES,
    )
