"""One job: every documented fact, its parameters, what to do about trouble, its last runs and how long."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from services.gateway.context import QUERY_TIMEOUT, TheGateway
from services.gateway.pages.asking import TheVisit
from services.gateway.pages.durations import DurationChart, duration_chart
from services.gateway.pages.navigation import JOBS, Place
from services.gateway.pages.overview import read_overview
from services.gateway.pages.safety import Badge, Start, badge_of, start_of
from services.gateway.pages.schedules.page import schedules_if_known
from services.gateway.pages.schema import Parameter, parameters_of
from services.gateway.pages.troubleshooting import Guide, troubleshooting
from shared import subjects
from shared.access import Principal
from shared.commands import (
    Durations,
    DurationsQuery,
    JobOverview,
    RunsPage,
    RunsQuery,
    RunSummary,
    SchedulesPage,
)
from shared.jobs import CatalogueEntry

router = APIRouter(include_in_schema=False)

#: Runs that the page shows; the run list has the others.
SHOWN_RUNS = 20


@dataclass(frozen=True, slots=True)
class JobPage:
    entry: CatalogueEntry
    badge: Badge
    start: Start
    parameters: Sequence[Parameter]
    #: The newest first.
    runs: Sequence[RunSummary]
    #: None if it never ran, as far as the reader may see.
    overview: JobOverview | None
    chart: DurationChart | None
    #: Whether there are older ones.
    more_runs: bool
    guide: Guide | None
    #: None where the scheduler does not answer.
    schedules: SchedulesPage | None = None


def job_view(
    entry: CatalogueEntry,
    principal: Principal,
    runs: RunsPage,
    overview: JobOverview | None,
    durations: Durations,
    guide: Guide | None,
    schedules: SchedulesPage | None = None,
) -> JobPage:
    return JobPage(
        entry=entry,
        badge=badge_of(entry),
        start=start_of(entry, principal),
        parameters=parameters_of(entry.parameters),
        runs=runs.items,
        overview=overview,
        chart=duration_chart(durations.items, entry.expected_runtime, overview.typical if overview else None),
        more_runs=runs.next_cursor is not None,
        guide=guide,
        schedules=schedules,
    )


@router.get("/jobs/{job_id}")
async def read_job(job_id: str, visit: TheVisit, gateway: TheGateway) -> HTMLResponse:
    principal = visit.principal
    assert principal is not None
    entry = await gateway.gate.job_to_see(principal, job_id)
    scope = await gateway.gate.scope(principal)
    runs, durations, overview, schedules = await asyncio.gather(
        gateway.bus.ask(
            subjects.query("status", "runs"),
            RunsQuery(**scope, job=job_id, limit=SHOWN_RUNS),
            RunsPage,
            timeout=QUERY_TIMEOUT,
        ),
        gateway.bus.ask(
            subjects.query("status", "durations"),
            DurationsQuery(**scope, job=job_id),
            Durations,
            timeout=QUERY_TIMEOUT,
        ),
        read_overview(gateway, principal, job=job_id),
        schedules_if_known(gateway, principal, job=job_id),
    )
    of_job = next(iter(overview.jobs), None)
    guide = troubleshooting(entry.troubleshooting, visit.preferences.language)
    view = job_view(entry, principal, runs, of_job, durations, guide, schedules)
    return visit.page(
        "job.html", trail=(JOBS, Place(entry.title, f"/jobs/{entry.id}", given=True)), view=view
    )
