"""Spans as OTLP writes them.

The library's own encoder takes as long as everything else that a span costs together: it makes each attribute
anew. Most attributes are the same in every span of a kind, and are made once here. A test holds both equal.
"""

import functools
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

#: How the specification numbers them.
_KINDS = {
    SpanKind.INTERNAL: Span.SPAN_KIND_INTERNAL,
    SpanKind.SERVER: Span.SPAN_KIND_SERVER,
    SpanKind.CLIENT: Span.SPAN_KIND_CLIENT,
    SpanKind.PRODUCER: Span.SPAN_KIND_PRODUCER,
    SpanKind.CONSUMER: Span.SPAN_KIND_CONSUMER,
}
_STATUS = {
    StatusCode.UNSET: Status(code=Status.STATUS_CODE_UNSET),
    StatusCode.OK: Status(code=Status.STATUS_CODE_OK),
    StatusCode.ERROR: Status(code=Status.STATUS_CODE_ERROR),
}
#: Attributes that tell one span from all others.
_SINGULAR = frozenset({"tagwerk.run.id", "messaging.message.id", "messaging.message.body.size"})


def encode(spans: Sequence[ReadableSpan]) -> bytes:
    """An `ExportTraceServiceRequest` of spans that one tracer made."""
    # Who made them is said as the library says it.
    request = encode_spans(spans[:1])
    scope = request.resource_spans[0].scope_spans[0]
    del scope.spans[:]
    scope.spans.extend([_span(span) for span in spans])
    return bytes(request.SerializeToString())


def _span(span: ReadableSpan) -> Span:
    context, parent = span.context, span.parent
    assert context is not None, "a span that has ended"
    return Span(
        trace_id=context.trace_id.to_bytes(16, "big"),
        span_id=context.span_id.to_bytes(8, "big"),
        parent_span_id=b"" if parent is None else parent.span_id.to_bytes(8, "big"),
        name=span.name,
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.start_time or 0,
        end_time_unix_nano=span.end_time or 0,
        attributes=[
            (_new_pair if key in _SINGULAR else _pair)(key, value)
            for key, value in (span.attributes or {}).items()
        ],
        dropped_attributes_count=span.dropped_attributes,
        links=[_link(link.context) for link in span.links],
        status=_STATUS[span.status.status_code],
        flags=_flags(parent),
    )


def _new_pair(key: str, value: object) -> KeyValue:
    match value:
        case bool():
            held = AnyValue(bool_value=value)
        case int():
            held = AnyValue(int_value=value)
        case float():
            held = AnyValue(double_value=value)
        case _:
            held = AnyValue(string_value=str(value))
    return KeyValue(key=key, value=held)


#: `typed`: 1 is equal to True, and another attribute.
_pair = functools.lru_cache(maxsize=4096, typed=True)(_new_pair)


def _link(context: SpanContext) -> Span.Link:
    return Span.Link(
        trace_id=context.trace_id.to_bytes(16, "big"),
        span_id=context.span_id.to_bytes(8, "big"),
        flags=_flags(context),
    )


def _flags(before: SpanContext | None) -> int:
    """That it is known whether what came before is of another process, and whether it is."""
    return 0x300 if before is not None and before.is_remote else 0x100
