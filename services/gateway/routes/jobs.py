"""The catalogue, as the asker may see it, and the start of a run."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.gateway import core
from services.gateway.context import Gateway, MayReadJobs, MayStart, TheGateway, TheTrace
from services.gateway.parameters import check_parameters
from services.gateway.problems import answers
from services.gateway.tracing import Trace
from shared.access import Action, Principal, decide_access
from shared.events import Requested
from shared.ids import new_id, run_id_of
from shared.jobs import CatalogueEntry
from shared.parameters import references
from shared.requests import RequestedRun, effective_principal, request_run
from shared.words import Lane, Trigger

router = APIRouter(tags=["jobs"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key with the same content means the same run, however often it is sent.",
    ),
]


class JobView(CatalogueEntry):
    """A job, and what the asker may do with it."""

    may_start: bool
    #: Why they may start it, or why not.
    reason: str
    #: Whether a start wants `confirm` (the job's id) and a `reason`.
    needs_confirmation: bool


class JobList(BaseModel):
    items: list[JobView]


class StartRun(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"parameters": {"count": 5}, "lane": "bulk"}]}
    )

    #: May be left out by who acts for one client; who acts for every client means `main` then.
    client: str | None = Field(default=None, pattern=core.CLIENT_PATTERN)
    parameters: dict[str, Any] = Field(default_factory=dict)
    reason: str | None = Field(default=None, max_length=1000)
    lane: Lane = Lane.INTERACTIVE
    #: A dangerous or risky job wants its id typed here.
    confirm: str | None = None
    #: Only tell what would be done; a job says whether it can.
    dry_run: bool = False


class RequestedAnswer(BaseModel):
    """Where the run is, and what `at_least` has to name to read it."""

    run_id: UUID
    job: str
    client: str
    #: Sequence of the request in RUNS.
    sequence: int
    #: The run had been requested before; this request changed nothing.
    existing: bool
    links: dict[str, str]


@router.get("/jobs", summary="Jobs that I may see")
async def list_jobs(
    asking: MayReadJobs,
    gateway: TheGateway,
    retired: Annotated[bool, Query(description="Also jobs that no service offers any more.")] = False,
) -> JobList:
    visible = await gateway.gate.visible_jobs(asking)
    return JobList(items=[_view(entry, asking) for entry in visible if retired or not entry.retired])


@router.get("/jobs/{job_id}", summary="One job with everything that its users need", responses=answers(404))
async def read_job(job_id: str, asking: MayReadJobs, gateway: TheGateway) -> JobView:
    return _view(await gateway.gate.job_to_see(asking, job_id), asking)


@router.post(
    "/jobs/{job_id}/runs",
    status_code=202,
    summary="Start a run",
    responses=answers(403, 404, 410, 413)
    | {200: {"model": RequestedAnswer, "description": "The run had been requested before"}},
)
async def start_run(
    job_id: str,
    body: StartRun,
    asking: MayStart,
    gateway: TheGateway,
    trace: TheTrace,
    response: Response,
    key: IdempotencyKey = None,
) -> RequestedAnswer:
    requested = await request_start(gateway, asking, trace, job_id, body, key)
    return answer_request(response, requested.request, requested.sequence, existing=requested.existing)


async def request_start(
    gateway: Gateway, asking: Principal, trace: Trace, job_id: str, body: StartRun, key: str | None
) -> RequestedRun:
    """Ask for a run of the job. Raises what a start is refused for."""
    await gateway.gate.job_to_see(asking, job_id)
    client = core.client_of(asking, body.client)
    entry = await gateway.gate.job_to_start(asking, job_id, client)
    core.refuse_retired(entry)
    core.refuse_unknown_dry_run(entry, dry_run=body.dry_run)
    check_parameters(entry.id, entry.parameters, body.parameters)
    await gateway.gate.expect_confirmation(asking, entry, client, body.confirm, body.reason, body.dry_run)
    request = Requested(
        run_id=new_id() if key is None else run_id_of(client, asking.id, entry.id, key),
        job=entry.id,
        client=client,
        principal=asking.id,
        effective_principal=effective_principal(entry, asking.id),
        trigger=Trigger.MANUAL,
        parameters=body.parameters,
        idempotency_key=key,
        about=references(entry.parameters, body.parameters),
        dry_run=body.dry_run,
        reason=body.reason,
        confirmed=core.is_confirmed(entry, body.confirm, body.reason),
        traceparent=trace.traceparent,
    )
    return await request_run(gateway.bus, request, entry.lane_for(body.lane))


def answer_request(
    response: Response, request: Requested, sequence: int, *, existing: bool
) -> RequestedAnswer:
    """202 with the place of the run, or 200 if it had been requested before."""
    place = f"/api/v1/runs/{request.run_id}"
    response.headers["Location"] = place
    if existing:
        response.status_code = 200
    return RequestedAnswer(
        run_id=request.run_id,
        job=request.job,
        client=request.client,
        sequence=sequence,
        existing=existing,
        links={
            "run": f"{place}?at_least={sequence}",
            "events": f"{place}/events?at_least={sequence}",
            "cancel": f"{place}/cancel",
        },
    )


def _view(entry: CatalogueEntry, asking: Principal) -> JobView:
    decision = decide_access(asking, entry.access, Action.START)
    may_start, reason = decision.allowed, decision.reason
    if entry.retired:
        may_start, reason = False, "no service offers this job any more"
    return JobView(
        **entry.model_dump(),
        may_start=may_start,
        reason=reason,
        needs_confirmation=entry.asks_confirmation,
    )
