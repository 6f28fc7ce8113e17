"""One search over everything: each part asks who knows, at the same time, and says so if it does not know."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from pydantic import BaseModel, Field

from services.gateway.context import Gateway
from services.gateway.identity.asker import Asker
from shared import subjects
from shared.access import Principal
from shared.commands import SearchHit, SearchHits, SearchQuery
from shared.errors import TagwerkError
from shared.jobs import CatalogueEntry

#: Seconds after which a part of the search is left out, and that is said.
PATIENCE = 2.0

#: What is found first, where it matches alike.
_ORDER = ("run", "document", "job", "record")

#: Why it was found, in words.
_WHY = {
    "run_id": "the id of the run",
    "run_id_beginning": "the id of the run begins so",
    "record_key": "the key of the record",
    "record_key_beginning": "the key of the record begins so",
    "job_id": "the id of the job",
    "job_title": "the words stand in the job's name",
    "document_id": "the id of the document",
    "document_id_beginning": "the id of the document begins so",
    "file_name": "the name of the file",
    "file_name_beginning": "the name of the file begins so",
    "invoice_number": "the number of the invoice",
    "invoice_number_beginning": "the number of the invoice begins so",
}


class FoundItem(SearchHit):
    #: Why it was found, in words.
    why: str
    #: Where to read it, below the address of the gateway.
    link: str


class Unanswered(BaseModel):
    """A part of the search that did not answer: what it knows is missing."""

    part: str
    cause: str
    next_step: str


class SearchResults(BaseModel):
    items: list[FoundItem]
    #: There is more that matches: more of it typed finds less.
    more: bool = False
    unanswered: list[Unanswered] = Field(default_factory=list)


@dataclass(slots=True)
class _Part:
    found: SearchHits = field(default_factory=lambda: SearchHits(items=[]))
    unanswered: Unanswered | None = None


async def find(
    gateway: Gateway,
    asking: Principal,
    q: str,
    limit: int,
    name: Callable[[CatalogueEntry], str] = lambda entry: entry.title,
) -> SearchResults:
    """Everything that `asking` may see and that is, or begins with, what was typed. `name`: what the asker
    calls a job."""
    query = SearchQuery(q=q, limit=limit, **await gateway.gate.scope(asking))
    parts = ["status"]
    if not isinstance(asking, Asker) or asking.jobs is None:
        # A token for some jobs reads no documents.
        parts.append("documents")
    visible = await gateway.gate.visible_jobs(asking)
    answered = await asyncio.gather(*(_ask(gateway, part, query) for part in parts))
    hits = [*find_jobs(visible, q, name), *(hit for part in answered for hit in part.found.items)]
    titles = {entry.id: name(entry) for entry in visible}
    return SearchResults(
        items=[_item(hit, titles) for hit in ranked(hits)],
        more=any(part.found.more for part in answered),
        unanswered=[part.unanswered for part in answered if part.unanswered is not None],
    )


async def _ask(gateway: Gateway, part: str, query: SearchQuery) -> _Part:
    subject = subjects.query(part, "search")
    try:
        return _Part(await gateway.bus.ask(subject, query, SearchHits, timeout=PATIENCE))
    except TagwerkError as error:
        failure = error.failure
        return _Part(unanswered=Unanswered(part=part, cause=failure.cause, next_step=failure.next_step))


def find_jobs(
    entries: Iterable[CatalogueEntry], q: str, name: Callable[[CatalogueEntry], str]
) -> list[SearchHit]:
    """Those that are not retired, by id or by words of id, title and name."""
    words = q.lower().split()
    found = []
    for entry in entries:
        text = f"{entry.id} {entry.title} {name(entry)}".lower()
        if entry.retired or not words or not all(word in text for word in words):
            continue
        match = "job_id" if q.strip().lower() == entry.id else "job_title"
        found.append(SearchHit(kind="job", id=entry.id, title=name(entry), match=match, job=entry.id))
    return found


def ranked(hits: Sequence[SearchHit]) -> list[SearchHit]:
    """What is just what was typed comes first."""
    return sorted(hits, key=lambda hit: (not hit.whole, _ORDER.index(hit.kind)))


def _item(hit: SearchHit, titles: dict[str, str]) -> FoundItem:
    title = titles.get(hit.job or "", hit.title) if hit.kind == "run" else hit.title
    return FoundItem(**hit.model_dump(exclude={"title"}), title=title, why=_WHY[hit.match], link=_link(hit))


def _link(hit: SearchHit) -> str:
    match hit.kind:
        case "run":
            return f"/api/v1/runs/{hit.id}"
        case "record":
            return f"/api/v1/records?key={quote(hit.id, safe='')}"
        case "job":
            return f"/api/v1/jobs/{hit.id}"
        case "document":
            return f"/api/v1/documents/{hit.id}"
