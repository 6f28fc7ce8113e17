"""The MQTT bridge: whether it is connected, what its rules take, and what came last."""

from collections.abc import Mapping

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from services.gateway.context import TheGateway
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import MQTT
from services.gateway.routes.mqtt import read_bridge
from shared.errors import TagwerkError

router = APIRouter(include_in_schema=False)

#: What becomes of a message.
MAKES: Mapping[str, str] = {
    "document": N_("becomes a document"),
    "run": N_("starts a job"),
    "event": N_("is told to all services"),
}


@router.get("/mqtt")
async def show_bridge(visit: TheVisit, asking: PageAsking, gateway: TheGateway) -> HTMLResponse:
    """Most installations have no bridge; that is no failure, and the page says how to get one."""
    try:
        bridge = await read_bridge(asking, gateway)
    except TagwerkError as error:
        if error.failure.code != "service_unavailable":
            raise
        bridge = None
    return visit.page("mqtt.html", trail=(MQTT,), bridge=bridge, makes=MAKES)
