"""Alerts: what is wrong now, what was, who was told; and silences."""

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from services.gateway.context import TheGateway
from services.gateway.fields import Text
from services.gateway.pages.alerts import words
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import ALERTS, Place
from services.gateway.routes.alerts import AlertsFilter, read_alerts
from services.gateway.routes.silences import read_silences
from shared.access import Action, Principal, decide_access, may_operate_platform
from shared.commands import AlertRow, SilencesQuery
from shared.jobs import CatalogueEntry

router = APIRouter(include_in_schema=False)

#: Alerts on one page.
ROWS = 50
SILENCES = Place(N_("Silences"), "/alerts/silences")


@router.get("/alerts")
async def read_list(
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
    state: Literal["open", "closed"] = "open",
    cursor: Text | None = None,
    fragment: bool = False,
) -> HTMLResponse:
    page = await read_alerts(gateway, asking, AlertsFilter(state=state, cursor=cursor, limit=ROWS))
    entries = {entry.id: entry for entry in await gateway.gate.visible_jobs(asking)}
    return visit.page(
        "alerts/part.html" if fragment else "alerts/page.html",
        trail=(ALERTS,),
        found=page,
        state=state,
        first=cursor is None,
        said=words,
        titles={id: entry.title for id, entry in entries.items()},
        closable={row.alert_id for row in page.items if may_close(asking, row, entries)},
        may_silence=may_operate_platform(asking),
    )


def may_close(principal: Principal, row: AlertRow, entries: dict[str, CatalogueEntry]) -> bool:
    """As the route of the API decides."""
    if row.closed_at is not None:
        return False
    if row.job is None or row.client is None:
        return may_operate_platform(principal)
    entry = entries.get(row.job)
    return entry is not None and decide_access(principal, entry.access, Action.START, row.client).allowed


@router.get("/alerts/silences")
async def read_silences_page(visit: TheVisit, asking: PageAsking, gateway: TheGateway) -> HTMLResponse:
    found = await read_silences(gateway, asking, SilencesQuery())
    return visit.page("alerts/silences.html", trail=(ALERTS, SILENCES), found=found, said=words)
