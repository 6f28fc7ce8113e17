"""Errors as `application/problem+json` (RFC 9457): the one translation from our codes to HTTP.

Every problem says what happened (`code`, `detail`), what it concerned, and what to do next. Who reads pages
gets the same as a page.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

import asyncpg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

from services.gateway.tracing import Trace
from shared.errors import Failure, TagwerkError, failure_of

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

#: Code -> status. A code that is missing here is the caller's to mend (422), or passes by itself (503).
STATUS: Mapping[str, int] = {
    "not_signed_in": 401,
    "session_ended": 401,
    "sign_in_refused": 401,
    "token_rejected": 401,
    "access_refused": 403,
    "identity_rejected": 403,
    "identity_unknown": 403,
    "link_rejected": 403,
    "password_change_required": 403,
    "password_wrong": 403,
    "request_forged": 403,
    "scope_missing": 403,
    "alert_not_found": 404,
    "approval_not_found": 404,
    "choices_unknown": 404,
    "client_not_found": 404,
    "dead_letter_not_found": 404,
    "document_not_found": 404,
    "file_missing": 404,
    "file_not_ready": 404,
    "page_not_found": 404,
    "payment_file_not_found": 404,
    "report_not_found": 404,
    "trace_not_found": 404,
    "invoice_not_found": 404,
    "job_not_found": 404,
    "not_found": 404,
    "principal_not_found": 404,
    "run_not_found": 404,
    "schedule_not_found": 404,
    "silence_not_found": 404,
    "session_not_found": 404,
    "token_not_found": 404,
    "method_not_allowed": 405,
    "approval_ended": 409,
    "effect_in_doubt": 409,
    "effect_not_in_doubt": 409,
    "invoice_approved": 409,
    "no_password": 409,
    "no_question_open": 409,
    "not_approved_by_you": 409,
    "nothing_failed": 409,
    "payment_ordered": 409,
    "contact_not_for_kind": 409,
    "dead_letter_in_history": 409,
    "principal_exists": 409,
    "principal_managed": 409,
    "question_open": 409,
    "run_ended": 409,
    "run_not_ended": 409,
    "values_changed": 409,
    "dead_letter_payload_gone": 410,
    "job_retired": 410,
    "file_too_large": 413,
    "request_too_large": 413,
    "archive_unsupported": 415,
    "file_type_unsupported": 415,
    "winmail_unsupported": 415,
    "media_type_unsupported": 415,
    "too_many_requests": 429,
    "too_many_streams": 429,
    "unexpected_error": 500,
    "bus_unavailable": 503,
    "connection_failed": 503,
    "database_unavailable": 503,
    "effect_in_progress": 503,
    "identity_provider_unavailable": 503,
    "projection_behind": 503,
    "projection_stopped": 503,
    "service_unavailable": 503,
    "sign_in_busy": 503,
}


#: Parameter of a path -> the code that says that there is none.
_NAMED: Mapping[str, str] = {
    "document_id": "document_not_found",
    "file_id": "payment_file_not_found",
    "letter_id": "dead_letter_not_found",
    "principal_id": "principal_not_found",
    "report_id": "report_not_found",
    "run_id": "run_not_found",
    "session_id": "session_not_found",
    "token_id": "token_not_found",
}

#: What the driver raises while the server restarts or is gone.
DATABASE_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


def _readable(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can carry into Python and nothing can carry out again."""
    return text.encode(errors="replace").decode()


Readable = Annotated[str, BeforeValidator(_readable)]


class WrongField(BaseModel):
    """One field of a request that is wrong."""

    #: Where it stands: `parameters.since`.
    field: Readable
    message: Readable
    #: What was probably meant.
    suggestion: str | None = None


