"""The span of a request, and the trace that it has in any case."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from services.gateway.tracing import Trace, serving
from shared.logs import _name_trace
from shared.telemetry.context import carried, parse, trace_id_at_hand
from tests.support.spans import Spans, recording, trace_of

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans() -> Iterator[Spans]:
    with recording() as spans:
        yield spans


def scope(path: str, route: str | None = None, method: str = "GET") -> dict[str, Any]:
    """A request as the application has routed it."""
    return {"method": method, "path": path, "route": None if route is None else SimpleNamespace(path=route)}


def test_without_spans_a_request_goes_on_with_the_trace_of_its_caller_or_begins_one() -> None:
    with serving(scope("/runs"), CALLER) as served:
        assert served.trace.trace_id == trace_id_at_hand() == CALLER.split("-")[1]
        assert served.trace.span_id != CALLER.split("-")[2]
    with serving(scope("/runs"), None) as served:
        assert served.trace.trace_id == trace_id_at_hand()
    assert Trace.of("nonsense").trace_id != Trace.of("nonsense").trace_id


@pytest.mark.parametrize("path", ["/static/5c0e2a4b/app.css", "/healthz", "/readyz", "/metrics"])
def test_what_nobody_looks_for_is_no_span_but_has_a_trace(spans: Spans, path: str) -> None:
    with serving(scope(path, path), None) as served:
        served.answered(scope(path, path), 200, "text/css")
        assert served.trace.trace_id == trace_id_at_hand()
    assert spans.all == ()


@pytest.mark.parametrize(
    ("path", "route", "name"),
    [
        ("/runs/4711", "/runs/{run_id}", "GET /runs/{run_id}"),
        ("/api/v1/runs/4711", "/runs/{run_id}", "GET /api/v1/runs/{run_id}"),
        ("/nothing/4711", None, "GET"),
    ],
)
def test_a_span_is_named_by_its_route(spans: Spans, path: str, route: str | None, name: str) -> None:
    with serving(scope(path, route), CALLER) as served:
        served.answered(scope(path, route), 200, "application/json")
    [span] = spans.all
    assert span.name == name
    assert path not in (span.attributes or {}).values()
    assert (served.trace.trace_id, trace_of(span)) == (CALLER.split("-")[1],) * 2


@pytest.mark.parametrize(("status", "code"), [(404, StatusCode.UNSET), (503, StatusCode.ERROR)])
def test_what_the_caller_did_wrong_is_no_error_of_ours(spans: Spans, status: int, code: StatusCode) -> None:
    with serving(scope("/runs", "/runs"), None) as served:
        served.answered(scope("/runs", "/runs"), status, "application/problem+json")
    assert spans.all[0].status.status_code is code


def test_an_answer_that_goes_on_is_as_long_as_its_first_byte(spans: Spans) -> None:
    with serving(scope("/runs/x/events", "/runs/{run_id}/events"), None) as served:
        served.answered(scope("/runs/x/events", "/runs/{run_id}/events"), 200, "text/event-stream; charset=x")
        assert len(spans.all) == 1
    assert len(spans.all) == 1, "and not told twice"


def test_what_a_caller_calls_a_method_is_not_repeated(spans: Spans) -> None:
    with serving(scope("/runs", "/runs", "4711"), None) as served:
        served.broke_off(scope("/runs", "/runs", "4711"))
    [span] = spans.all
    assert span.name == "HTTP /runs"
    said = span.attributes or {}
    assert (said["http.request.method"], said["error.type"]) == ("_OTHER", "cancelled")


def test_a_log_line_says_its_trace() -> None:
    with carried(parse(CALLER)):
        assert _name_trace(None, "info", {"event": "ready"})["trace_id"] == CALLER.split("-")[1]
        assert _name_trace(None, "info", {"event": "x", "trace_id": "its own"})["trace_id"] == "its own"
    assert "trace_id" not in _name_trace(None, "info", {"event": "ready"})
