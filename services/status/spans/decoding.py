"""Spans as OTLP carries them (https://opentelemetry.io/docs/specs/otlp/), as rows. Pure."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Attributes of one span that are kept, and characters of a text in one.
_ATTRIBUTES: Final = 64
_TEXT: Final = 512
_LINKS: Final = 128
#: What only the server of a request over HTTP tells.
_HTTP: Final = "http.route"
#: Longest time that a span may tell; more is a broken clock.
_LONGEST: Final = timedelta(days=30)
#: Attributes that have a column, and stand in no other place.
RUN, JOB, CLIENT, ATTEMPT = "tagwerk.run.id", "tagwerk.job", "tagwerk.client", "tagwerk.attempt"


class Unreadable(ValueError):
    """What came is no OTLP."""


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A row of `spans`, but for the day on which it came."""

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    instance: str | None
    name: str
    kind: int
    started_at: datetime
    microseconds: int
    failed: bool
    error: str | None
    run_id: UUID | None
    job: str | None
    client: str | None
    attempt: int | None
    entry: bool
    attributes: str
    links: list[str]


def read_protobuf(body: bytes) -> ExportTraceServiceRequest:
    """Raises `Unreadable`."""
    try:
        return ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise Unreadable(str(error)) from error


def read_json(body: bytes) -> ExportTraceServiceRequest:
    """Ids are hex in OTLP's JSON, where protobuf's own has base64. Raises `Unreadable`."""
    try:
        content = orjson.loads(body)
        for resource in content.get("resourceSpans", ()):
            for scope in resource.get("scopeSpans", ()):
                for span in scope.get("spans", ()):
                    for one in (span, *span.get("links", ())):
                        _spell_ids(one)
        return json_format.ParseDict(content, ExportTraceServiceRequest(), ignore_unknown_fields=True)
    except (orjson.JSONDecodeError, json_format.ParseError, ValueError, TypeError, AttributeError) as error:
        raise Unreadable(str(error)) from error


def _spell_ids(told: dict[str, Any]) -> None:
    for name in ("traceId", "spanId", "parentSpanId"):
        if told.get(name):
            told[name] = base64.b64encode(bytes.fromhex(told[name])).decode()


def rows(request: ExportTraceServiceRequest) -> tuple[list[SpanRow], int]:
    """The spans, and how many were left out because their ids or times are none."""
    found: list[SpanRow] = []
    refused = 0
    for resource in request.resource_spans:
        facts = dict(_plain(resource.resource.attributes))
        for scope in resource.scope_spans:
            for span in scope.spans:
                row = _row(span, str(facts.get("service.name", "unknown")), facts.get("service.instance.id"))
                if row is None:
                    refused += 1
                else:
                    found.append(row)
    return found, refused


def _row(span: Span, service: str, instance: Any) -> SpanRow | None:
    length = (span.end_time_unix_nano - span.start_time_unix_nano) // 1000
    if len(span.trace_id) != 16 or len(span.span_id) != 8 or not span.start_time_unix_nano:
        return None
    if not 0 <= length <= _LONGEST // timedelta(microseconds=1):
        return None
    attributes = dict(_plain(span.attributes))
    told = frozenset(attributes)
    error = attributes.pop("error.type", None)
    return SpanRow(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        service=service[:_TEXT],
        instance=None if instance is None else str(instance)[:_TEXT],
        name=span.name[:_TEXT],
        kind=span.kind,
        started_at=_EPOCH + timedelta(microseconds=span.start_time_unix_nano // 1000),
        microseconds=length,
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        error=None if error is None else str(error)[:_TEXT],
        run_id=_uuid(attributes.pop(RUN, None)),
        job=_text(attributes.pop(JOB, None)),
        client=_text(attributes.pop(CLIENT, None)),
        attempt=_number(attributes.pop(ATTEMPT, None)),
        entry=not span.parent_span_id or RUN in told or _HTTP in told,
        attributes=orjson.dumps(attributes).decode().replace("\\u0000", ""),
        links=[link.trace_id.hex() for link in span.links[:_LINKS]],
    )


def _plain(attributes: Iterable[KeyValue]) -> Iterator[tuple[str, Any]]:
    for number, attribute in enumerate(attributes):
        if number == _ATTRIBUTES:
            return
        yield attribute.key[:_TEXT], _value(attribute.value)


def _value(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value.replace("\x00", "")[:_TEXT]
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case "array_value":
            return [_value(one) for one in value.array_value.values[:_ATTRIBUTES]]
        case _:
            return None


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value)) if value is not None else None
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**31 else None


def facts_of(attributes: str) -> Mapping[str, Any]:
    """Attributes of a row, as they were told."""
    told: Mapping[str, Any] = orjson.loads(attributes)
    return told
