"""Before a run is started: is it allowed, right, safe to repeat, and is there what it needs?"""

from fastapi import APIRouter

from services.gateway import core
from services.gateway.context import MayStart, TheGateway
from services.gateway.preflight.checks import check_all
from services.gateway.preflight.effect import effect_of
from services.gateway.preflight.findings import Preflight, may_start
from services.gateway.preflight.inquiry import find_out
from services.gateway.problems import answers
from services.gateway.routes.jobs import StartRun

router = APIRouter(tags=["jobs"])


@router.post("/jobs/{job_id}/preflight", summary="What a start would meet, and do", responses=answers(404))
async def preflight(job_id: str, body: StartRun, asking: MayStart, gateway: TheGateway) -> Preflight:
    """Takes what a start takes, and changes nothing. `may_start` is false if and only if a start with this
    body would be refused, a missing confirmation apart; a `warning` starts, and should be read before."""
    entry = await gateway.gate.job_to_see(asking, job_id)
    facts = await find_out(
        gateway, asking, entry, client=body.client, parameters=body.parameters, dry_run=body.dry_run
    )
    findings = check_all(facts)
    return Preflight(
        job=entry.id,
        client=facts.wanted.client,
        dry_run=body.dry_run,
        may_start=may_start(findings),
        needs_confirmation=entry.asks_confirmation and not body.dry_run,
        confirmed=core.is_confirmed(entry, body.confirm, body.reason),
        checks=[finding.in_english() for finding in findings],
        effect=effect_of(facts.wanted),
        checked_at=facts.now,
    )
