"""The list of documents, and the way in for new ones."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.gateway import core
from services.gateway.context import QUERY_TIMEOUT, Gateway, TheGateway, TheTrace
from services.gateway.fields import Text
from services.gateway.identity.asker import Asker
from services.gateway.identity.doorkeeper import CSRF_FIELD
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.codes import title_of
from services.gateway.pages.documents.words import FAILED, KINDS, PAYMENTS, READING, STAGES, STEP_FAILED
from services.gateway.pages.invoice_words import APPROVALS
from services.gateway.pages.navigation import DOCUMENTS
from services.gateway.pages.rendering import Visit, link
from services.gateway.problems import status_of
from services.gateway.routes import documents as api
from services.gateway.routes.choices import clients_of
from services.gateway.routes.uploads import UploadAnswer, UploadedFile, take_in
from shared import subjects
from shared.commands import DocumentRow, DocumentsPage, RunsPage, RunsQuery, RunSummary
from shared.errors import Failure, TagwerkError
from shared.media_types import kind_of
from shared.words import DocumentKind, DocumentStage, RunState

router = APIRouter(include_in_schema=False)

#: Documents on a page.
ROWS: Final = 50
#: Documents on a page that are not read, of which the last run is asked for.
_ASKED_ABOUT: Final = 20

#: Runs that need somebody, of which the list of their documents is made.
_LOOKED_AT: Final = 500
#: Begins the key of a document.
_DOCUMENT: Final = "document:"

#: Seconds for what the list can do without.
PATIENCE: Final = 2.0

Look = Literal["error", "active", "people", "good", "quiet"]


def _none_if_empty(value: Any) -> Any:
    """A field of a form that was left empty."""
    return None if isinstance(value, str) and not value.strip() else value


def _ticked(value: Any) -> Any:
    return {"true": True, "": None}.get(value, value)


_Empty = BeforeValidator(_none_if_empty)
Words = Annotated[Text | None, _Empty]


class Wanted(BaseModel):
    """The query string."""

    model_config = ConfigDict(extra="ignore")

    text: Annotated[Text | None, Field(max_length=200), _Empty] = None
    client: Words = None
    kind: Annotated[DocumentKind | None, _Empty] = None
    stage: Annotated[DocumentStage | None, _Empty] = None
    parent: Annotated[UUID | None, _Empty] = None
    #: Only documents whose last run failed or needs somebody.
    attention: Annotated[Literal[True] | None, BeforeValidator(_ticked)] = None
    cursor: Words = None

    def link(self, **changes: Any) -> str:
        """This list with something changed, from its beginning."""
        given = self.model_dump(mode="json", exclude_none=True, exclude={"cursor"})
        return link("/documents", **(given | changes))

    @property
    def filtered(self) -> bool:
        return bool(self.model_dump(exclude_none=True, exclude={"cursor"}))

    def filter(self) -> api.DocumentsFilter:
        return api.DocumentsFilter(
            text=self.text,
            client=self.client,
            kind=[self.kind] if self.kind is not None else [],
            stage=[self.stage] if self.stage is not None else [],
            parent=self.parent,
            cursor=self.cursor,
            # Of each the last run is asked for.
            limit=_ASKED_ABOUT if self.attention else ROWS,
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """How a document stands, in a few words."""

    look: Look
    #: A message.
    words: str
    #: The run that says more.
    run: RunSummary | None = None


@dataclass(frozen=True, slots=True)
class Row:
    document: DocumentRow
    kind: DocumentKind
    standing: Standing

    @property
    def name(self) -> str:
        return self.document.issuer_name or self.document.file_name


@dataclass(frozen=True, slots=True)
class Refused:
    """An upload of which nothing was taken, and why."""

    failure: Failure
    #: A message; None for a code that no page knows by name.
    title: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What became of an upload."""

    uploaded: UploadAnswer | None
    refused: Refused | None
    #: Nothing else is shown.
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentsView(Outcomes):
    wanted: Wanted
    rows: Sequence[Row]
    #: Clients whose documents the reader sees, and for whom they may upload.
    clients: Sequence[str]
    takers: Sequence[str]
    #: For whom an upload is, if nothing else is chosen.
    client: str | None
    next: str | None
    first: str | None
    #: Where the form is sent. A form with a file is read piece by piece, so its token stands in the address.
    upload_path: str


def row_of(document: DocumentRow, run: RunSummary | None) -> Row:
    """`run`: the last one about it, asked for as long as it is not read."""
    return Row(document, kind_of(document.media_type), standing_of(document, run))


def standing_of(document: DocumentRow, run: RunSummary | None) -> Standing:
    """What comes last in the life of a document says most."""
    if document.payment is not None and document.approval != "waiting":
        looks: Mapping[str, Look] = {"paid": "good", "rejected": "error", "open": "people"}
        return Standing(looks.get(document.payment, "active"), PAYMENTS[document.payment])
    if document.approval is not None:
        states: Mapping[str, Look] = {"approved": "good", "rejected": "quiet"}
        return Standing(states.get(document.approval, "people"), APPROVALS[document.approval])
    words = STAGES[document.stage]
    read = document.stage in (DocumentStage.INVOICE, DocumentStage.READ)
    if read and run is not None and _needs_somebody(run):
        return Standing("error", STEP_FAILED, run)
    if read:
        return Standing("good" if document.stage is DocumentStage.INVOICE else "quiet", words)
    if run is None or run.state is RunState.SUCCEEDED:
        return Standing("active", words)
    if run.state.final:
        return Standing("error", FAILED, run)
    return Standing("active", READING, run)


