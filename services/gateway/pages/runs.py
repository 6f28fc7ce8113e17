"""The list of runs: by any filter, in any order, page by page."""

import asyncio
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.gateway.context import QUERY_TIMEOUT, TheGateway
from services.gateway.fields import Text
from services.gateway.pages.asking import TheVisit
from services.gateway.pages.formats import Formats
from services.gateway.pages.languages import N_, job_text
from services.gateway.pages.navigation import RUNS
from services.gateway.pages.overview import read_overview
from services.gateway.pages.preferences import Language
from services.gateway.pages.rendering import link
from shared import subjects
from shared.access import EVERY_CLIENT, Principal
from shared.commands import Overview, RunSort, RunsPage, RunsQuery, RunSummary
from shared.jobs import CatalogueEntry
from shared.words import RunState, Trigger

router = APIRouter(include_in_schema=False)

#: Runs on a page.
ROWS = 50

#: What no control of the form gives: what a link from elsewhere asked for, and in which words.
_GIVEN: Mapping[str, str] = {
    "record_key": N_("touched the record"),
    "about": N_("are about"),
    "rerun_of": N_("are reruns of"),
    "caused_by_run": N_("were caused by the run"),
    "caused_by_event": N_("were caused by the event"),
}


def _none_if_empty(value: Any) -> Any:
    """A field of a form that was left empty."""
    return None if isinstance(value, str) and not value.strip() else value


_Empty = BeforeValidator(_none_if_empty)
#: As far as clocks and zones reach.
_Day = Annotated[date, Field(ge=date(1970, 1, 1), lt=date(3000, 1, 1))]
Words = Annotated[Text | None, _Empty]


class Wanted(BaseModel):
    """The query string: the form, and what links ask for besides."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    state: list[RunState] = Field(default_factory=list)
    action_required: Annotated[bool | None, _Empty] = None
    job: Words = None
    client: Words = None
    principal: Words = None
    trigger: Annotated[Trigger | None, _Empty] = None
    #: Days in the reader's zone; both belong to the period.
    since: Annotated[_Day | None, _Empty] = None
    until: Annotated[_Day | None, _Empty] = None
    record_key: Words = None
    about: Words = None
    rerun_of: Annotated[UUID | None, _Empty] = None
    caused_by_run: Annotated[UUID | None, _Empty] = None
    caused_by_event: Annotated[UUID | None, _Empty] = None
    sort: RunSort = "-requested_at"
    cursor: Words = None

    def link(self, **changes: Any) -> str:
        """This list with something changed, from its beginning."""
        given = self.model_dump(mode="json", exclude_defaults=True, exclude={"cursor"})
        return link("/runs", **(given | changes))

    @property
    def filtered(self) -> bool:
        return bool(self.model_dump(exclude_defaults=True, exclude={"cursor", "sort"}))

    @property
    def counted(self) -> bool:
        """Whether the numbers of all runs by state hold for what is asked for."""
        asked = self.model_dump(exclude_defaults=True)
        return not asked.keys() - {"state", "action_required", "job", "client", "sort", "cursor"}

    def query(self, zone: ZoneInfo) -> dict[str, Any]:
        """The fields of a `RunsQuery`."""
        asked = self.model_dump(exclude={"since", "until"})
        # Later than the last moment before the day.
        after = None if self.since is None else _begin(self.since, zone) - timedelta(microseconds=1)
        before = None if self.until is None else _begin(self.until + timedelta(days=1), zone)
        return {**asked, "requested_after": after, "requested_before": before, "limit": ROWS}


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


@dataclass(frozen=True, slots=True)
class Chip:
    """Something that is shown or not, at one click."""

    name: str
    #: None where nobody has counted.
    number: int | None
    path: str
    on: bool
    state: RunState | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A filter that came with a link, and how it is taken away."""

    name: str
    words: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class Column:
    """How a click on the head of a column sorts, and how it is sorted."""

    path: str | None
    sorted: str | None


@dataclass(frozen=True, slots=True)
class RunRow:
    run: RunSummary
    #: None for a job that the catalogue does not know.
    title: str | None

    def key(self, formats: Formats) -> Hashable:
        run = self.run
        ended = run.finished_at and formats.passed(run.finished_at)
        return run.run_id, run.sequence, self.title, formats.passed(run.requested_at), ended


