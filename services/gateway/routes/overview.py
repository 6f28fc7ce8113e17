"""All runs of each job in numbers, how long they take, and how runs came from each other."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.gateway.context import QUERY_TIMEOUT, AtLeast, MayReadJobs, TheGateway
from services.gateway.fields import Text
from services.gateway.problems import answers
from shared import subjects
from shared.commands import (
    Durations,
    DurationsQuery,
    Overview,
    OverviewQuery,
    RunTree,
    TreeQuery,
)

router = APIRouter(tags=["runs"])

Client = Annotated[Text | None, Query(description="Only of this client; none: of all that you act for.")]


@router.get("/overview", summary="Runs of each job in numbers, with the last one")
async def read_overview(
    asking: MayReadJobs,
    gateway: TheGateway,
    job: Annotated[Text | None, Query(description="Only this job.")] = None,
    client: Client = None,
    at_least: AtLeast = 0,
) -> Overview:
    """Jobs with runs that you may see: how many of which state, how it went lately, how long it takes."""
    query = OverviewQuery(job=job, client=client, **await gateway.gate.scope(asking, at_least))
    return await gateway.bus.ask(subjects.query("status", "overview"), query, Overview, timeout=QUERY_TIMEOUT)


@router.get(
    "/jobs/{job_id}/durations", summary="How long the last runs of a job took", responses=answers(404)
)
async def read_durations(
    job_id: str,
    asking: MayReadJobs,
    gateway: TheGateway,
    client: Client = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    at_least: AtLeast = 0,
) -> Durations:
    await gateway.gate.job_to_see(asking, job_id)
    scope = await gateway.gate.scope(asking, at_least)
    query = DurationsQuery(job=job_id, client=client, limit=limit, **scope)
    return await gateway.bus.ask(
        subjects.query("status", "durations"), query, Durations, timeout=QUERY_TIMEOUT
    )


@router.get(
    "/runs/{run_id}/tree", summary="What a run came from, and what came of it", responses=answers(404)
)
async def read_tree(run_id: UUID, asking: MayReadJobs, gateway: TheGateway, at_least: AtLeast = 0) -> RunTree:
    """As far as you may see it. `more` says that there are more children than are shown."""
    query = TreeQuery(run_id=run_id, **await gateway.gate.scope(asking, at_least))
    return await gateway.ask_of_run(asking, run_id, "tree", query, RunTree)
