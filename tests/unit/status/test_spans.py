"""Spans as they come in over OTLP, and which of them tell of a run."""

import base64
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.status.spans.core import of_run
from services.status.spans.decoding import Unreadable, read_json, read_protobuf, rows
from shared.commands import Span

RUN = UUID("01956000-0000-7000-8000-000000000021")
OTHER = UUID("01956000-0000-7000-8000-000000000022")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def told(**changes: object) -> dict[str, object]:
    """A request of one span, as OTLP's JSON has it."""
    span = {
        "traceId": TRACE,
        "spanId": "00f067aa0ba902b7",
        "parentSpanId": "53995c3f42cd8ad8",
        "name": "process run.requested",
        "kind": 5,
        "startTimeUnixNano": "1772353800000000000",
        "endTimeUnixNano": "1772353804200000000",
        "status": {"code": 2},
        "attributes": [
            {"key": "tagwerk.run.id", "value": {"stringValue": str(RUN)}},
            {"key": "tagwerk.attempt", "value": {"intValue": "2"}},
            {"key": "error.type", "value": {"stringValue": "pdf_encrypted"}},
            {"key": "messaging.system", "value": {"stringValue": "nats\x00"}},
        ],
        "links": [{"traceId": "1" * 32, "spanId": "2" * 16}],
        **changes,
    }
    service = {"key": "service.name", "value": {"stringValue": "documents"}}
    return {"resourceSpans": [{"resource": {"attributes": [service]}, "scopeSpans": [{"spans": [span]}]}]}


def test_a_span_is_read_with_what_people_look_for_in_columns_of_its_own() -> None:
    [row], refused = rows(read_json(orjson.dumps(told())))
    assert refused == 0
    assert (row.trace_id, row.span_id, row.parent_id) == (TRACE, "00f067aa0ba902b7", "53995c3f42cd8ad8")
    assert (row.service, row.run_id, row.attempt, row.entry) == ("documents", RUN, 2, True)
    assert (row.failed, row.error, row.microseconds) == (True, "pdf_encrypted", 4_200_000)
    assert row.started_at == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    # PostgreSQL takes no zero bytes.
    assert orjson.loads(row.attributes) == {"messaging.system": "nats"}
    assert row.links == ["1" * 32]


def test_protobuf_and_json_say_the_same() -> None:
    request = read_json(orjson.dumps(told()))
    assert rows(read_protobuf(request.SerializeToString())) == rows(request)


@pytest.mark.parametrize(
    "changes",
    [
        {"traceId": "ab"},
        {"spanId": ""},
        {"startTimeUnixNano": "0"},
        {"endTimeUnixNano": "1"},
        {"endTimeUnixNano": "1999999999000000000"},
    ],
)
def test_a_span_without_ids_or_times_is_left_out_and_counted(changes: dict[str, str]) -> None:
    assert rows(read_json(orjson.dumps(told(**changes)))) == ([], 1)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"resourceSpans": 3}', orjson.dumps(told(traceId="no hex")), b"\xff\xff\xff"]
)
def test_what_is_no_otlp_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(Unreadable):
        rows(read_json(body))


def test_protobuf_that_is_cut_off_is_none() -> None:
    whole = read_json(orjson.dumps(told())).SerializeToString()
    with pytest.raises(Unreadable):
        read_protobuf(whole[:-3])
    assert read_protobuf(b"") == ExportTraceServiceRequest()
    assert base64.b64decode(base64.b64encode(whole)) == whole


def span(id: str, parent: str | None = None, run: UUID | None = None) -> Span:
    return Span(
        span_id=id, parent_id=parent, service="lab", name=id, kind="internal", run_id=run,
        started_at=datetime(2026, 3, 1, tzinfo=UTC), microseconds=1, failed=False,
    )  # fmt: skip


def test_a_run_is_shown_with_what_led_to_it_and_what_it_did_but_not_with_other_runs() -> None:
    trace = [
        span("upload"),
        span("store", "upload"),
        span("request", "upload"),
        span("first", "request", RUN),
        span("second", "request", RUN),
        span("child", "second"),
        span("event", "second"),
        span("next request", "event"),
        span("another", "next request", OTHER),
        span("its child", "another"),
    ]
    shown = [one.span_id for one in of_run(trace, RUN)]
    assert shown == ["upload", "request", "first", "second", "child", "event", "next request"]
    assert [one.span_id for one in of_run(trace, OTHER)] == [
        "upload", "request", "second", "event", "next request", "another", "its child",
    ]  # fmt: skip


def test_spans_that_name_each_other_as_parents_are_shown_once() -> None:
    turning = [span("a", "b", RUN), span("b", "a")]
    assert [one.span_id for one in of_run(turning, RUN)] == ["a", "b"]
