"""The catalogue: every job that the reader may see, whether it is safe, and what it did last."""

import asyncio
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from services.gateway.context import Gateway, TheGateway
from services.gateway.pages.asking import TheVisit
from services.gateway.pages.formats import Formats
from services.gateway.pages.languages import job_text
from services.gateway.pages.overview import read_last_runs, read_overview
from services.gateway.pages.preferences import Language
from services.gateway.pages.remembered import Same
from services.gateway.pages.safety import Badge, Start, badge_of, start_of
from services.gateway.pages.schedules.page import SCHEDULES_TIMEOUT, schedules_if_known
from services.gateway.routes.watch import read_watched
from shared.access import Principal
from shared.commands import Overview, RunGlance, ScheduleRow, SchedulesPage, WatchCase, Watched
from shared.errors import TagwerkError
from shared.jobs import CatalogueEntry
from shared.words import Kind

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class JobRow:
    entry: CatalogueEntry
    #: By which it is sorted: in the reader's language, without case.
    title: str
    badge: Badge
    #: What the filter looks through: in lower case, in the reader's language and in English.
    words: str
    start: Start
    #: The run that was requested last; None if it never ran, as far as the reader may see.
    last: RunGlance | None
    #: Seconds that its last runs took; None where nobody knows.
    typical: float | None
    #: The next occurrence of any of its schedules.
    next: ScheduleRow | None = None

    def key(self, formats: Formats) -> Hashable:
        last, coming = self.last, self.next
        return (
            Same(self.entry),
            self.start,
            self.typical,
            last and (last.run_id, last.sequence, formats.passed(last.requested_at)),
            coming and coming.next and (coming.schedule.id, coming.schedule.rule.zone, coming.next.fires_at),
        )


@dataclass(frozen=True, slots=True)
class Module:
    """The jobs of one module within a kind, by title."""

    name: str
    rows: Sequence[JobRow]


@dataclass(frozen=True, slots=True)
class Section:
    """The jobs of one kind, by module."""

    kind: Kind
    modules: Sequence[Module]


@dataclass(frozen=True, slots=True)
class Catalogue:
    #: In the order of `Kind`.
    sections: Sequence[Section]
    overview: Overview
    #: What was typed into the filter.
    filter: str
    #: Jobs that the filter left, and all of them.
    shown: int
    total: int
    #: Occurrences that were missed and seen by nobody; None where the scheduler does not answer.
    missed: int | None = None
    #: What does not go on, the earliest first, with the job as far as it is known.
    stuck: Sequence[tuple[WatchCase, CatalogueEntry | None]] = ()


def catalogue_view(
    entries: Iterable[CatalogueEntry],
    principal: Principal,
    overview: Overview,
    *,
    last_runs: Iterable[RunGlance] = (),
    schedules: SchedulesPage | None = None,
    watched: Watched | None = None,
    filter: str = "",
    language: Language = "en",
) -> Catalogue:
    """`entries`: the jobs that `principal` may see. Retired ones are left out."""
    entries = list(entries)
    typical = {job.job: job.typical for job in overview.jobs}
    last = {run.job: run for run in last_runs}
    coming = _coming(schedules.items if schedules else ())
    rows = [
        JobRow(
            entry,
            *_facts(Same(entry), language),
            _start(Same(entry), principal.active, principal.roles),
            last.get(entry.id),
            typical.get(entry.id),
            coming.get(entry.id),
        )
        for entry in entries
        if not entry.retired
    ]
    wanted = filter.lower().split()
    shown = [row for row in rows if all(word in row.words for word in wanted)]
    missed = None if schedules is None else sum(row.missed for row in schedules.items)
    known = {entry.id: entry for entry in entries}
    stuck = [(case, known.get(case.job)) for case in (watched.items if watched else ())]
    return Catalogue(_sections(shown), overview, filter, len(shown), len(rows), missed, stuck)


def _coming(schedules: Iterable[ScheduleRow]) -> dict[str, ScheduleRow]:
    """Of each job the schedule that fires first."""
    firing = [(row.next.fires_at, row.schedule.id, row) for row in schedules if row.next is not None]
    return {row.schedule.job: row for _, _, row in sorted(firing, key=lambda one: one[:2], reverse=True)}


def _sections(rows: Iterable[JobRow]) -> list[Section]:
    found: dict[Kind, dict[str, list[JobRow]]] = {}
    for row in sorted(rows, key=lambda row: row.title):
        found.setdefault(row.entry.kind, {}).setdefault(row.entry.access.module, []).append(row)
    return [
        Section(kind, [Module(name, found[kind][name]) for name in sorted(found[kind])])
        for kind in Kind
        if kind in found
    ]


@lru_cache(4_000)
def _facts(same: Same[CatalogueEntry], language: Language) -> tuple[str, Badge, str]:
    """Title, badge and words of a row, as long as the entry stays the same."""
    entry = same.thing
    texts = [entry.title, entry.description, entry.owner, entry.access.module]
    here = [job_text(language, text)[0] for text in texts]
    words = " ".join([entry.id, *dict.fromkeys([*here, *texts])]).lower()
    return here[0].casefold(), badge_of(entry), words


@lru_cache(4_000)
def _start(same: Same[CatalogueEntry], active: bool, roles: frozenset[str]) -> Start:
    """Whether somebody may start it, which depends on nothing else of them."""
    return start_of(same.thing, Principal(id="somebody", name="", active=active, roles=roles))


async def _watched_if_known(gateway: Gateway, principal: Principal) -> Watched | None:
    try:
        return await read_watched(gateway, principal, timeout=SCHEDULES_TIMEOUT)
    except TagwerkError:
        return None


@router.get("/")
async def read_catalogue(
    visit: TheVisit,
    gateway: TheGateway,
    q: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    principal = visit.principal
    assert principal is not None
    entries = await gateway.gate.visible_jobs(principal)
    overview, last_runs, schedules, watched = await asyncio.gather(
        read_overview(gateway, principal),
        read_last_runs(gateway, principal),
        schedules_if_known(gateway, principal),
        _watched_if_known(gateway, principal),
    )
    view = catalogue_view(
        entries,
        principal,
        overview,
        last_runs=last_runs,
        schedules=schedules,
        watched=watched,
        filter=q.strip(),
        language=visit.preferences.language,
    )
    return visit.page("catalogue.html", view=view)
