"""The rebuild of the projection."""

from fastapi import APIRouter

from services.gateway.context import MayAdminister, TheGateway
from services.gateway.problems import answers
from shared import subjects
from shared.audit import AuditEntry, audit
from shared.commands import Rebuild, RebuildReport

router = APIRouter(tags=["platform"])

#: Seconds that a rebuild may take.
REBUILD_TIMEOUT = 600.0


@router.post("/rebuild", summary="Make the projection anew from all events", responses=answers(403))
async def rebuild_projection(asking: MayAdminister, gateway: TheGateway) -> RebuildReport:
    """Answers when it is done; queries go on meanwhile."""
    await gateway.gate.operate(asking, "rebuild")
    entry = AuditEntry(action="rebuild_requested", principal=asking.id, concern="projection of the runs")
    await audit(gateway.bus, entry)
    return await gateway.bus.ask(
        subjects.REBUILD, Rebuild(principal=asking.id), RebuildReport, timeout=REBUILD_TIMEOUT
    )
