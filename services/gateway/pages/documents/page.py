"""One document: how it stands, what was read on its pages, and all that happened to it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from services.gateway.context import Gateway, MayApprove, TheGateway, TheTrace
from services.gateway.identity.asker import Asker
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.codes import title_of
from services.gateway.pages.documents.pictures import Pictures, read_pictures
from services.gateway.pages.documents.pipeline import JOBS, NAMES, Pipeline, pipeline_of
from services.gateway.pages.documents.words import KINDS, PAYMENTS
from services.gateway.pages.invoice_words import APPROVALS, FIELDS, SOURCES, VERDICTS
from services.gateway.pages.invoice_words import STEPS as APPROVAL_STEPS
from services.gateway.pages.navigation import DOCUMENTS, Place
from services.gateway.pages.rendering import Visit, link
from services.gateway.problems import ProblemError, WrongField, status_of, wrong_fields
from services.gateway.routes.approvals import Correct, correct
from services.gateway.routes.chain import DocumentChain, chain_of, read_runs
from services.gateway.routes.documents import find_document
from shared.access import Action, Principal, decide_access
from shared.commands import DocumentDetail, InvoiceField, RunSummary
from shared.errors import Failure, TagwerkError
from shared.jobs import CatalogueEntry
from shared.media_types import kind_of
from shared.words import DocumentKind

router = APIRouter(include_in_schema=False)

#: What a person is asked for where no invoice was found: enough to approve and to pay one.
ENTERED: Final = (
    "issuer_name", "invoice_number", "invoice_date", "due_date", "payable_amount", "currency", "iban",
    "reference",
)  # fmt: skip

_ORDER: Final = {name: place for place, name in enumerate(FIELDS)}


@dataclass(frozen=True, slots=True)
class Again:
    """A step that the reader may have done again."""

    job: str
    path: str


@dataclass(frozen=True, slots=True)
class Gist:
    """By what a person knows an invoice again."""

    number: str | None
    #: As `1234.50`.
    amount: str | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """An invoice that was entered by hand, and not taken."""

    failure: Failure
    #: A message; None for a code that no page knows by name.
    title: str | None
    #: What is wrong, by field, and what was typed.
    errors: Mapping[str, str]
    typed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DocumentPage:
    document: DocumentDetail
    kind: DocumentKind
    pipeline: Pipeline
    chain: DocumentChain
    pictures: Pictures | None
    #: What was read, in the order in which people look for it.
    fields: Sequence[InvoiceField]
    #: Titles of jobs, by id.
    titles: Mapping[str, str]
    again: Sequence[Again]
    refused: Refused | None = None
    #: Why nothing is known of its runs.
    unknown: Failure | None = None

    @property
    def name(self) -> str:
        """Whose invoice it is, else the name of the file."""
        values = self._values
        return values.get("issuer_name") or values.get("payee_name") or self.document.file_name

    @property
    def gist(self) -> Gist | None:
        """None for what is no invoice."""
        values = self._values
        number, amount = (
            values.get("invoice_number"),
            values.get("payable_amount") or values.get("gross_amount"),
        )
        return Gist(number, amount, values.get("currency")) if number or amount else None

    @property
    def _values(self) -> dict[str, str]:
        return {field.name: field.value for field in self.fields}


def document_view(
    document: DocumentDetail,
    chain: DocumentChain,
    pipeline: Pipeline,
    pictures: Pictures | None,
    entries: Sequence[CatalogueEntry],
    reader: Principal,
    refused: Refused | None = None,
    unknown: Failure | None = None,
) -> DocumentPage:
    fields = document.invoice.fields if document.invoice is not None else []
    return DocumentPage(
        document=document,
        kind=kind_of(document.media_type),
        pipeline=pipeline,
        chain=chain,
        pictures=pictures,
        fields=sorted(fields, key=lambda field: _ORDER.get(field.name, len(_ORDER))),
        titles={entry.id: entry.title for entry in entries},
        again=_again(document, entries, reader),
        refused=refused,
        unknown=unknown,
    )


def _again(document: DocumentDetail, entries: Sequence[CatalogueEntry], reader: Principal) -> list[Again]:
    """The steps that can be started for it by hand, filled in."""
    may = {
        entry.id
        for entry in entries
        if not entry.retired and decide_access(reader, entry.access, Action.START, document.client).allowed
    }
    filled = {"client": document.client, "p.document": document.document_id}
    return [Again(job, link(f"/jobs/{job}/start", **filled)) for job in JOBS.values() if job in may]


@router.get("/documents/{document_id}")
async def read_document_page(
    document_id: UUID,
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    fragment: bool = False,
) -> HTMLResponse:
    """`page`: the first one that is shown as a picture. `fragment`: only what changes while it is read."""
    return await _show(visit, asking, gateway, document_id, page, fragment=fragment)


@router.post("/documents/{document_id}/invoice")
async def enter_invoice(
    document_id: UUID,
    request: Request,
    visit: TheVisit,
    asking: MayApprove,
    gateway: TheGateway,
    trace: TheTrace,
) -> Response:
    """What a person reads on a document in which no invoice was found; its approval follows by itself."""
    form = await request.form()
    typed = {name: str(form.get(name) or "").strip() for name in ENTERED}
    errors: Mapping[str, str] = {}
    try:
        body = Correct(fields={name: value for name, value in typed.items() if value}, reason=None)
        await correct(document_id, body, asking, gateway, trace)
    except ValidationError:
        failure = wrong_fields(
            "request_invalid", [WrongField(field="fields", message="none is filled in")]
        ).failure
    except TagwerkError as error:
        if error.failure.code == "document_not_found":
            raise
        failure = error.failure
        if isinstance(error, ProblemError):
            errors = {wrong.field: wrong.message for wrong in error.members.get("errors") or []}
    else:
        return RedirectResponse(f"/documents/{document_id}", 303)
    refused = Refused(failure, title_of(failure.code), errors, typed)
    return await _show(visit, asking, gateway, document_id, refused=refused)


async def _show(
    visit: Visit,
    asking: Asker,
    gateway: Gateway,
    document_id: UUID,
    page: int = 1,
    *,
    fragment: bool = False,
    refused: Refused | None = None,
) -> HTMLResponse:
    document = await find_document(gateway, asking, document_id)
    (runs, unknown), pictures, entries = await asyncio.gather(
        _runs(gateway, asking, document_id),
        read_pictures(gateway, asking, document, page),
        gateway.gate.visible_jobs(asking),
    )
    view = document_view(
        document,
        chain_of(document, runs),
        pipeline_of(document, runs, datetime.now(UTC)),
        pictures,
        entries,
        asking,
        refused,
        unknown,
    )
    return visit.page(
        "document/part.html" if fragment else "document/page.html",
        trail=(DOCUMENTS, Place(document.file_name, f"/documents/{document_id}", given=True)),
        status=200 if refused is None else status_of(refused.failure),
        view=view,
        entered=ENTERED,
        step_names=NAMES,
        states=APPROVALS,
        approval_steps=APPROVAL_STEPS,
        payments=PAYMENTS,
        kinds=KINDS,
        sources=SOURCES,
        verdicts=VERDICTS,
        fields=FIELDS,
    )


async def _runs(
    gateway: Gateway, asking: Asker, document_id: UUID
) -> tuple[Sequence[RunSummary], Failure | None]:
    """The document itself can be looked at without its runs."""
    try:
        return await read_runs(gateway, asking, document_id), None
    except TagwerkError as error:
        return [], error.failure
