"""Documents: the list of them, what is known of one, and its files."""

from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.gateway import arrivals, core
from services.gateway.context import QUERY_TIMEOUT, Gateway, MayRead, TheGateway
from services.gateway.fields import Text
from services.gateway.lists import ClientFilter
from services.gateway.problems import answers
from shared import subjects
from shared.access import Principal
from shared.commands import DocumentDetail, DocumentQuery, DocumentsFound, DocumentsPage, DocumentsQuery
from shared.errors import TagwerkError
from shared.files import Files
from shared.intake import original_key
from shared.words import DocumentKind, DocumentStage

router = APIRouter(tags=["documents"])

FileKind = Literal["original", "pdf", "text", "searchable-pdf"]


class DocumentsFilter(ClientFilter):
    text: Text | None = Field(
        default=None, max_length=200, description="Words that all stand in the file name, in any case."
    )
    kind: list[DocumentKind] = Field(default_factory=list, description="Any of these sorts of files.")
    stage: list[DocumentStage] = Field(
        default_factory=list, description="Any of these: how far the reading of the document has come."
    )
    parent: UUID | None = Field(default=None, description="Only what came with this document, an e-mail.")


@router.get("/documents", summary="Documents, the newest first", responses=answers(404))
async def list_documents(
    filter: Annotated[DocumentsFilter, Query()], asking: MayRead, gateway: TheGateway
) -> DocumentsPage:
    """With the invoice that was found in each, and how far approval and payment are. What has just been
    uploaded, and is not known further on, comes in front of the first page, besides its `limit`."""
    return await read_documents(filter, asking, gateway)


async def read_documents(
    filter: DocumentsFilter, asking: Principal, gateway: Gateway, among: Sequence[UUID] | None = None
) -> DocumentsPage:
    """`among`: only of these, which the documents service knows."""
    if filter.client is not None:
        await gateway.gate.act_for(asking, filter.client, "documents")
    query = DocumentsQuery(
        asker=asking,
        parent_id=filter.parent,
        among=among,
        **filter.model_dump(exclude={"parent"}),
        **await gateway.gate.scope(asking),
    )
    new = filter.cursor is None and among is None
    heard_of = await arrivals.newest(gateway.pool, query) if new else {}
    query = query.model_copy(update={"heard_of": list(heard_of)})
    subject = subjects.query("documents", "documents")
    page = await gateway.bus.ask(subject, query, DocumentsFound, timeout=QUERY_TIMEOUT)
    rows = [arrivals.as_row(heard_of[id]) for id in page.unknown if arrivals.fits(heard_of[id], query)]
    return DocumentsPage(items=[*rows, *page.items], next_cursor=page.next_cursor)


@router.get("/documents/{document_id}", summary="One document with its pages", responses=answers(404))
async def read_document(document_id: UUID, asking: MayRead, gateway: TheGateway) -> DocumentDetail:
    return await find_document(gateway, asking, document_id)


async def find_document(gateway: Gateway, asking: Principal, document_id: UUID) -> DocumentDetail:
    """The document as the documents service knows it; right after its upload, as the intake does."""
    query = DocumentQuery(document_id=document_id, asker=asking, **await gateway.gate.scope(asking))
    try:
        return await gateway.bus.ask(
            subjects.query("documents", "document"), query, DocumentDetail, timeout=QUERY_TIMEOUT
        )
    except TagwerkError as error:
        if error.failure.code != "document_not_found":
            raise
    event = await arrivals.find(gateway.pool, document_id)
    if event is None or not asking.may_act_for(event.client):
        gateway.gate.look_for_hidden_document(asking, document_id, event)
        raise core.document_not_found(document_id)
    return DocumentDetail(
        document_id=document_id,
        client=event.client,
        file_name=event.file_name,
        media_type=event.media_type,
        size=event.size,
        sha256=event.sha256,
        uploaded_at=event.time,
        parent_id=event.parent_id,
    )


@router.get(
    "/documents/{document_id}/files/{kind}",
    summary="Download a document's original, its PDF, its text, or its searchable PDF",
    response_class=StreamingResponse,
    responses=answers(404) | {200: {"content": {"application/octet-stream": {}}}},
)
async def download_file(
    document_id: UUID,
    kind: FileKind,
    asking: MayRead,
    gateway: TheGateway,
) -> StreamingResponse:
    document = await find_document(gateway, asking, document_id)
    headers: dict[str, str] = {}
    if kind == "original":
        key, media_type = original_key(document_id), document.media_type
        headers["Content-Length"] = str(document.size)
    elif kind in document.files:
        key = document.files[kind]
        media_type = "text/plain; charset=utf-8" if kind == "text" else "application/pdf"
    else:
        raise TagwerkError(
            "file_not_ready",
            f"{document.file_name} has no {kind} yet",
            concern=str(document_id),
            next_step=f"Look at its runs: `GET /api/v1/runs?about=document:{document_id}`.",
        )
    headers["Content-Disposition"] = _disposition(document.file_name, kind)
    # Whatever a document holds, a browser that shows it runs none of it.
    headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    content = await Files(gateway.files, document.client).stream(key)
    return StreamingResponse(content, media_type=media_type, headers=headers)


def _disposition(file_name: str, kind: FileKind) -> str:
    """RFC 6266: always a download, under a name without tricks."""
    name = core.safe_file_name(file_name)
    stem = name.rsplit(".", 1)[0] if "." in name else name
    name = {
        "original": name,
        "pdf": f"{stem}.pdf",
        "text": f"{stem}.txt",
        "searchable-pdf": f"{stem}.searchable.pdf",
    }[kind]
    plain = "".join(c if c.isascii() and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
