"""Reports that were made: what they say in a few figures, and their files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from services.gateway.context import TheGateway
from services.gateway.fields import Text
from services.gateway.lists import ClientFilter
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import REPORTS
from services.gateway.pages.rendering import link
from services.gateway.routes.reports import list_reports
from shared.commands import ReportRow, ReportsPage
from shared.words import ReportFormat

router = APIRouter(include_in_schema=False)

#: Rows of a page.
ROWS: Final = 50
#: The jobs that make reports.
JOBS: Final = ("reporting.due-date-report",)
#: What a person calls a format.
FORMATS: Final = {ReportFormat.PDF: "PDF", ReportFormat.XLSX: "Excel", ReportFormat.CSV: "CSV"}
LANGUAGES: Final = {"en": N_("in English"), "de": N_("in German")}


class Wanted(BaseModel):
    """The query string."""

    model_config = ConfigDict(extra="ignore")

    client: Text = ""
    cursor: Text = ""


@dataclass(frozen=True, slots=True)
class ReportsView:
    rows: Sequence[ReportRow]
    client: str
    #: Jobs that the reader may see.
    jobs: Sequence[str]
    next: str | None
    first: str | None


def reports_view(page: ReportsPage, wanted: Wanted, jobs: Sequence[str]) -> ReportsView:
    here = {"client": client} if (client := wanted.client.strip()) else {}
    return ReportsView(
        rows=page.items,
        client=client,
        jobs=jobs,
        next=link(REPORTS.path, **here, cursor=page.next_cursor) if page.next_cursor else None,
        first=link(REPORTS.path, **here) if wanted.cursor else None,
    )


@router.get("/reports")
async def read_reports(
    visit: TheVisit, asking: PageAsking, gateway: TheGateway, wanted: Annotated[Wanted, Query()]
) -> HTMLResponse:
    filter = ClientFilter(
        client=wanted.client.strip() or None, cursor=wanted.cursor.strip() or None, limit=ROWS
    )
    page = await list_reports(filter, asking, gateway)
    visible = {entry.id for entry in await gateway.gate.visible_jobs(asking)}
    view = reports_view(page, wanted, [job for job in JOBS if job in visible])
    return visit.page("reports.html", trail=(REPORTS,), view=view, formats_of=FORMATS, languages=LANGUAGES)