@dataclass(frozen=True, slots=True)
class RunsView:
    wanted: Wanted
    rows: Sequence[RunRow]
    chips: Sequence[Chip]
    given: Sequence[Given]
    columns: Mapping[str, Column]
    #: Id and title of the jobs to choose from, by title.
    jobs: Sequence[tuple[str, str]]
    #: Clients to choose from; None where any name may be meant.
    clients: Sequence[str] | None
    triggers: Sequence[Trigger]
    next: str | None
    first: str | None
    #: A filter is in use that is rarely wanted, and would hide.
    opened: bool


def runs_view(
    wanted: Wanted,
    page: RunsPage,
    overview: Overview | None,
    entries: Iterable[CatalogueEntry],
    principal: Principal,
    language: Language = "en",
) -> RunsView:
    """`overview`: the numbers for the chips, where they hold for what is asked for."""
    titles = {entry.id: job_text(language, entry.title)[0] for entry in entries}
    jobs = sorted(titles.items(), key=lambda job: job[1].casefold())
    if wanted.job is not None and wanted.job not in titles:
        jobs = [(wanted.job, wanted.job), *jobs]
    clients = None if EVERY_CLIENT in principal.clients else sorted(principal.clients)
    return RunsView(
        wanted=wanted,
        rows=[RunRow(run, titles.get(run.job)) for run in page.items],
        chips=_chips(wanted, overview),
        given=[
            Given(name, words, str(value), wanted.link(**{name: None}))
            for name, words in _GIVEN.items()
            if (value := getattr(wanted, name)) is not None
        ],
        columns=_columns(wanted),
        jobs=jobs,
        clients=clients,
        triggers=list(Trigger),
        next=wanted.link(cursor=page.next_cursor) if page.next_cursor else None,
        first=wanted.link() if wanted.cursor else None,
        opened=any((wanted.principal, wanted.trigger, wanted.since, wanted.until)),
    )


def _chips(wanted: Wanted, overview: Overview | None) -> list[Chip]:
    action = None if overview is None else overview.action_required
    on = wanted.action_required is True
    chips = [Chip(N_("needs attention"), action, wanted.link(action_required=None if on else "true"), on)]
    for state in RunState:
        on = state in wanted.state
        number = None if overview is None else overview.states.get(state, 0)
        states = [one.value for one in RunState if (one in wanted.state) is not (one is state)]
        if on or number != 0:
            chips.append(Chip(state.value, number, wanted.link(state=states), on, state))
    return chips


#: Column -> its order, and the other way round; the names of jobs have one order only.
_ORDERS: Mapping[str, tuple[RunSort, RunSort]] = {
    "job": ("job", "job"),
    "requested": ("-requested_at", "requested_at"),
    "ended": ("-finished_at", "finished_at"),
    "duration": ("-duration", "duration"),
}


def _columns(wanted: Wanted) -> dict[str, Column]:
    found = {}
    for name, (first, second) in _ORDERS.items():
        sorted = None
        if wanted.sort in (first, second):
            sorted = "descending" if wanted.sort.startswith("-") else "ascending"
        other = second if wanted.sort == first else first
        found[name] = Column(None if other == wanted.sort else wanted.link(sort=other), sorted)
    return found


@router.get("/runs")
async def read_runs(wanted: Annotated[Wanted, Query()], visit: TheVisit, gateway: TheGateway) -> HTMLResponse:
    principal = visit.principal
    assert principal is not None
    scope = await gateway.gate.scope(principal)
    query = RunsQuery(**scope, **wanted.query(visit.preferences.zone))
    asked = gateway.bus.ask(subjects.query("status", "runs"), query, RunsPage, timeout=QUERY_TIMEOUT)
    if wanted.counted:
        page, overview = await asyncio.gather(
            asked,
            read_overview(gateway, principal, job=wanted.job, client=wanted.client),
        )
    else:
        page, overview = await asked, None
    entries = await gateway.gate.visible_jobs(principal)
    view = runs_view(wanted, page, overview, entries, principal, visit.preferences.language)
    return visit.page("runs.html", trail=(RUNS,), view=view)
