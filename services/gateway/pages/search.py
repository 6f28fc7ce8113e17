"""The search: one box for runs, records, jobs and documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from services.gateway.context import TheGateway
from services.gateway.fields import Text
from services.gateway.finding import FoundItem, SearchResults, Unanswered, find
from services.gateway.pages.asking import TheVisit
from services.gateway.pages.languages import N_, job_text
from services.gateway.pages.navigation import Place
from services.gateway.pages.rendering import link

router = APIRouter(include_in_schema=False)

SEARCH = Place(N_("Search"), "/search")
#: Items of each kind.
LIMIT = 25

#: In the order in which they are shown.
_KINDS: Mapping[str, str] = {
    "run": N_("Runs"), "document": N_("Documents"), "job": N_("Jobs"), "record": N_("Records"),
}  # fmt: skip

_WHY: Mapping[str, str] = {
    "run_id": N_("this is its id"),
    "run_id_beginning": N_("its id begins so"),
    "record_key": N_("this is its key"),
    "record_key_beginning": N_("its key begins so"),
    "job_id": N_("this is its id"),
    "job_title": N_("its name says so"),
    "document_id": N_("this is its id"),
    "document_id_beginning": N_("its id begins so"),
    "file_name": N_("this is the name of the file"),
    "file_name_beginning": N_("the name of the file begins so"),
    "invoice_number": N_("this is the number of its invoice"),
    "invoice_number_beginning": N_("the number of its invoice begins so"),
}

#: What does not know, in words.
_PARTS: Mapping[str, str] = {
    "status": N_("Runs and records were not searched"),
    "documents": N_("Documents were not searched"),
}


@dataclass(frozen=True, slots=True)
class Hit:
    item: FoundItem
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    hits: Sequence[Hit]


@dataclass(frozen=True, slots=True)
class Missing:
    words: str
    part: Unanswered


@dataclass(frozen=True, slots=True)
class SearchPage:
    #: What was typed.
    q: str
    groups: Sequence[Group]
    more: bool
    missing: Sequence[Missing]
    total: int


def search_view(q: str, found: SearchResults) -> SearchPage:
    """What is just what was typed stands in front: its kind, and it within its kind."""
    kinds = sorted(_KINDS, key=lambda kind: not any(i.whole for i in found.items if i.kind == kind))
    groups = [
        Group(
            _KINDS[kind],
            [Hit(item, _path(item), _WHY[item.match]) for item in found.items if item.kind == kind],
        )
        for kind in kinds
    ]
    return SearchPage(
        q=q,
        groups=[group for group in groups if group.hits],
        more=found.more,
        missing=[Missing(_PARTS.get(part.part, part.part), part) for part in found.unanswered],
        total=len(found.items),
    )


def _path(item: FoundItem) -> str:
    """The page of what was found; of a record the runs that touched it."""
    if item.kind == "record":
        return link("/runs", record_key=item.id)
    return {"run": "/runs/", "job": "/jobs/", "document": "/documents/"}[item.kind] + item.id


@router.get("/search")
async def read_search(
    visit: TheVisit,
    gateway: TheGateway,
    q: Annotated[Text, Query(max_length=200)] = "",
) -> HTMLResponse:
    assert visit.principal is not None
    typed, language = q.strip(), visit.preferences.language
    found = SearchResults(items=[])
    if typed:
        found = await find(
            gateway, visit.principal, typed, LIMIT, name=lambda entry: job_text(language, entry.title)[0]
        )
    return visit.page("search.html", trail=(SEARCH,), view=search_view(typed, found), searched=typed)
