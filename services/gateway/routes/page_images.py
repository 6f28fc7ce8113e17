"""Pages of a document as pictures."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse

from services.gateway.context import Gateway, MayRead, TheGateway
from services.gateway.problems import answers
from services.gateway.routes.documents import find_document
from shared import subjects
from shared.access import Principal
from shared.commands import PageImage, PageImageQuery, PageImageWidth
from shared.errors import TagwerkError
from shared.files import Files

router = APIRouter(tags=["documents"])

#: Seconds: it may have to be made, behind others.
IMAGE_TIMEOUT = 60.0

PageNumber = Annotated[int, Path(ge=1, le=100_000, description="From 1.")]


@router.get(
    "/documents/{document_id}/pages/{page}/image",
    summary="A page of a document's PDF as a picture",
    response_class=StreamingResponse,
    responses=answers(404) | {200: {"content": {"image/webp": {}}}, 304: {"description": "Not Modified"}},
)
async def read_page_image(
    document_id: UUID,
    page: PageNumber,
    asking: MayRead,
    gateway: TheGateway,
    width: Annotated[PageImageWidth, Query(description="Pixels.")] = PageImageWidth.SCREEN,
    if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """Made when it is asked for the first time, and kept. It comes with an `ETag`: who has it asks again, and
    it is not sent again."""
    image = await find_image(gateway, asking, document_id, page, width, timeout=IMAGE_TIMEOUT)
    tag = f'"{image.sha256[:32]}"'
    # Kept by the reader alone, and not shown before we were asked whether they still may see it.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if if_none_match is not None and tag in (one.strip() for one in if_none_match.split(",")):
        return Response(status_code=304, headers=headers)
    headers["Content-Length"] = str(image.size)
    content = await Files(gateway.files, image.client).stream(image.key)
    return StreamingResponse(content, media_type=image.media_type, headers=headers)


async def find_image(
    gateway: Gateway,
    asking: Principal,
    document_id: UUID,
    page: int,
    width: PageImageWidth,
    *,
    timeout: float,
) -> PageImage:
    """Raises `document_not_found`, also for a hidden document, `file_not_ready`, `page_not_found`, and what a
    page cannot be shown for."""
    query = PageImageQuery(
        document_id=document_id, page=page, width=width, **await gateway.gate.scope(asking)
    )
    subject = subjects.query("documents", "page-image")
    try:
        return await gateway.bus.ask(subject, query, PageImage, timeout=timeout)
    except TagwerkError as error:
        if error.failure.code != "document_not_found":
            raise
    document = await find_document(gateway, asking, document_id)
    raise TagwerkError(
        "file_not_ready",
        f"{document.file_name} has just come in, and has no PDF yet",
        concern=f"document:{document_id}",
        next_step="Ask again in a moment.",
        retryable=True,
    )
