"""A new run from an old one: of everything, or of the failed records only."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from services.gateway import core
from services.gateway.context import AtLeast, Gateway, MayStart, TheGateway, TheTrace
from services.gateway.parameters import check_parameters
from services.gateway.problems import ProblemError, answers
from services.gateway.routes.jobs import IdempotencyKey, RequestedAnswer, answer_request
from services.gateway.tracing import Trace
from shared.access import Principal
from shared.commands import RecordsPage, RecordsQuery, RunDetail
from shared.errors import Failure
from shared.events import Requested
from shared.ids import new_id, run_id_of
from shared.parameters import references
from shared.requests import IdempotencyConflict, RequestedRun, effective_principal, request_run
from shared.words import Lane, Outcome, Trigger

router = APIRouter(tags=["runs"])


class Rerun(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"only": "failed"}]})

    #: `failed`: the records that failed or are in doubt.
    only: Literal["all", "failed"] = "all"
    #: Instead of those of the old run.
    parameters: dict[str, Any] | None = None
    reason: str | None = Field(default=None, max_length=1000)
    lane: Lane = Lane.INTERACTIVE
    #: A dangerous or risky job wants its id typed here.
    confirm: str | None = None


@router.post(
    "/runs/{run_id}/rerun",
    status_code=202,
    summary="Run it again",
    responses=answers(403, 404, 409, 410, 413)
    | {200: {"model": RequestedAnswer, "description": "This rerun had been requested before"}},
)
async def rerun(
    run_id: UUID,
    body: Rerun,
    asking: MayStart,
    gateway: TheGateway,
    trace: TheTrace,
    response: Response,
    key: IdempotencyKey = None,
    at_least: AtLeast = 0,
) -> RequestedAnswer:
    requested = await request_rerun(gateway, asking, trace, run_id, body, key, at_least=at_least)
    return answer_request(response, requested.request, requested.sequence, existing=requested.existing)


async def request_rerun(
    gateway: Gateway,
    asking: Principal,
    trace: Trace,
    run_id: UUID,
    body: Rerun,
    key: str | None,
    *,
    at_least: int = 0,
) -> RequestedRun:
    """Ask for a new run from an old one. Raises what that is refused for."""
    old = await gateway.run(asking, run_id, at_least=at_least)
    entry = await gateway.gate.job_to_start(asking, old.job, old.client)
    core.refuse_retired(entry)
    core.refuse_unknown_dry_run(entry, dry_run=old.dry_run)
    _refuse_unfinished(old)
    _refuse_undecided(old)
    parameters = old.parameters if body.parameters is None else body.parameters
    check_parameters(entry.id, entry.parameters, parameters)
    await gateway.gate.expect_confirmation(asking, entry, old.client, body.confirm, body.reason, old.dry_run)
    keys = await _failed_keys(gateway, asking, old) if body.only == "failed" else None
    request = Requested(
        run_id=new_id()
        if key is None
        else run_id_of(old.client, asking.id, entry.id, f"rerun\n{old.run_id}\n{key}"),
        job=entry.id,
        client=old.client,
        principal=asking.id,
        effective_principal=effective_principal(entry, asking.id),
        trigger=Trigger.RERUN,
        parameters=parameters,
        idempotency_key=key,
        about=old.about if body.parameters is None else references(entry.parameters, parameters),
        rerun_of=old.run_id,
        only_records=keys,
        # What was only to tell what it would do stays so.
        dry_run=old.dry_run,
        reason=body.reason,
        confirmed=core.is_confirmed(entry, body.confirm, body.reason),
        traceparent=trace.traceparent,
    )
    requested = await request_run(gateway.bus, request, entry.lane_for(body.lane))
    if (requested.request.only_records is None) != (keys is None):
        raise IdempotencyConflict(entry.id, key)
    return requested


def _refuse_unfinished(old: RunDetail) -> None:
    if not old.state.final:
        failure = Failure(
            code="run_not_ended",
            cause=f"run {old.run_id} has not ended: it is {old.state}",
            concern=str(old.run_id),
            next_step="Wait for its end, or cancel it first.",
            retryable=True,
        )
        raise ProblemError(failure, state=old.state)


def _refuse_undecided(old: RunDetail) -> None:
    """A rerun would take the doubt over: it could not do the effect either, and the old run could not be
    decided any more."""
    if old.in_doubt:
        effects = ", ".join(doubt.effect for doubt in old.in_doubt)
        failure = Failure(
            code="effect_in_doubt",
            cause=f"nobody has decided yet whether it happened: {effects}",
            concern=str(old.run_id),
            next_step="Find out whether it happened and decide, as the run tells; then run it again.",
        )
        raise ProblemError(failure, state=old.state)


async def _failed_keys(gateway: Gateway, asking: Principal, old: RunDetail) -> list[str]:
    """Keys of the records that failed or are in doubt. Raises `nothing_failed`, `too_many_failed`."""
    keys: list[str] = []
    cursor: str | None = None
    while True:
        query = RecordsQuery(
            run_id=old.run_id,
            outcome=[Outcome.FAILED, Outcome.UNKNOWN],
            limit=1000,
            cursor=cursor,
            **await gateway.gate.scope(asking),
        )
        page = await gateway.ask_of_run(asking, old.run_id, "records", query, RecordsPage)
        keys += [record.key for record in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return core.keys_for_rerun(old.run_id, keys, old.counts)
