"""Changing schedules: set one, pause, go on, take note of what was missed, run past occurrences."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.gateway import core
from services.gateway.context import Gateway, MayAdminister, MayStart, TheGateway
from services.gateway.fields import Moment, Text
from services.gateway.parameters import check_parameters
from services.gateway.problems import answers
from services.gateway.routes.schedules import ScheduleId, schedule_to_see
from services.gateway.routes.steering import COMMAND_TIMEOUT
from shared import subjects
from shared.access import Principal
from shared.commands import (
    Backfill,
    Backfilled,
    PauseChanged,
    PauseSchedules,
    Schedule,
    ScheduleChanged,
    ScheduleRule,
    SchedulesPage,
    SchedulesQuery,
    SeeMissed,
    SetSchedule,
)

router = APIRouter(tags=["schedules"])

Reason = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=3)]


class ChangeSchedule(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"rule": {"cron": "15 2 * * *", "zone": "Europe/Zurich"}}]},
    )

    rule: ScheduleRule
    #: As for a start: may be left out by who acts for one client.
    client: str | None = Field(default=None, pattern=core.CLIENT_PATTERN)
    reason: str | None = Field(default=None, max_length=1000)
    #: A dangerous or risky job wants its id typed here, and a reason.
    confirm: str | None = None


class WithReason(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "a migration"}]})

    reason: Reason


class PauseMany(WithReason):
    #: A module; none: everything.
    module: str | None = Field(default=None, pattern=r"^[a-z0-9-]{1,63}$")


class BackfillSpan(WithReason):
    start: Moment
    end: Moment
    limit: int = Field(default=10, ge=1, le=100)
    #: Only tell which occurrences they are.
    dry_run: bool = False
    confirm: str | None = None


@router.put("/schedules/{schedule_id}", summary="Make or change a schedule", responses=answers(403, 404, 410))
async def set_schedule(
    schedule_id: ScheduleId, body: ChangeSchedule, asking: MayStart, gateway: TheGateway
) -> ScheduleChanged:
    """From now on it starts the job as you; whether you may is asked again each time."""
    return await change_schedule(gateway, asking, schedule_id, body)


async def change_schedule(
    gateway: Gateway, asking: Principal, schedule_id: str, body: ChangeSchedule
) -> ScheduleChanged:
    job = job_of(schedule_id)
    await gateway.gate.job_to_see(asking, job)
    client = core.client_of(asking, body.client)
    entry = await gateway.gate.job_to_start(asking, job, client)
    core.refuse_retired(entry)
    check_parameters(job, entry.parameters, body.rule.parameters)
    core.check_confirmation(entry, body.confirm, body.reason)
    kept = await _kept(gateway, schedule_id)
    if kept is not None:
        await gateway.gate.job_to_start(asking, job, kept.client)
    command = SetSchedule(
        id=schedule_id, client=client, principal=asking.id, rule=body.rule, reason=body.reason
    )
    return await gateway.bus.ask(subjects.SET_SCHEDULE, command, ScheduleChanged, timeout=COMMAND_TIMEOUT)


@router.delete(
    "/schedules/{schedule_id}/changes", summary="Back to what the job declares", responses=answers(403, 404)
)
async def reset_schedule(schedule_id: ScheduleId, asking: MayStart, gateway: TheGateway) -> ScheduleChanged:
    schedule = await schedule_to_change(gateway, asking, schedule_id)
    command = SetSchedule(id=schedule_id, client=schedule.client, principal=asking.id, rule=None)
    return await gateway.bus.ask(subjects.SET_SCHEDULE, command, ScheduleChanged, timeout=COMMAND_TIMEOUT)


@router.post("/schedules/pause", summary="Pause a module or everything", responses=answers(403))
async def pause_many(body: PauseMany, asking: MayAdminister, gateway: TheGateway) -> PauseChanged:
    await gateway.gate.operate(asking, "schedules")
    return await pause_or_resume(gateway, asking, _what(body.module), paused=True, reason=body.reason)


@router.post("/schedules/resume", summary="Go on with a module or everything", responses=answers(403))
async def resume_many(body: PauseMany, asking: MayAdminister, gateway: TheGateway) -> PauseChanged:
    await gateway.gate.operate(asking, "schedules")
    return await pause_or_resume(gateway, asking, _what(body.module), paused=False, reason=body.reason)


@router.post("/schedules/{schedule_id}/pause", summary="Pause a schedule", responses=answers(403, 404))
async def pause_schedule(
    schedule_id: ScheduleId, body: WithReason, asking: MayStart, gateway: TheGateway
) -> PauseChanged:
    """Its occurrences are skipped, with the reason, until it goes on."""
    await schedule_to_change(gateway, asking, schedule_id)
    what = f"schedule:{schedule_id}"
    return await pause_or_resume(gateway, asking, what, paused=True, reason=body.reason)


@router.post("/schedules/{schedule_id}/resume", summary="Go on with a schedule", responses=answers(403, 404))
async def resume_schedule(
    schedule_id: ScheduleId, body: WithReason, asking: MayStart, gateway: TheGateway
) -> PauseChanged:
    await schedule_to_change(gateway, asking, schedule_id)
    what = f"schedule:{schedule_id}"
    return await pause_or_resume(gateway, asking, what, paused=False, reason=body.reason)


@router.post(
    "/schedules/{schedule_id}/seen", summary="Take note of what was missed", responses=answers(403, 404)
)
async def see_missed(
    schedule_id: ScheduleId, body: WithReason, asking: MayStart, gateway: TheGateway
) -> ScheduleChanged:
    await schedule_to_change(gateway, asking, schedule_id)
    command = SeeMissed(id=schedule_id, principal=asking.id, reason=body.reason)
    return await gateway.bus.ask(subjects.SEE_MISSED, command, ScheduleChanged, timeout=COMMAND_TIMEOUT)


@router.post(
    "/schedules/{schedule_id}/backfill", summary="Run past occurrences", responses=answers(403, 404, 410)
)
async def backfill(
    schedule_id: ScheduleId, body: BackfillSpan, asking: MayStart, gateway: TheGateway
) -> Backfilled:
    """Each once, however often one asks; those that were started are left out."""
    schedule = await schedule_to_change(gateway, asking, schedule_id)
    return await run_backfill(gateway, asking, schedule, body)


async def run_backfill(
    gateway: Gateway, asking: Principal, schedule: Schedule, body: BackfillSpan
) -> Backfilled:
    entry = await gateway.gate.job_to_start(asking, schedule.job, schedule.client)
    core.refuse_retired(entry)
    core.check_confirmation(entry, body.confirm, body.reason, dry_run=body.dry_run)
    command = Backfill(id=schedule.id, principal=asking.id, **body.model_dump(exclude={"confirm"}))
    return await gateway.bus.ask(subjects.BACKFILL, command, Backfilled, timeout=COMMAND_TIMEOUT)


async def pause_or_resume(
    gateway: Gateway, asking: Principal, what: str, *, paused: bool, reason: str
) -> PauseChanged:
    command = PauseSchedules(what=what, paused=paused, principal=asking.id, reason=reason)
    return await gateway.bus.ask(subjects.PAUSE_SCHEDULES, command, PauseChanged, timeout=COMMAND_TIMEOUT)


def job_of(schedule_id: str) -> str:
    """`documents.tidy` of `documents.tidy.weekly`."""
    return ".".join(schedule_id.split(".")[:2])


async def schedule_to_change(gateway: Gateway, asking: Principal, schedule_id: str) -> Schedule:
    """Raises `schedule_not_found`, or `access_refused` to who may not start the job."""
    schedule = (await schedule_to_see(gateway, asking, schedule_id)).schedule
    await gateway.gate.job_to_start(asking, schedule.job, schedule.client)
    return schedule


async def _kept(gateway: Gateway, schedule_id: str) -> Schedule | None:
    """The schedule, whoever may see it: nobody takes one over that is not theirs."""
    found = await gateway.bus.ask(
        subjects.query("scheduler", "schedules"), SchedulesQuery(id=schedule_id), SchedulesPage
    )
    return found.items[0].schedule if found.items else None


def _what(module: str | None) -> str:
    return "everything" if module is None else f"module:{module}"
