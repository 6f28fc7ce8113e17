"""What a run did, in lists: records, calls, changes, logs, events; and records over all runs."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from services.gateway.context import QUERY_TIMEOUT, AtLeast, MayReadJobs, TheGateway
from services.gateway.fields import Sequence, Text
from services.gateway.problems import WrongField, answers, wrong_fields
from shared import subjects
from shared.commands import (
    CallsPage,
    CallsQuery,
    ChangesQuery,
    EventsPage,
    EventsQuery,
    LogsPage,
    LogsQuery,
    RecordsPage,
    RecordsQuery,
)
from shared.words import LogLevel, Outcome

router = APIRouter(tags=["runs"])

Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]
NonEmpty = Annotated[Text, StringConstraints(min_length=1)]
RecordsSort = Literal["position", "key", "outcome", "-time"]
Outcomes = Annotated[list[Outcome], Query(description="Any of these; give it several times.")]


@router.get("/runs/{run_id}/records", summary="Records of a run", responses=answers(404))
async def list_records(
    run_id: UUID,
    asking: MayReadJobs,
    gateway: TheGateway,
    outcome: Outcomes = [],  # noqa: B006  (FastAPI copies it)
    sort: RecordsSort = "position",
    limit: Limit = 50,
    cursor: Cursor = None,
    at_least: AtLeast = 0,
) -> RecordsPage:
    scope = await gateway.gate.scope(asking, at_least)
    query = RecordsQuery(run_id=run_id, outcome=outcome, sort=sort, limit=limit, cursor=cursor, **scope)
    return await gateway.ask_of_run(asking, run_id, "records", query, RecordsPage)


@router.get("/runs/{run_id}/calls", summary="External calls of a run", responses=answers(404))
async def list_calls(
    run_id: UUID,
    asking: MayReadJobs,
    gateway: TheGateway,
    limit: Limit = 50,
    cursor: Cursor = None,
    at_least: AtLeast = 0,
) -> CallsPage:
    scope = await gateway.gate.scope(asking, at_least)
    query = CallsQuery(run_id=run_id, limit=limit, cursor=cursor, **scope)
    return await gateway.ask_of_run(asking, run_id, "calls", query, CallsPage)


@router.get("/runs/{run_id}/changes", summary="Records whose data a run changed", responses=answers(404))
async def list_changes(
    run_id: UUID,
    asking: MayReadJobs,
    gateway: TheGateway,
    limit: Limit = 50,
    cursor: Cursor = None,
    at_least: AtLeast = 0,
) -> RecordsPage:
    scope = await gateway.gate.scope(asking, at_least)
    query = ChangesQuery(run_id=run_id, limit=limit, cursor=cursor, **scope)
    return await gateway.ask_of_run(asking, run_id, "changes", query, RecordsPage)


@router.get("/runs/{run_id}/logs", summary="Log lines of a run", responses=answers(404))
async def list_logs(
    run_id: UUID,
    asking: MayReadJobs,
    gateway: TheGateway,
    level: Annotated[LogLevel, Query(description="This level and those above.")] = LogLevel.DEBUG,
    limit: Limit = 50,
    cursor: Cursor = None,
    at_least: AtLeast = 0,
) -> LogsPage:
    scope = await gateway.gate.scope(asking, at_least)
    query = LogsQuery(run_id=run_id, level=level, limit=limit, cursor=cursor, **scope)
    return await gateway.ask_of_run(asking, run_id, "logs", query, LogsPage)


@router.get(
    "/runs/{run_id}/history", summary="Events of a run, as they were published", responses=answers(404)
)
async def list_history(
    run_id: UUID,
    asking: MayReadJobs,
    gateway: TheGateway,
    after: Annotated[Sequence, Query(description="Only events after this sequence.")] = 0,
    limit: Limit = 50,
    cursor: Cursor = None,
    at_least: AtLeast = 0,
) -> EventsPage:
    scope = await gateway.gate.scope(asking, at_least)
    query = EventsQuery(run_id=run_id, after=after, limit=limit, cursor=cursor, **scope)
    return await gateway.ask_of_run(asking, run_id, "events", query, EventsPage)


@router.get("/records", summary="Every run that touched a record")
async def find_records(
    asking: MayReadJobs,
    gateway: TheGateway,
    key: Annotated[Text | None, Query(description="The record: `invoice:INV-4711`.")] = None,
    key_prefix: Annotated[NonEmpty | None, Query(description="How its key begins.")] = None,
    outcome: Outcomes = [],  # noqa: B006  (FastAPI copies it)
    sort: RecordsSort = "-time",
    limit: Limit = 50,
    cursor: Cursor = None,
    at_least: AtLeast = 0,
) -> RecordsPage:
    if key is None and key_prefix is None:
        wrong = WrongField(field="key", message="give key or key_prefix")
        raise wrong_fields("request_invalid", [wrong])
    scope = await gateway.gate.scope(asking, at_least)
    query = RecordsQuery(
        key=key, key_prefix=key_prefix, outcome=outcome, sort=sort, limit=limit, cursor=cursor, **scope
    )
    return await gateway.bus.ask(
        subjects.query("status", "records"), query, RecordsPage, timeout=QUERY_TIMEOUT
    )
