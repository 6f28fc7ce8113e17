"""Whether the gateway lives, and whether it can do its work. Open to everybody; tells nothing else."""

import asyncio

from fastapi import APIRouter, Response
from pydantic import BaseModel

from services.gateway.context import Gateway, TheGateway
from shared.database import DATABASE_ERRORS

router = APIRouter(tags=["health"])

#: Seconds for a sign of life of the database.
PROBE_TIMEOUT = 1.0


class Alive(BaseModel):
    status: str = "alive"


class Ready(BaseModel):
    ready: bool
    bus: bool
    database: bool


@router.get("/healthz", summary="The process answers")
async def read_health() -> Alive:
    return Alive()


@router.get(
    "/readyz",
    summary="Bus and database can be reached",
    responses={503: {"model": Ready, "description": "One of them cannot"}},
)
async def read_readiness(gateway: TheGateway, response: Response) -> Ready:
    bus, database = gateway.bus.nc.is_connected, await _database_answers(gateway)
    ready = bus and database and not gateway.draining.is_set()
    if not ready:
        response.status_code = 503
    return Ready(ready=ready, bus=bus, database=database)


async def _database_answers(gateway: Gateway) -> bool:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            await gateway.pool.fetchval("select 1")
    except (TimeoutError, OSError, *DATABASE_ERRORS):
        return False
    return True
