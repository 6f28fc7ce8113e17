"""The upload of documents."""

from uuid import UUID

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.gateway import core
from services.gateway.context import Gateway, MayUpload, TheGateway, TheTrace
from services.gateway.identity.asker import Asker
from services.gateway.multipart import Received, ReceivedFile, received
from services.gateway.problems import Problem, ProblemError, WrongField, answers, problem_of, wrong_fields
from services.gateway.tracing import Trace
from shared.access import Principal
from shared.errors import Failure, TagwerkError
from shared.intake import Accepted, Arrival
from shared.media_types import KINDS

router = APIRouter(tags=["documents"])
log = structlog.get_logger(__name__)

_UPLOAD_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": f"One or more files: {KINDS}.",
                        },
                        "client": {"type": "string", "description": "For which client."},
                        "interactive": {
                            "type": "boolean",
                            "default": True,
                            "description": "Whether a person waits for the result.",
                        },
                    },
                }
            }
        },
    }
}


class CausedRun(BaseModel):
    """A run that the upload causes by itself. It may take a moment until it can be read."""

    job: str
    run_id: UUID
    links: dict[str, str]


class UploadedFile(BaseModel):
    """What became of one file of an upload. Either `problem` is set, or all of the others."""

    file_name: str
    document_id: UUID | None = None
    #: The client had this content already; nothing new was caused.
    duplicate: bool | None = None
    event_id: UUID | None = None
    #: By its content.
    media_type: str | None = None
    size: int | None = None
    sha256: str | None = None
    runs: list[CausedRun] = []
    problem: Problem | None = None


class UploadAnswer(BaseModel):
    client: str
    files: list[UploadedFile]


@router.post(
    "/documents",
    status_code=201,
    response_model=UploadAnswer,
    summary="Upload documents",
    responses=answers(403, 404, 413, 415)
    | {200: {"model": UploadAnswer, "description": "The client had all of these documents already"}},
    openapi_extra=_UPLOAD_FORM,
)
async def upload_documents(
    request: Request, asking: MayUpload, gateway: TheGateway, trace: TheTrace
) -> JSONResponse:
    """A bad file does not refuse the others: it has a `problem` of its own. Sending the same content again
    answers the same ids."""
    answer = await take_in(request, asking, gateway, trace)
    if all(file.problem is not None for file in answer.files):
        raise _nothing_accepted(answer.files)
    new = any(file.duplicate is False for file in answer.files)
    return JSONResponse(answer.model_dump(mode="json", exclude_none=True), 201 if new else 200)


async def take_in(request: Request, asking: Asker, gateway: Gateway, trace: Trace) -> UploadAnswer:
    """Make documents of the files of a form; what is wrong with one of them stands in its `problem`. Raises
    what the form as a whole is refused for."""
    async with received(request, file_limit=gateway.settings.upload_limit) as form:
        client, interactive = _check_form(form, asking)
        await gateway.gate.act_for(asking, client, "documents")
        roles = core.roles_missing_for_upload(asking, client, await gateway.gate.jobs())
        if roles:
            reason = f"{asking.id} may not upload: it lacks the role {' or '.join(roles)}"
            await gateway.gate.refuse(asking, "documents", reason, client=client, roles_wanted=roles)
        files = []
        for file in form.files:
            arrival = Arrival(
                client, asking.id, file.file_name, file.path, file.declared_type, interactive,
                trace.traceparent,
            )  # fmt: skip
            files.append(await _accept(gateway, asking, arrival, file, trace))
    return UploadAnswer(client=client, files=files)


def _check_form(form: Received, asking: Principal) -> tuple[str, bool]:
    """For which client, and whether a person waits."""
    wrong = [
        WrongField(field=name, message="unknown; known are file, client and interactive")
        for name in form.fields
        if name not in ("client", "interactive")
    ]
    interactive = form.fields.get("interactive", "true").lower()
    if interactive not in ("true", "false"):
        wrong.append(WrongField(field="interactive", message="must be true or false"))
    if not form.files:
        wrong.append(WrongField(field="file", message="is required: at least one file"))
    if wrong:
        raise wrong_fields("request_invalid", wrong)
    client = core.client_of_form(asking, form.fields)
    return client, interactive == "true"


async def _accept(
    gateway: Gateway, asking: Principal, arrival: Arrival, file: ReceivedFile, trace: Trace
) -> UploadedFile:
    try:
        accepted = await gateway.intake.accept(arrival)
    except TagwerkError as error:
        if error.failure.retryable:
            raise
        failure = error.failure
        if failure.code == "file_too_large":
            # The file was not kept beyond the limit; its own size is what the sender knows.
            failure = failure.model_copy(update={"cause": _too_large(file, gateway.settings.upload_limit)})
        return UploadedFile(file_name=file.file_name, problem=problem_of(failure, trace))
    event = accepted.event
    log.info("a document came in", document=str(event.document_id), duplicate=accepted.duplicate)
    return UploadedFile(
        file_name=file.file_name,
        document_id=event.document_id,
        duplicate=accepted.duplicate,
        event_id=event.id,
        media_type=event.media_type,
        size=event.size,
        sha256=event.sha256,
        runs=await _caused_runs(gateway, asking, accepted),
    )


async def _caused_runs(gateway: Gateway, asking: Principal, accepted: Accepted) -> list[CausedRun]:
    event = accepted.event
    # Of a document that came before, somebody else may be the author.
    author = asking if event.principal == asking.id else await gateway.principals.get(event.principal)
    if author is None:
        return []
    runs = core.runs_caused(event, author, asking, await gateway.gate.jobs())
    return [
        CausedRun(
            job=job,
            run_id=run_id,
            links={
                "run": f"/api/v1/runs/{run_id}?wait=30",
                "events": f"/api/v1/runs/{run_id}/events?wait=30",
            },
        )
        for job, run_id in runs.items()
    ]


def _too_large(file: ReceivedFile, limit: int) -> str:
    return f"{file.file_name} has {file.size:,} bytes; the limit is {limit:,}"


def _nothing_accepted(files: list[UploadedFile]) -> ProblemError:
    """A single bad file is told as what it is; several are told together."""
    problems = [file.problem for file in files if file.problem is not None]
    if len(problems) == 1:
        [problem] = problems
        failure = Failure(
            code=problem.code, cause=problem.detail, concern=problem.concern, next_step=problem.next_step
        )
    else:
        failure = Failure(
            code="upload_refused",
            cause=f"none of the {len(files)} files could be accepted",
            next_step="Each of `files` has its own `problem`, with what to do.",
        )
    return ProblemError(failure, files=[file.model_dump(mode="json", exclude_none=True) for file in files])
