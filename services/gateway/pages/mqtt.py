"""The MQTT bridge: whether it is connected, what its rules take, what came last; and agents."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from services.gateway.context import TheGateway
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import MQTT
from services.gateway.routes.mqtt import list_agents, read_bridge
from shared.errors import TagwerkError

T = TypeVar("T")

router = APIRouter(include_in_schema=False)

#: What becomes of a message.
MAKES: Mapping[str, str] = {
    "document": N_("becomes a document"),
    "run": N_("starts a job"),
    "event": N_("is told to all services"),
}


#: How a command to an agent ended: words and tone.
OUTCOMES: Mapping[str | None, tuple[str, str]] = {
    "done": (N_("done"), "good"),
    "failed": (N_("failed, nothing was changed"), "danger"),
    "refused": (N_("refused"), "danger"),
    "unknown": (N_("nobody can tell whether it was done"), "danger"),
    None: (N_("not answered yet"), "quiet"),
}


@router.get("/mqtt")
async def show_bridge(visit: TheVisit, asking: PageAsking, gateway: TheGateway) -> HTMLResponse:
    """Most installations have no bridge; that is no failure, and the page says how to get one."""
    bridge, agents = await asyncio.gather(
        _if_there(read_bridge(asking, gateway)), _if_there(list_agents(asking, gateway))
    )
    return visit.page(
        "mqtt.html", trail=(MQTT,), bridge=bridge, agents=agents, makes=MAKES, outcomes=OUTCOMES
    )


async def _if_there(question: Awaitable[T]) -> T | None:
    """The answer; None where the service that gives it does not run."""
    try:
        return await question
    except TagwerkError as error:
        if error.failure.code != "service_unavailable":
            raise
        return None
