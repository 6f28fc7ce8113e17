"""Traces for who operates the platform: what took longest and what failed, and one trace as a waterfall."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.gateway.context import TheGateway
from services.gateway.fields import Text
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import TRACES, Place
from services.gateway.pages.rendering import link
from services.gateway.pages.waterfall import Waterfall, waterfall_of
from services.gateway.routes.traces import TraceId, TracesFilter, list_traces, read_trace
from shared.commands import Trace, TraceRow

router = APIRouter(include_in_schema=False)

#: What to look for, and its tab.
WHAT = {"slowest": N_("Slowest"), "failed": N_("Failed")}
#: Hours to choose from.
HOURS = {1: N_("the last hour"), 24: N_("the last day"), 72: N_("the last three days")}

_Empty = BeforeValidator(lambda value: None if isinstance(value, str) and not value.strip() else value)


class Wanted(BaseModel):
    """The query string. What cannot be read is left out."""

    model_config = ConfigDict(extra="ignore")

    what: Annotated[str, Field(pattern="^(slowest|failed)$")] = "slowest"
    hours: Annotated[int, Field(ge=1, le=720)] = 24
    service: Annotated[Text | None, _Empty] = None
    name: Annotated[Text | None, _Empty] = None

    @property
    def filtered(self) -> bool:
        return self.service is not None or self.name is not None

    def link(self, **changes: Any) -> str:
        return link(TRACES.path, **(self.model_dump(exclude_defaults=True) | changes))


@dataclass(frozen=True, slots=True)
class TracesView:
    wanted: Wanted
    rows: Sequence[TraceRow]
    #: Hundredths of the longest, for a bar beside each.
    shares: Sequence[float]
    services: Sequence[str]
    #: Days that spans are kept; 0 where they are not.
    days: int


@dataclass(frozen=True, slots=True)
class TraceView:
    trace: Trace
    waterfall: Waterfall


@router.get("/traces")
async def read_traces_page(
    wanted: Annotated[Wanted, Query()], visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> HTMLResponse:
    filter = TracesFilter.model_validate(wanted.model_dump())
    page = await list_traces(filter, asking, gateway)
    longest = max((row.microseconds for row in page.items), default=0) or 1
    view = TracesView(
        wanted=wanted,
        rows=page.items,
        shares=[round(row.microseconds / longest * 100, 1) for row in page.items],
        services=page.services,
        days=page.days,
    )
    return visit.page("traces.html", trail=(TRACES,), view=view, what=WHAT, hours=HOURS)


@router.get("/traces/{trace_id}")
async def read_trace_page(
    trace_id: Annotated[TraceId, Path()], visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> HTMLResponse:
    trace = await read_trace(trace_id, asking, gateway)
    shown = waterfall_of(trace)
    assert shown is not None, "a trace without spans is not found"
    here = Place(trace_id[:8], f"{TRACES.path}/{trace_id}", given=True)
    return visit.page("trace.html", trail=(TRACES, here), view=TraceView(trace, shown))
