"""Documents: what is known of one, and its files."""

from typing import Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from services.gateway import core
from services.gateway.context import QUERY_TIMEOUT, Gateway, MayRead, TheGateway
from services.gateway.problems import answers
from shared import subjects
from shared.access import Principal
from shared.commands import DocumentDetail, DocumentQuery
from shared.errors import TagwerkError
from shared.events import DocumentUploaded
from shared.files import Files
from shared.intake import original_key

router = APIRouter(tags=["documents"])

FileKind = Literal["original", "pdf", "text", "searchable-pdf"]


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
    row = await gateway.pool.fetchval("select event from arrivals where document_id = $1", document_id)
    event = None if row is None else DocumentUploaded.model_validate_json(row)
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
