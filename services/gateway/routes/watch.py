"""What does not go on: overdue and lost runs, queues that nobody works on."""

from fastapi import APIRouter

from services.gateway.context import QUERY_TIMEOUT, Gateway, MayReadJobs, TheGateway
from shared import subjects
from shared.access import Principal
from shared.commands import Watched, WatchQuery

router = APIRouter(tags=["runs"])


@router.get("/watch", summary="What does not go on")
async def list_watched(asking: MayReadJobs, gateway: TheGateway) -> Watched:
    """Runs that take too long or give no sign of life, and queues that nobody works on, as far as you may see
    them. What is over is left out."""
    return await read_watched(gateway, asking)


async def read_watched(gateway: Gateway, asking: Principal, *, timeout: float = QUERY_TIMEOUT) -> Watched:
    query = WatchQuery(**await gateway.gate.scope(asking))
    return await gateway.bus.ask(subjects.query("scheduler", "watch"), query, Watched, timeout=timeout)
