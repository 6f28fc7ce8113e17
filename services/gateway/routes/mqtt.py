"""The MQTT bridge: its connection, its rules, and what each took last."""

from fastapi import APIRouter

from services.gateway.context import QUERY_TIMEOUT, MayAdminister, TheGateway
from services.gateway.problems import answers
from services.gateway.routes.audit import scope_of
from shared import subjects
from shared.commands import BridgeQuery, BridgeState

router = APIRouter(tags=["mqtt"])


@router.get("/mqtt", summary="The MQTT bridge and its rules", responses=answers(403, 503))
async def read_bridge(asking: MayAdminister, gateway: TheGateway) -> BridgeState:
    """For technical administrators. 503 where no bridge runs."""
    await gateway.gate.operate(asking, "MQTT bridge")
    query = BridgeQuery(scope=scope_of(asking))
    return await gateway.bus.ask(
        subjects.query("mqtt_bridge", "state"), query, BridgeState, timeout=QUERY_TIMEOUT
    )
