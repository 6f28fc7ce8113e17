"""Alerts: what is wrong now, who was told, and saying that it is done."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.gateway.context import QUERY_TIMEOUT, Gateway, MayReadJobs, MayStart, TheGateway
from services.gateway.fields import Text
from services.gateway.identity.asker import Asker
from services.gateway.problems import answers
from services.gateway.routes.schedule_changes import WithReason
from services.gateway.routes.steering import COMMAND_TIMEOUT
from shared import subjects
from shared.access import may_operate_platform
from shared.commands import AlertRow, AlertsPage, AlertsQuery, CloseAlert
from shared.errors import TagwerkError
from shared.words import AlertKind

router = APIRouter(tags=["alerts"])


class AlertsFilter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    state: Literal["open", "closed"] = "open"
    kind: AlertKind | None = None
    job: Text | None = None
    client: Text | None = None
    limit: int = Field(default=50, ge=1, le=500)
    cursor: Text | None = None


@router.get("/alerts", summary="Alerts, and who was told of them")
async def list_alerts(
    filter: Annotated[AlertsFilter, Query()], asking: MayReadJobs, gateway: TheGateway
) -> AlertsPage:
    """The open ones, the urgent and oldest first; or those that are over, the last first. Of the jobs and
    clients that you may see; those about no job for technical administrators."""
    return await read_alerts(gateway, asking, filter)


async def read_alerts(gateway: Gateway, asking: Asker, filter: AlertsFilter) -> AlertsPage:
    return await _ask(gateway, asking, AlertsQuery(**filter.model_dump()))


@router.post("/alerts/{alert_id}/close", summary="Say that an alert is done", responses=answers(403, 404))
async def close_alert(alert_id: UUID, body: WithReason, asking: MayStart, gateway: TheGateway) -> AlertRow:
    """For those whose cause does not go by itself. By who may start the job; of one about no job or no
    client, by technical administrators. If the cause comes again, that is another alert."""
    found = await _ask(gateway, asking, AlertsQuery(alert_id=alert_id))
    if not found.items:
        gateway.gate.look_for_hidden_alert(asking, alert_id)
        raise TagwerkError(
            "alert_not_found",
            "there is no such alert that is open and that you may see",
            concern=str(alert_id),
            next_step="`GET /api/v1/alerts` lists those that are open.",
        )
    alert = found.items[0]
    if alert.job is None:
        await gateway.gate.operate(asking, f"alert:{alert_id}")
    elif alert.client is None:
        entry = await gateway.gate.job_to_see(asking, alert.job)
        await gateway.gate.operate(asking, entry.id)
    else:
        await gateway.gate.job_to_start(asking, alert.job, alert.client)
    command = CloseAlert(alert_id=alert_id, reason=body.reason, principal=asking.id)
    return await gateway.bus.ask(subjects.CLOSE_ALERT, command, AlertRow, timeout=COMMAND_TIMEOUT)


async def _ask(gateway: Gateway, asking: Asker, query: AlertsQuery) -> AlertsPage:
    # A token that is for some jobs is for nothing besides.
    platform = may_operate_platform(asking) and asking.jobs is None
    scoped = query.model_copy(update={"platform": platform, **await gateway.gate.scope(asking)})
    return await gateway.bus.ask(
        subjects.query("reporting", "alerts"), scoped, AlertsPage, timeout=QUERY_TIMEOUT
    )