class Problem(BaseModel):
    """What every error answers."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:tagwerk:problem:run_not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    #: What happened, in words.
    detail: str = Field(examples=["there is no run 0199d0a3-7c50-7f0e-8000-000000000001"])
    #: Stable; key on this.
    code: str = Field(examples=["run_not_found"])
    #: What it concerned.
    concern: str | None = None
    #: What to do.
    next_step: str = Field(examples=["Check the id; you see only runs of your clients and jobs."])
    #: Whether the same request can succeed later without anybody changing anything.
    retryable: bool = False
    #: Find the request's log lines by it.
    trace_id: str
    #: The fields that are wrong, if the request's content is.
    errors: list[WrongField] | None = None


class ProblemError(TagwerkError):
    """A failure with more to tell than the common members: the wrong fields, the state of a run."""

    def __init__(self, failure: Failure, **members: Any) -> None:
        super().__init__(
            failure.code,
            failure.cause,
            next_step=failure.next_step,
            concern=failure.concern,
            retryable=failure.retryable,
        )
        self.members = members


def wrong_fields(code: str, errors: list[WrongField], *, concern: str | None = None) -> ProblemError:
    """The failure that names each wrong field."""
    cause = "; ".join(f"{error.field}: {error.message}" for error in errors)
    step = "Correct the fields that `errors` names, and send the request again."
    return ProblemError(Failure(code=code, cause=cause, concern=concern, next_step=step), errors=errors)


def invalid(error: ValidationError) -> ProblemError:
    """What is wrong with content that a page put together from a form."""
    found = error.errors(include_url=False, include_input=False)
    return wrong_fields(
        "request_invalid",
        [WrongField(field=".".join(map(str, one["loc"])), message=one["msg"]) for one in found],
    )


def status_of(failure: Failure) -> int:
    if failure.code in STATUS:
        return STATUS[failure.code]
    return 503 if failure.retryable else 422


def problem_of(
    failure: Failure, trace: Trace, *, members: Mapping[str, Any] | None = None, status: int | None = None
) -> Problem:
    status = status or status_of(failure)
    return Problem(
        type=f"urn:tagwerk:problem:{failure.code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=failure.cause,
        code=failure.code,
        concern=failure.concern,
        next_step=failure.next_step,
        retryable=failure.retryable,
        trace_id=trace.trace_id,
        **(members or {}),
    )


def problem_response(
    failure: Failure, trace: Trace, *, members: Mapping[str, Any] | None = None, status: int | None = None
) -> JSONResponse:
    """The answer that tells a program of `failure`."""
    return _as_json(problem_of(failure, trace, members=members, status=status))


def _as_json(problem: Problem) -> JSONResponse:
    content = problem.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, problem.status, _headers(problem), media_type=MEDIA_TYPE)


def _headers(problem: Problem) -> dict[str, str]:
    headers = {}
    if problem.status == 401:
        rejected = ', error="invalid_token"' if problem.code == "token_rejected" else ""
        headers["WWW-Authenticate"] = f'Bearer realm="tagwerk"{rejected}'
    if problem.status in (429, 503) and problem.retryable:
        headers["Retry-After"] = str((problem.model_extra or {}).get("retry_after", 1))
    return headers


#: Makes the page that tells a person of a problem.
ErrorPage = Callable[[Request, Problem], Response]

#: Where programs ask, whatever they accept.
_NO_PAGES = ("/api/", "/static/", "/openapi.json", "/healthz", "/readyz")


def wants_page(request: Request) -> bool:
    """Whether a browser asked for a page."""
    accepted = request.headers.get("accept", "")
    return "text/html" in accepted and not request.url.path.startswith(_NO_PAGES)


def _answer(
    request: Request,
    failure: Failure,
    *,
    members: Mapping[str, Any] | None = None,
    status: int | None = None,
) -> Response:
    """The answer that tells whoever asked of `failure`."""
    problem = problem_of(failure, trace_of(request), members=members, status=status)
    if not wants_page(request):
        return _as_json(problem)
    made: ErrorPage = request.app.state.error_page
    page = made(request, problem)
    page.headers.update(_headers(problem))
    return page


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How a route's problems are documented."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def install(app: FastAPI, error_page: ErrorPage) -> None:
    """Translate every exception that leaves a route."""
    app.state.error_page = error_page
    app.add_exception_handler(TagwerkError, _tagwerk_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _unexpected)


def trace_of(request: Request) -> Trace:
    trace: Trace = request.state.trace
    return trace


async def _tagwerk_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TagwerkError)
    members = error.members if isinstance(error, ProblemError) else {}
    response = _answer(request, error.failure, members=members)
    if response.status_code >= 500:
        log.warning("a request could not be served", code=error.failure.code, cause=error.failure.cause)
    return response


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    for detail in error.errors():
        if detail["loc"][0] == "path":
            return _answer(request, _not_there(request, str(detail["loc"][1])))
    errors = [_wrong_field(detail) for detail in error.errors()]
    return await _tagwerk_error(request, wrong_fields("request_invalid", errors))


def _not_there(request: Request, parameter: str) -> Failure:
    """A path that names what cannot be leads to the same answer as one that names what is not there."""
    if parameter not in _NAMED:
        return _nothing_at(request)
    said = str(request.path_params[parameter])[:100]
    return Failure(
        code=_NAMED[parameter],
        cause=f"there is nothing with the id {said}",
        concern=said,
        next_step="Check the id.",
    )


def _wrong_field(detail: Mapping[str, Any]) -> WrongField:
    # The first part says where it came from (`body`, `query`, `path`, `header`).
    source, *path = [str(part) for part in detail["loc"]]
    if detail["type"] == "json_invalid":
        return WrongField(field=source, message=f"no valid JSON: {detail['ctx']['error']}")
    return WrongField(field=".".join(path) or source, message=detail["msg"])


async def _http_exception(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: an unknown path, a method, a body that cannot be parsed."""
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            failure = _nothing_at(request)
        case 405:
            failure = Failure(
                code="method_not_allowed",
                cause=f"{request.url.path} knows no {request.method}",
                next_step="Use one of the methods that the header Allow names.",
            )
        case 413:
            failure = Failure(
                code="request_too_large",
                cause="the body of this request is too large",
                next_step="Send less in one request.",
            )
        case _:
            failure = Failure(
                code="request_invalid",
                cause=str(error.detail),
                next_step="Correct the request and send it again.",
            )
    response = _answer(request, failure, status=error.status_code)
    response.headers.update(error.headers or {})
    return response


def _nothing_at(request: Request) -> Failure:
    return Failure(
        code="not_found",
        cause=f"there is nothing at {request.url.path}",
        next_step="Look up the paths in /openapi.json.",
    )


async def _unexpected(request: Request, error: Exception) -> Response:
    """An exception of ours. It tells nothing of our inside; the traceback stands in the log."""
    return _answer(request, hidden_failure(error))


def hidden_failure(error: BaseException) -> Failure:
    """What may be told of an exception that is not meant for the caller."""
    if isinstance(error, DATABASE_AWAY):
        return Failure(
            code="database_unavailable",
            cause="the gateway's database does not answer",
            concern="database",
            next_step="Check that PostgreSQL runs; the gateway goes on by itself as soon as it does.",
            retryable=True,
        )
    failure = failure_of(error)
    return Failure(
        code=failure.code,
        cause="the gateway could not serve this request",
        next_step="Report it with the trace id; the log has the details.",
        retryable=failure.retryable,
    )
