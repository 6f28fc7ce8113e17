"""One run: its state in a sentence, the seven answers, its course as a picture, everything that it did, and
what can be done about it."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from services.gateway.context import Gateway, TheGateway
from services.gateway.identity.asker import Asker
from services.gateway.lists import FreshPageFilter
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.codes import title_of
from services.gateway.pages.navigation import RUNS, Place
from services.gateway.pages.rendering import Visit
from services.gateway.pages.run.family import read_family
from services.gateway.pages.run.picture import Picture, picture_of
from services.gateway.pages.run.possibilities import Possibilities, possibilities_of
from services.gateway.pages.run.tabs import TABS, Asked, Tab, as_json, read_tab, trace_id_of
from services.gateway.pages.run.ticket import ticket_of
from services.gateway.pages.troubleshooting import troubleshooting
from services.gateway.problems import status_of
from services.gateway.routes.records import list_calls
from shared.commands import CallRow, RunDetail, RunTree
from shared.errors import Failure, TagwerkError
from shared.ids import new_id
from shared.jobs import CatalogueEntry
from shared.service import SOFTWARE_VERSION

router = APIRouter(include_in_schema=False)

#: External calls that the picture shows.
CALLS_DRAWN = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """What somebody wanted from the run and did not get, and what they had typed for it."""

    failure: Failure
    #: A message; None for a code that no page knows by name.
    title: str | None
    #: `cancel`, `rerun`, `rerun-failed`, or the effect to decide on.
    wanted: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunPage:
    run: RunDetail
    #: None if the catalogue does not know the job.
    entry: CatalogueEntry | None
    possibilities: Possibilities
    picture: Picture
    #: None where it stands alone.
    family: RunTree | None
    tab: Tab
    #: For support, as plain text.
    ticket: str
    #: Where the job's page tells what to do about this failure.
    advice: str | None
    #: Makes a rerun that is sent twice from this page one rerun.
    key: str
    refusal: Refusal | None = None


@router.get("/runs/{run_id}")
async def read_run_page(
    run_id: UUID, asked: Annotated[Asked, Query()], visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> HTMLResponse:
    return await show(visit, asking, gateway, run_id, asked)


async def show(
    visit: Visit, asking: Asker, gateway: Gateway, run_id: UUID, asked: Asked, refusal: Refusal | None = None
) -> HTMLResponse:
    """The page, or the part of it that changes. Raises `run_not_found`, also for a hidden run."""
    run = await gateway.run(asking, run_id, at_least=asked.at_least, timeline=asked.tab == "events")
    entry = await _entry(gateway, asking, run.job)
    calls, family, tab = await asyncio.gather(
        _calls(gateway, asking, run),
        read_family(gateway, asking, run),
        read_tab(gateway, asking, run, entry, asked),
    )
    view = RunPage(
        run=run,
        entry=entry,
        possibilities=possibilities_of(run, entry, asking),
        picture=picture_of(run, calls, datetime.now(UTC)),
        family=family,
        tab=tab,
        ticket=ticket_of(
            run,
            version=SOFTWARE_VERSION,
            url=f"{_address(visit, gateway)}/runs/{run_id}",
            trace_id=trace_id_of(run),
        ),
        advice=advice_of(entry, run.failure),
        key=str(new_id()),
        refusal=refusal,
    )
    title = entry.title if entry else run.job
    return visit.page(
        "run/part.html" if asked.fragment else "run/page.html",
        trail=(RUNS, Place(title, f"/runs/{run_id}", given=True)),
        status=200 if refusal is None else status_of(refusal.failure),
        view=view,
        tab_names=TABS,
        as_json=as_json,
    )


def _address(visit: Visit, gateway: Gateway) -> str:
    """Where the gateway is: the header `Host` tells it only where nobody has set it."""
    url = visit.request.url
    return (gateway.settings.public_url or f"{url.scheme}://{url.netloc}").rstrip("/")


def refusal_of(error: TagwerkError, wanted: str, reason: str) -> Refusal:
    return Refusal(error.failure, title_of(error.failure.code), wanted, reason)


def advice_of(entry: CatalogueEntry | None, failure: Failure | None) -> str | None:
    """The place in the job's page that speaks of the failure's code, else where it speaks of trouble."""
    if entry is None or failure is None:
        return None
    guide = troubleshooting(entry.troubleshooting)
    if guide is None:
        return None
    place = failure.code if f'id="{failure.code}"' in guide.html else "trouble"
    return f"/jobs/{entry.id}#{place}"


async def _entry(gateway: Gateway, asking: Asker, job: str) -> CatalogueEntry | None:
    """Who sees a run sees its job, unless the catalogue does not know it."""
    try:
        return await gateway.gate.job_to_see(asking, job)
    except TagwerkError as error:
        if error.failure.code != "job_not_found":
            raise
        return None


async def _calls(gateway: Gateway, asking: Asker, run: RunDetail) -> list[CallRow]:
    if not run.calls:
        return []
    return (await list_calls(run.run_id, FreshPageFilter(limit=CALLS_DRAWN), asking, gateway)).items
