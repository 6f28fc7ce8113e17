"""The translation of codes, and the documents that describe the API."""

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import shared
from services import gateway
from services.gateway.app import application
from services.gateway.problems import STATUS, Problem, problem_response, status_of
from services.gateway.routes.runs import RunsFilter
from services.gateway.tracing import Trace
from shared.commands import RunsQuery
from shared.errors import Failure

TRACE = Trace.of(None)

#: Those modules of `shared` that raise within a request.
USED = (
    "access.py",
    "bus.py",
    "dead_letters.py",
    "effects.py",
    "files.py",
    "intake.py",
    "media_types.py",
    "requests.py",
)

#: Raised where no request waits for the answer, or the caller's own to mend (422).
ELSEWHERE = {
    "address_unavailable", "client_ambiguous", "client_missing", "confirmation_required",
    "correction_invalid", "file_empty", "file_type_mismatch", "office_encrypted",
    "idempotency_conflict", "openid_incomplete", "openid_insecure", "parameters_invalid",
    "password_not_for_kind", "password_refused", "passwords_differ", "policy_invalid", "policy_roles_unknown",
    "request_invalid", "role_unknown", "setting_missing",
    "subject_unreadable", "too_many_failed", "upload_refused",
}  # fmt: skip


def test_every_code_that_the_gateway_can_meet_has_a_status() -> None:
    contracts = Path(next(iter(shared.__path__)))
    files = [*Path(next(iter(gateway.__path__))).rglob("*.py"), *(contracts / name for name in USED)]
    raised = {
        code
        for file in files
        for code in re.findall(
            r'(?:TagwerkError|Unsuitable|code=|__init__)\(?\s*"([a-z]+(?:_[a-z]+)+)"', file.read_text()
        )
    }
    assert len(raised) > 20
    unknown = raised - set(STATUS) - ELSEWHERE
    assert raised >= {"file_empty", "run_ended", "bus_unavailable"}
    assert not unknown, f"give these a status, or name them as known elsewhere: {sorted(unknown)}"


@pytest.mark.parametrize(
    ("code", "retryable", "status"),
    [("run_not_found", False, 404), ("never_heard_of", False, 422), ("never_heard_of", True, 503)],
)
def test_an_unknown_code_is_the_callers_or_passes_by_itself(code: str, retryable: bool, status: int) -> None:
    failure = Failure(code=code, cause="because", next_step="do", retryable=retryable)
    assert status_of(failure) == status


def test_a_problem_leaves_out_what_it_does_not_know() -> None:
    response = problem_response(Failure(code="x_y", cause="because", next_step="do"), TRACE)
    assert b"null" not in bytes(response.body)
    assert Problem.model_validate_json(bytes(response.body)).trace_id == TRACE.trace_id


@pytest.mark.parametrize(
    "header",
    [None, "", "garbage", f"00-{'0' * 32}-{'1' * 16}-01", f"00-{'1' * 32}-{'0' * 16}-01",
     f"ff-{'1' * 32}-{'1' * 16}-01", f"00-{'A' * 32}-{'1' * 16}-01"],
)  # fmt: skip
def test_a_trace_that_cannot_be_read_is_begun_anew(header: str | None) -> None:
    trace = Trace.of(header)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", trace.traceparent)
    assert trace.trace_id != "1" * 32


def test_the_filters_of_the_api_are_those_of_the_contract() -> None:
    assert set(RunsFilter.model_fields) == set(RunsQuery.model_fields) - {"scope"}


def test_the_openapi_document_describes_every_route_and_its_problems() -> None:
    document = application().openapi()
    assert document["openapi"].startswith("3.1")
    references = re.findall(r'"\$ref": ?"#/components/schemas/([^"]+)"', _json(document))
    assert set(references) <= set(document["components"]["schemas"])
    assert "HTTPValidationError" not in references
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            if path.startswith("/api/v1"):
                for status in ("401", "422", "500", "503"):
                    content = operation["responses"][status]["content"]
                    assert "application/problem+json" in content, (method, path, status)
                assert operation["security"], (method, path)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def _json(document: dict[str, object]) -> str:
    import orjson

    return orjson.dumps(document).decode()
