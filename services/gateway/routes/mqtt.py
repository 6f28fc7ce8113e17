"""The MQTT bridge with its rules, and agents in customers' networks."""

from fastapi import APIRouter

from services.gateway.context import QUERY_TIMEOUT, MayAdminister, TheGateway
from services.gateway.problems import answers
from services.gateway.routes.audit import scope_of
from shared import subjects
from shared.commands import AgentsPage, AgentsQuery, BridgeQuery, BridgeState

router = APIRouter(tags=["mqtt"])


@router.get("/mqtt", summary="The MQTT bridge and its rules", responses=answers(403, 503))
async def read_bridge(asking: MayAdminister, gateway: TheGateway) -> BridgeState:
    """For technical administrators. 503 where no bridge runs."""
    await gateway.gate.operate(asking, "MQTT bridge")
    query = BridgeQuery(scope=scope_of(asking))
    return await gateway.bus.ask(
        subjects.query("mqtt_bridge", "state"), query, BridgeState, timeout=QUERY_TIMEOUT
    )


@router.get("/agents", summary="Agents in customers' networks", responses=answers(403, 503))
async def list_agents(asking: MayAdminister, gateway: TheGateway) -> AgentsPage:
    """For technical administrators: which are there, what each allows, and the newest command to it."""
    await gateway.gate.operate(asking, "agents")
    query = AgentsQuery(scope=scope_of(asking))
    return await gateway.bus.ask(
        subjects.query("integrations", "agents"), query, AgentsPage, timeout=QUERY_TIMEOUT
    )