def _needs_somebody(run: RunSummary) -> bool:
    return run.action_required or run.state in (RunState.FAILED, RunState.TIMED_OUT)


def unread(rows: Iterable[DocumentRow]) -> list[DocumentRow]:
    """Of which only their runs can tell whether they are being read, or failed."""
    waiting = (DocumentStage.UPLOADED, DocumentStage.CONVERTED)
    return [row for row in rows if row.stage in waiting][:_ASKED_ABOUT]


@router.get("/documents")
async def read_documents(
    wanted: Annotated[Wanted, Query()], visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> HTMLResponse:
    return await _show(visit, asking, gateway, wanted)


@router.post("/documents")
async def post_documents(
    request: Request,
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
    trace: TheTrace,
    fragment: bool = False,
) -> Response:
    """One new document leads to its page; anything else is told file by file. `fragment`: for a script, which
    sends one file after the other, only what became of it."""
    try:
        answer = await take_in(request, asking, gateway, trace)
    except TagwerkError as error:
        refused = Refused(error.failure, title_of(error.failure.code))
        return await _show(visit, asking, gateway, Wanted(), refused=refused, alone=fragment)
    match answer.files:
        case [UploadedFile(duplicate=False, document_id=UUID() as document_id)] if not fragment:
            return RedirectResponse(f"/documents/{document_id}", 303)
    return await _show(visit, asking, gateway, Wanted(), uploaded=answer, alone=fragment)


async def _show(
    visit: Visit,
    asking: Asker,
    gateway: Gateway,
    wanted: Wanted,
    *,
    uploaded: UploadAnswer | None = None,
    refused: Refused | None = None,
    alone: bool = False,
) -> HTMLResponse:
    status = _status(uploaded, refused)
    if alone:
        # What became of one file of several is no failure of the request.
        status = 200 if refused is None else status
        told = Outcomes(uploaded=uploaded, refused=refused, alone=True)
        return visit.page("document/outcomes.html", status=status, view=told)
    among = await _troubled(gateway, asking) if wanted.attention else None
    page: DocumentsPage = await api.read_documents(wanted.filter(), asking, gateway, among)
    waiting = page.items if wanted.attention else unread(page.items)
    runs, clients, jobs = await asyncio.gather(
        asyncio.gather(*(_last_run(gateway, asking, row.document_id) for row in waiting)),
        clients_of(gateway, asking),
        gateway.gate.jobs(),
    )
    last = {row.document_id: run for row, run in zip(waiting, runs, strict=True)}
    shown = page.items
    if wanted.attention:
        # What went wrong may have been made good since.
        shown = [row for row in shown if (run := last.get(row.document_id)) and _needs_somebody(run)]
    try:
        client = core.client_of(asking, None)
    except TagwerkError:
        client = None
    view = DocumentsView(
        uploaded=uploaded,
        refused=refused,
        wanted=wanted,
        rows=[row_of(row, last.get(row.document_id)) for row in shown],
        clients=clients,
        takers=[one for one in clients if not core.roles_missing_for_upload(asking, one, jobs)],
        client=(uploaded.client if uploaded is not None else None) or wanted.client or client,
        next=wanted.link(cursor=page.next_cursor) if page.next_cursor else None,
        first=wanted.link() if wanted.cursor else None,
        upload_path=link("/documents", **{CSRF_FIELD: visit.csrf_token}),
    )
    return visit.page(
        "documents.html", trail=(DOCUMENTS,), status=status, view=view, kinds=KINDS, stages=STAGES
    )


def _status(uploaded: UploadAnswer | None, refused: Refused | None) -> int:
    if refused is not None:
        return status_of(refused.failure)
    if uploaded is not None and all(file.problem is not None for file in uploaded.files):
        return 422
    return 200


async def _troubled(gateway: Gateway, asking: Asker) -> list[UUID]:
    """Documents about which a run failed or needs somebody, as far as the last of these runs tell."""
    scope = await gateway.gate.scope(asking)
    query = RunsQuery(action_required=True, limit=_LOOKED_AT, **scope)
    found = await gateway.bus.ask(subjects.query("status", "runs"), query, RunsPage, timeout=QUERY_TIMEOUT)
    keys = dict.fromkeys(key for run in found.items for key in run.about)
    return [UUID(key.removeprefix(_DOCUMENT)) for key in keys if key.startswith(_DOCUMENT)]


async def _last_run(gateway: Gateway, asking: Asker, document_id: UUID) -> RunSummary | None:
    """None where nobody tells: the list is of use without it."""
    query = RunsQuery(about=f"{_DOCUMENT}{document_id}", limit=1, **await gateway.gate.scope(asking))
    subject = subjects.query("status", "runs")
    try:
        found = await gateway.bus.ask(subject, query, RunsPage, timeout=PATIENCE)
    except TagwerkError:
        return None
    return found.items[0] if found.items else None
