"""Live events of a run."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from services.gateway.context import AtLeast, MayReadJobs, TheGateway
from services.gateway.fields import Sequence
from services.gateway.live import EventStream
from services.gateway.problems import answers

router = APIRouter(tags=["runs"])


@router.get(
    "/runs/{run_id}/events",
    summary="Live events of a run (server-sent events)",
    description="The events so far, then those that come, each with its sequence as `id` and its type as "
    "`event`; a comment every 10 s while nothing happens; `event: end` after the end of the run; `event: "
    "closed` with the reason when the session or token has ended, or the run may not be seen any more. A "
    "client that lost its connection sends the last `id` as `Last-Event-ID` and misses nothing.",
    response_class=StreamingResponse,
    responses=answers(404, 429) | {200: {"content": {"text/event-stream": {}}}},
)
async def follow_run(
    run_id: UUID,
    request: Request,
    asking: MayReadJobs,
    gateway: TheGateway,
    last_event_id: Annotated[Sequence, Header(alias="Last-Event-ID")] = 0,
    after: Annotated[Sequence, Query(description="As Last-Event-ID, for who cannot set headers.")] = 0,
    wait: Annotated[float, Query(ge=0, le=30, description="Seconds to wait for the run to be there.")] = 0,
    at_least: AtLeast = 0,
) -> EventStream:
    run = await gateway.run(asking, run_id, at_least=at_least, wait=wait, until_final=False, timeline=False)
    gateway.live.check_limit(asking.id)
    why_over = partial(gateway.why_over, request.state.holder, run)
    return EventStream(gateway.live.follow(asking.id, run, max(last_event_id, after), why_over))
