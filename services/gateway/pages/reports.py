"""Reports that were made: what they say in a few figures, and their files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from services.gateway.context import TheGateway
from services.gateway.fields import Text
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import REPORTS
from services.gateway.pages.rendering import link
from services.gateway.routes.reports import ReportsFilter, list_reports
from shared.commands import ReportRow, ReportsPage
from shared.words import ReportFormat

router = APIRouter(include_in_schema=False)

#: Rows of a page.
ROWS: Final = 50
#: The jobs that make reports, and what their button says.
JOBS: Final = {
    "reporting.due-date-report": N_("New due date report"),
    "reporting.exception-report": N_("New exception report"),
    "reporting.audit-report": N_("New audit report"),
}
SEND: Final = "reporting.send-now"
#: Kinds of reports, as they are chosen.
KINDS: Final = {
    "due-dates": N_("Due invoices"),
    "exceptions": N_("Exceptions"),
    "reminders": N_("Reminders"),
    "audit": N_("Who did what"),
}
#: What a person calls a format.
FORMATS: Final = {ReportFormat.PDF: "PDF", ReportFormat.XLSX: "Excel", ReportFormat.CSV: "CSV"}
LANGUAGES: Final = {"en": N_("in English"), "de": N_("in German")}


class Wanted(BaseModel):
    """The query string."""

    model_config = ConfigDict(extra="ignore")

    client: Text = ""
    kind: Text = ""
    cursor: Text = ""

    @property
    def filters(self) -> dict[str, str]:
        """What narrows the list."""
        given = {"client": self.client.strip(), "kind": self.kind.strip()}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class ReportsView:
    rows: Sequence[ReportRow]
    client: str
    kind: str
    #: The jobs that make reports, of those that the reader may see.
    jobs: Mapping[str, str]
    #: Whether there is a way to send one.
    sends: bool
    next: str | None
    first: str | None

    @property
    def filtered(self) -> bool:
        return bool(self.client or self.kind)


def reports_view(page: ReportsPage, wanted: Wanted, visible: Collection[str]) -> ReportsView:
    """`visible`: ids of the jobs that the reader may see."""
    here = wanted.filters
    return ReportsView(
        rows=page.items,
        client=here.get("client", ""),
        kind=here.get("kind", ""),
        jobs={job: name for job, name in JOBS.items() if job in visible},
        sends=SEND in visible,
        next=link(REPORTS.path, **here, cursor=page.next_cursor) if page.next_cursor else None,
        first=link(REPORTS.path, **here) if wanted.cursor else None,
    )


@router.get("/reports")
async def read_reports(
    visit: TheVisit, asking: PageAsking, gateway: TheGateway, wanted: Annotated[Wanted, Query()]
) -> HTMLResponse:
    filter = ReportsFilter(**wanted.filters, cursor=wanted.cursor.strip() or None, limit=ROWS)
    page = await list_reports(filter, asking, gateway)
    visible = {entry.id for entry in await gateway.gate.visible_jobs(asking)}
    view = reports_view(page, wanted, visible)
    return visit.page(
        "reports.html",
        trail=(REPORTS,),
        view=view,
        formats_of=FORMATS,
        languages=LANGUAGES,
        kinds=KINDS,
        send=SEND,
    )
