"""W3C trace context (https://www.w3.org/TR/trace-context/): the one at hand, and as text.

It goes on whether spans are recorded or not: log lines, error answers and runs name their trace in any case.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

#: The header of HTTP and of NATS that carries it.
TRACEPARENT: Final = "traceparent"

_TRACEPARENT: Final = re.compile(
    r"^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)"
)


def parse(traceparent: str | None) -> SpanContext | None:
    """The context that the text names; None if there is none, or one that cannot be read."""
    match = _TRACEPARENT.match(traceparent or "")
    if match is None:
        return None
    flags = TraceFlags(int(match[3], 16))
    return SpanContext(int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=flags)


def text_of(context: SpanContext) -> str:
    """The context as a `traceparent`."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def begun() -> SpanContext:
    """The context of a trace that begins here."""
    trace_id, span_id = int(secrets.token_hex(16), 16), int(secrets.token_hex(8), 16)
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def at_hand() -> SpanContext | None:
    """The context of what is being done right now."""
    context = trace.get_current_span().get_span_context()
    return context if context.is_valid else None


def traceparent_at_hand() -> str | None:
    """The same as a `traceparent`."""
    context = at_hand()
    return None if context is None else text_of(context)


def trace_id_at_hand() -> str | None:
    """Its trace: 32 hex digits."""
    context = at_hand()
    return None if context is None else f"{context.trace_id:032x}"


@contextmanager
def carried(context: SpanContext | None) -> Iterator[None]:
    """What is done inside goes on in this context, without a span of its own; None changes nothing."""
    if context is None:
        yield
        return
    token = attach(trace.set_span_in_context(NonRecordingSpan(context)))
    try:
        yield
    finally:
        detach(token)
