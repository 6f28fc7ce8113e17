"""Traces: the spans of a run across services, and where work came in that took long or failed."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.gateway.context import QUERY_TIMEOUT, MayAdminister, MayReadJobs, TheGateway
from services.gateway.fields import Text
from services.gateway.problems import answers
from services.gateway.routes.audit import scope_of
from shared import subjects
from shared.commands import Trace, TraceQuery, TracesPage, TracesQuery
from shared.errors import TagwerkError

router = APIRouter()

TraceId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]


class TracesFilter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    what: Literal["slowest", "failed"] = "slowest"
    hours: int = Field(default=24, ge=1, le=24 * 30, description="How far back.")
    service: Text | None = Field(default=None, description="Which service told it.")
    name: Text | None = Field(default=None, description="How its name, or its job, begins.")
    limit: int = Field(default=50, ge=1, le=200)


@router.get("/runs/{run_id}/trace", tags=["runs"], summary="Spans of a run", responses=answers(404))
async def read_run_trace(run_id: UUID, asking: MayReadJobs, gateway: TheGateway) -> Trace:
    """What the run did and what led to it, in all services, by its start. Empty where no spans are kept: then
    `days` is 0, or they are older than that."""
    # Whoever may see the run may see it.
    await gateway.run(asking, run_id)
    return await gateway.bus.ask(
        subjects.query("status", "trace"), TraceQuery(run_id=run_id), Trace, timeout=QUERY_TIMEOUT
    )


@router.get("/traces", tags=["traces"], summary="What took longest, what failed", responses=answers(403))
async def list_traces(
    filter: Annotated[TracesFilter, Query()], asking: MayAdminister, gateway: TheGateway
) -> TracesPage:
    """Where work came in: requests, messages, attempts of runs. For technical administrators."""
    await gateway.gate.operate(asking, "traces")
    query = TracesQuery(scope=scope_of(asking), **filter.model_dump())
    return await gateway.bus.ask(subjects.query("status", "traces"), query, TracesPage, timeout=QUERY_TIMEOUT)


@router.get(
    "/traces/{trace_id}", tags=["traces"], summary="Every span of a trace", responses=answers(403, 404)
)
async def read_trace(
    trace_id: Annotated[TraceId, Path()], asking: MayAdminister, gateway: TheGateway
) -> Trace:
    """For technical administrators. A trace that names clients who are not theirs is not found."""
    await gateway.gate.operate(asking, "traces")
    query = TraceQuery(trace_id=trace_id, scope=scope_of(asking))
    try:
        return await gateway.bus.ask(subjects.query("status", "trace"), query, Trace, timeout=QUERY_TIMEOUT)
    except TagwerkError as error:
        if error.failure.code == "trace_not_found":
            gateway.gate.look_for_hidden_trace(asking, query)
        raise
