"""What a run did, in lists: records, calls, changes, logs, events; and records over all runs."""

from typing import Annotated, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from services.gateway.context import QUERY_TIMEOUT, Gateway, MayReadJobs, TheGateway
from services.gateway.fields import Sequence, Text
from services.gateway.lists import FreshPageFilter
from services.gateway.problems import WrongField, answers, wrong_fields
from shared import subjects
from shared.access import Principal
from shared.commands import (
    CallsPage,
    CallsQuery,
    ChangesQuery,
    EventsPage,
    EventsQuery,
    LogsPage,
    LogsQuery,
    PagedQuery,
    RecordsPage,
    RecordsQuery,
)
from shared.words import LogLevel, Outcome

router = APIRouter(tags=["runs"])

NonEmpty = Annotated[Text, StringConstraints(min_length=1)]
RecordsSort = Literal["position", "key", "outcome", "-time"]
Answer = TypeVar("Answer", bound=BaseModel)


class OutcomesFilter(FreshPageFilter):
    outcome: list[Outcome] = Field(default_factory=list, description="Any of these; give it several times.")


class RecordsFilter(OutcomesFilter):
    key_prefix: NonEmpty | None = Field(default=None, description="How the key begins.")
    sort: RecordsSort = "position"


class LogsFilter(FreshPageFilter):
    level: LogLevel = Field(default=LogLevel.DEBUG, description="This level and those above.")


class HistoryFilter(FreshPageFilter):
    after: Sequence = Field(default=0, description="Only events after this sequence.")


class FoundRecordsFilter(OutcomesFilter):
    key: Text | None = Field(default=None, description="The record: `invoice:INV-4711`.")
    key_prefix: NonEmpty | None = Field(default=None, description="How its key begins.")
    sort: RecordsSort = "-time"


@router.get("/runs/{run_id}/records", summary="Records of a run", responses=answers(404))
async def list_records(
    run_id: UUID, filter: Annotated[RecordsFilter, Query()], asking: MayReadJobs, gateway: TheGateway
) -> RecordsPage:
    return await _list(gateway, asking, run_id, "records", filter, RecordsQuery, RecordsPage)


@router.get("/runs/{run_id}/calls", summary="External calls of a run", responses=answers(404))
async def list_calls(
    run_id: UUID, filter: Annotated[FreshPageFilter, Query()], asking: MayReadJobs, gateway: TheGateway
) -> CallsPage:
    return await _list(gateway, asking, run_id, "calls", filter, CallsQuery, CallsPage)


@router.get("/runs/{run_id}/changes", summary="Records whose data a run changed", responses=answers(404))
async def list_changes(
    run_id: UUID, filter: Annotated[FreshPageFilter, Query()], asking: MayReadJobs, gateway: TheGateway
) -> RecordsPage:
    return await _list(gateway, asking, run_id, "changes", filter, ChangesQuery, RecordsPage)


@router.get("/runs/{run_id}/logs", summary="Log lines of a run", responses=answers(404))
async def list_logs(
    run_id: UUID, filter: Annotated[LogsFilter, Query()], asking: MayReadJobs, gateway: TheGateway
) -> LogsPage:
    return await _list(gateway, asking, run_id, "logs", filter, LogsQuery, LogsPage)


@router.get(
    "/runs/{run_id}/history", summary="Events of a run, as they were published", responses=answers(404)
)
async def list_history(
    run_id: UUID, filter: Annotated[HistoryFilter, Query()], asking: MayReadJobs, gateway: TheGateway
) -> EventsPage:
    return await _list(gateway, asking, run_id, "events", filter, EventsQuery, EventsPage)


@router.get("/records", summary="Every run that touched a record")
async def find_records(
    filter: Annotated[FoundRecordsFilter, Query()], asking: MayReadJobs, gateway: TheGateway
) -> RecordsPage:
    if filter.key is None and filter.key_prefix is None:
        wrong = WrongField(field="key", message="give key or key_prefix")
        raise wrong_fields("request_invalid", [wrong])
    scope = await gateway.gate.scope(asking, filter.at_least)
    query = RecordsQuery(**filter.model_dump(exclude={"at_least"}), **scope)
    return await gateway.bus.ask(
        subjects.query("status", "records"), query, RecordsPage, timeout=QUERY_TIMEOUT
    )


async def _list(
    gateway: Gateway,
    asking: Principal,
    run_id: UUID,
    name: str,
    filter: FreshPageFilter,
    query: type[PagedQuery],
    answer: type[Answer],
) -> Answer:
    """The page that `query.status.<name>` answers about a run. Raises `run_not_found`."""
    scope = await gateway.gate.scope(asking, filter.at_least)
    asked = query.model_validate({"run_id": run_id} | filter.model_dump(exclude={"at_least"}) | scope)
    return await gateway.ask_of_run(asking, run_id, name, asked, answer)
