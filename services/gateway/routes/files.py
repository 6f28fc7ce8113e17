"""The upload of files that are no documents: what a job is to read."""

import asyncio
import hashlib
from pathlib import Path

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.gateway import core
from services.gateway.context import MayStart, TheGateway
from services.gateway.multipart import Received, ReceivedFile, received
from services.gateway.problems import WrongField, answers, wrong_fields
from shared.access import Principal
from shared.errors import TagwerkError
from shared.files import Files
from shared.incoming import keep_upload

router = APIRouter(tags=["jobs"])
log = structlog.get_logger(__name__)

_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "One file."},
                        "client": {"type": "string", "description": "For which client."},
                    },
                }
            }
        },
    }
}


class IncomingFileAnswer(BaseModel):
    """What a job's parameter takes to read the file."""

    client: str
    #: The value of the parameter: `upload:<sha256>/<name>`.
    reference: str
    file_name: str
    #: Bytes.
    size: int
    sha256: str
    #: The client had this content already.
    duplicate: bool


@router.post(
    "/files",
    status_code=201,
    summary="Upload a file for a job",
    responses=answers(403, 404, 413, 415)
    | {200: {"model": IncomingFileAnswer, "description": "The client had this content already"}},
    openapi_extra=_FORM,
)
async def upload_file(
    request: Request, asking: MayStart, gateway: TheGateway, response: Response
) -> IncomingFileAnswer:
    """A bank statement, a file of rates: what is no document, but the parameter of a job. The same content
    answers the same reference."""
    limit = gateway.settings.upload_limit
    async with received(request, file_limit=limit) as form:
        file, client = _check_form(form, asking)
        await gateway.gate.act_for(asking, client, "files")
        roles = core.roles_missing_for_files(asking, client, await gateway.gate.visible_jobs(asking))
        if roles is not None:
            wanted = f"it lacks the role {' or '.join(roles)}" if roles else "no job takes a file"
            reason = f"{asking.id} may not upload files for jobs: {wanted}"
            await gateway.gate.refuse(asking, "files", reason, client=client, roles_wanted=roles)
        if file.size > limit:
            raise TagwerkError(
                "file_too_large",
                f"{file.file_name} has {file.size:,} bytes; the limit is {limit:,}",
                concern=file.file_name,
                next_step="Put it into the job's inbox folder, or ask an administrator to raise "
                "TAGWERK_UPLOAD_LIMIT.",
            )
        sha256 = await asyncio.to_thread(_sha256, file.path)
        reference, duplicate = await keep_upload(
            Files(gateway.files, client), file.path, file.file_name, sha256
        )
    log.info("a file came in", client=client, principal=asking.id, file=reference, duplicate=duplicate)
    if duplicate:
        response.status_code = 200
    return IncomingFileAnswer(
        client=client,
        reference=reference,
        file_name=file.file_name,
        size=file.size,
        sha256=sha256,
        duplicate=duplicate,
    )


def _check_form(form: Received, asking: Principal) -> tuple[ReceivedFile, str]:
    """The one file, and for which client."""
    wrong = [
        WrongField(field=name, message="unknown; known are file and client")
        for name in form.fields
        if name != "client"
    ]
    if len(form.files) != 1:
        wrong.append(WrongField(field="file", message=f"must be one file; there are {len(form.files)}"))
    if wrong:
        raise wrong_fields("request_invalid", wrong)
    client = core.client_of_form(asking, form.fields)
    return form.files[0], client


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
