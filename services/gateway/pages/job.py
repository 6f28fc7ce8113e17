"""One job: every documented fact, its parameters, what to do about trouble, and its last runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from services.gateway.context import QUERY_TIMEOUT, TheGateway
from services.gateway.pages.asking import TheVisit
from services.gateway.pages.navigation import JOBS, Place
from services.gateway.pages.overview import overview_of
from services.gateway.pages.safety import Badge, Start, badge_of, start_of
from services.gateway.pages.schema import Parameter, parameters_of
from services.gateway.pages.troubleshooting import troubleshooting
from shared import subjects
from shared.access import Principal
from shared.commands import RunsPage, RunsQuery, RunSummary
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
    #: Seconds: the median of the successful ones among them.
    typical: float | None
    #: Whether there are older ones.
    more_runs: bool
    troubleshooting: Markup | None


def job_view(entry: CatalogueEntry, principal: Principal, runs: RunsPage, trouble: Markup | None) -> JobPage:
    overview = overview_of(runs.items).jobs.get(entry.id)
    return JobPage(
        entry=entry,
        badge=badge_of(entry),
        start=start_of(entry, principal),
        parameters=parameters_of(entry.parameters),
        runs=runs.items,
        typical=overview.typical if overview else None,
        more_runs=runs.next_cursor is not None,
        troubleshooting=trouble,
    )


@router.get("/jobs/{job_id}")
async def read_job(job_id: str, visit: TheVisit, gateway: TheGateway) -> HTMLResponse:
    assert visit.principal is not None
    entry = await gateway.gate.job_to_see(visit.principal, job_id)
    query = RunsQuery(**await gateway.gate.scope(visit.principal), job=job_id, limit=SHOWN_RUNS)
    runs = await gateway.bus.ask(subjects.query("status", "runs"), query, RunsPage, timeout=QUERY_TIMEOUT)
    view = job_view(entry, visit.principal, runs, troubleshooting(entry.troubleshooting))
    return visit.page(
        "job.html", trail=(JOBS, Place(entry.title, f"/jobs/{entry.id}", given=True)), view=view
    )
