"""The spans of this process, kept in memory for a test to look at."""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.telemetry import spans
from shared.telemetry.provider import provider_of


class Spans:
    """What was recorded so far."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def all(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def of(self, trace_id: str) -> list[ReadableSpan]:
        """In the order in which they ended."""
        return [span for span in self.all if trace_of(span) == trace_id]

    def named(self, name: str, **attributes: object) -> list[ReadableSpan]:
        """Those of the name with these attributes."""
        return [
            span
            for span in self.all
            if span.name == name and attributes.items() <= dict(span.attributes or {}).items()
        ]

    def linked_to(self, span: ReadableSpan) -> list[ReadableSpan]:
        """Spans of other traces that name this one as a cause."""
        return [one for one in self.all if any(link.context.span_id == id_of(span) for link in one.links)]

    def above(self, span: ReadableSpan) -> ReadableSpan | None:
        """Its parent, as far as it was recorded."""
        if span.parent is None:
            return None
        return next((one for one in self.all if id_of(one) == span.parent.span_id), None)

    async def until(self, condition: Callable[[], object], *, timeout: float = 20.0) -> None:
        """Spans end after what they tell of is known."""
        async with asyncio.timeout(timeout):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def names_one(name: str) -> bool:
    """Whether a span's name tells one thing from others of its kind: an id, a number, a file."""
    return any(
        token.isdigit() or _is_id(token) or re.fullmatch(r"[0-9a-f]{8,}", token)
        for token in re.split(r"[\s/.:_{}]+", name)
    )


def _is_id(token: str) -> bool:
    try:
        UUID(token)
    except ValueError:
        return False
    return True


@contextmanager
def recording(*, sample: float = 1.0) -> Iterator[Spans]:
    """Record the spans of this process."""
    exporter = InMemorySpanExporter()
    provider = provider_of("tests", "0", SimpleSpanProcessor(exporter), sample)
    spans.use(provider.get_tracer("tests"))
    try:
        yield Spans(exporter)
    finally:
        spans.use(None)
        provider.shutdown()
