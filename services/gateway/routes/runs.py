"""Runs: the list, and one of them with everything that is known of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from services.gateway.context import QUERY_TIMEOUT, AtLeast, MayReadJobs, TheGateway
from services.gateway.fields import Moment, Text
from services.gateway.lists import FreshPageFilter
from services.gateway.problems import answers
from shared import subjects
from shared.commands import RunDetail, RunSort, RunsPage, RunsQuery
from shared.words import RunState, Trigger

router = APIRouter(tags=["runs"])


class RunsFilter(FreshPageFilter):
    """The filters of `shared.commands.RunsQuery`, all of which have to hold."""

    job: Text | None = None
    state: list[RunState] = Field(default_factory=list, description="Any of these; give it several times.")
    client: Text | None = None
    principal: Text | None = Field(default=None, description="Who asked for the run.")
    trigger: Trigger | None = None
    requested_after: Moment | None = None
    requested_before: Moment | None = None
    rerun_of: UUID | None = None
    caused_by_run: UUID | None = None
    caused_by_event: UUID | None = None
    about: Text | None = Field(default=None, description="What the run is about: `document:<id>`.")
    record_key: Text | None = Field(default=None, description="Runs that touched this record.")
    action_required: bool | None = None
    sort: RunSort = "-requested_at"


@router.get("/runs", summary="Runs by filter, sorted and paged")
async def list_runs(
    filter: Annotated[RunsFilter, Query()], asking: MayReadJobs, gateway: TheGateway
) -> RunsPage:
    scope = await gateway.gate.scope(asking, filter.at_least)
    query = RunsQuery(**scope, **filter.model_dump(exclude={"at_least"}))
    return await gateway.bus.ask(subjects.query("status", "runs"), query, RunsPage, timeout=QUERY_TIMEOUT)


@router.get(
    "/runs/{run_id}",
    summary="One run: state, the seven answers, attempts, timeline",
    responses=answers(404),
)
async def read_run(
    run_id: UUID,
    asking: MayReadJobs,
    gateway: TheGateway,
    wait: Annotated[
        float, Query(ge=0, le=30, description="Seconds to wait for the run to be there and to end.")
    ] = 0,
    at_least: AtLeast = 0,
) -> RunDetail:
    return await gateway.run(asking, run_id, at_least=at_least, wait=wait)
