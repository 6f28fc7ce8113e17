"""A trace as a waterfall: each span under what led to it, at its place in time. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.commands import Span, Trace

WIDTH = 1000.0
#: So much is seen of whatever was there at all.
NARROWEST = 4.0
#: Steps that are indented; what lies deeper stands below the last.
DEEPEST = 14
#: Tones in which services are told apart.
TONES = 8

#: Named here, so that a service has its tone on every page.
_SERVICES = (
    "gateway",
    "scheduler",
    "documents",
    "integrations",
    "reporting",
    "status",
    "audit",
    "mqtt_bridge",
)


@dataclass(frozen=True, slots=True)
class Bar:
    span: Span
    depth: int
    #: Share of the width, 0 to `WIDTH`.
    x: float
    width: float
    tone: int
    #: Seconds after the first span, and that it took.
    after: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    bars: Sequence[Bar]
    begins: datetime
    #: From the first span's start to the last one's end.
    seconds: float
    #: Service -> tone, in the order in which they came in.
    services: Mapping[str, int]
    #: Other traces that spans of this one are linked to.
    linked: Sequence[str]
    failed: int


def waterfall_of(trace: Trace) -> Waterfall | None:
    """None where there are no spans."""
    if not trace.items:
        return None
    begins = min(span.started_at for span in trace.items)
    ends = max(span.started_at + timedelta(microseconds=span.microseconds) for span in trace.items)
    whole = max((ends - begins).total_seconds(), 0.000_001)
    bars = []
    for span, depth in trace.ordered():
        after, seconds = (span.started_at - begins).total_seconds(), span.microseconds / 1_000_000
        x = min(after / whole * WIDTH, WIDTH - NARROWEST)
        width = min(max(seconds / whole * WIDTH, NARROWEST), WIDTH - x)
        bars.append(
            Bar(
                span, min(depth, DEEPEST), round(x, 1), round(width, 1), tone_of(span.service), after, seconds
            )
        )
    return Waterfall(
        bars=bars,
        begins=begins,
        seconds=whole,
        services={bar.span.service: bar.tone for bar in bars},
        linked=sorted({id for span in trace.items for id in span.links if id != trace.trace_id}),
        failed=sum(span.failed for span in trace.items),
    )


def tone_of(service: str) -> int:
    if service in _SERVICES:
        return _SERVICES.index(service) % TONES
    return sum(service.encode()) % TONES
