"""The spans that our code opens around its work, one function for each place that a span can have.

| function   | its place in the trace                                                              |
|------------|-------------------------------------------------------------------------------------|
| `entry`    | where work comes in: a request, a message; under what caused it, or first of a trace |
| `inside`   | a part of the work at hand; only where that is recorded                             |
| `caused`   | what leads to other work: its context travels on in the message                     |
| `told`     | what is known only afterwards: a call, a step in another process                    |
| `batch`    | work for many traces at once: first of a trace of its own, linked to all of them    |

Names are of low cardinality: no id, no path, no topic. Attributes name no person, and repeat no message.
Without a provider nothing is recorded, and the context goes on as it came.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from shared.errors import Failure, TagwerkError
from shared.telemetry.context import at_hand, parse, text_of

Attributes = Mapping[str, str | int | float | bool]

#: Consequences of one cause that its trace holds; each one beyond begins a trace of its own, linked to the
#: cause. A mailbox with a thousand attachments would make a trace that nobody can open.
CONSEQUENCES: Final = 100

#: Parts of one cause that are recorded: an import of ten thousand rows is one span and not ten thousand.
PARTS: Final = 500

#: Traces that a batch is linked to at most.
LINKS: Final = 128


@dataclass(slots=True)
class _Cause:
    """What is at work, how much it has led to, and how many parts it had."""

    context: SpanContext
    consequences: int = 0
    parts: int = 0

    def one_too_many(self) -> bool:
        self.consequences += 1
        return self.consequences > CONSEQUENCES


_cause: ContextVar[_Cause | None] = ContextVar("tagwerk_cause", default=None)

#: Set by `shared.telemetry.provider`.
_tracer: Tracer | None = None


def use(tracer: Tracer | None) -> None:
    """Record spans with this tracer; None: record none."""
    global _tracer
    _tracer = tracer


def recorded() -> bool:
    """Whether spans are recorded in this process at all."""
    return _tracer is not None


def entry(
    name: str,
    kind: SpanKind,
    attributes: Attributes,
    *,
    parent: str | SpanContext | None,
    began: int | None = None,
) -> "Entry":
    """Where work comes in. `parent` is the context that came with it, as `traceparent` or as it is; without
    one a trace begins. `began`: nanoseconds since 1970, if that was earlier."""
    came = parse(parent) if isinstance(parent, str) else parent
    if _tracer is None:
        return Entry(None, None if came is None else NonRecordingSpan(came))
    above = Context() if came is None else set_span_in_context(NonRecordingSpan(came), Context())
    span = _tracer.start_span(name, above, kind, attributes, start_time=began)
    return Entry(span, span)


class Entry:
    """Around work that came in; gives its span, and one that records nothing where none is recorded.

    By hand and not of a generator: each run goes through here, and frames cost it more than all else here.
    """

    __slots__ = ("_at_hand", "_attached", "_cause", "_caused", "_span")

    def __init__(self, span: Span | None, at_hand: Span | None) -> None:
        """`at_hand` carries the context in which the work goes on; None: it changes nothing."""
        self._span = span
        self._at_hand = at_hand

    def __enter__(self) -> Span:
        self._attached = None if self._at_hand is None else attach(set_span_in_context(self._at_hand))
        if self._span is None:
            return INVALID_SPAN
        self._cause = _Cause(self._span.get_span_context())
        self._caused = _cause.set(self._cause)
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._span is not None:
            _cause.reset(self._caused)
            if error is not None:
                _note(self._span, error)
            if self._cause.parts > PARTS:
                self._span.set_attribute("tagwerk.spans_left_out", self._cause.parts - PARTS)
            self._span.end()
        if self._attached is not None:
            detach(self._attached)


@contextmanager
def inside(name: str, kind: SpanKind, attributes: Attributes) -> Iterator[Span]:
    """A part of the work at hand."""
    if _tracer is None or not _records_parts():
        yield INVALID_SPAN
        return
    with _at_work(_tracer.start_span(name, None, kind, attributes)) as span:
        yield span


@contextmanager
def caused(name: str, attributes: Attributes, *, traceparent: str | None) -> Iterator[str | None]:
    """What leads to other work; gives the `traceparent` that goes along with it.

    It is a part of the work at hand, or of `traceparent` where none is. From the hundred-and-first
    consequence of one cause on each begins a trace of its own.
    """
    if _tracer is None:
        yield traceparent
        return
    above: Context | None = None
    links: list[Link] = []
    cause = _cause.get()
    if cause is not None and cause.one_too_many():
        above, links = Context(), [Link(cause.context)]
    elif at_hand() is None and (came := parse(traceparent)) is not None:
        above = set_span_in_context(NonRecordingSpan(came), Context())
    with _at_work(_tracer.start_span(name, above, SpanKind.PRODUCER, attributes, links)) as span:
        yield text_of(span.get_span_context())


def told(
    name: str,
    kind: SpanKind,
    attributes: Attributes,
    *,
    began: int,
    ended: int,
    error: str | None = None,
) -> None:
    """A part of the work at hand that is known only afterwards; times in nanoseconds since 1970. `error` is
    the stable code of its failure."""
    if _tracer is None or not _records_parts():
        return
    span = _tracer.start_span(name, None, kind, attributes, start_time=began)
    if error is not None:
        failed(span, error)
    span.end(ended)


def batch(
    name: str, kind: SpanKind, attributes: Attributes, *, began: int, causes: Iterable[str | None]
) -> None:
    """Work for many traces at once that ends now, linked to each of them; nothing if none had part in it.
    Where all of it was for one trace, it belongs to that."""
    if _tracer is None:
        return
    found: dict[int, SpanContext] = {}
    for traceparent in dict.fromkeys(causes):
        context = parse(traceparent)
        if context is not None:
            found[context.trace_id] = context
        if len(found) == LINKS:
            break
    if len(found) == 1:
        [cause] = found.values()
        above, links = set_span_in_context(NonRecordingSpan(cause), Context()), []
    else:
        above, links = Context(), [Link(context) for context in found.values()]
    if found:
        _tracer.start_span(name, above, kind, attributes, links, start_time=began).end()


def failed(span: Span, error: str) -> None:
    """The span's work failed; `error` is a stable code, and no message: those may name people."""
    span.set_attribute("error.type", error)
    span.set_status(StatusCode.ERROR)


def raised(span: Span, failure: Failure) -> None:
    """The span's work ended with `failure`. A refusal is an answer: only what may succeed another time, and
    what nobody foresaw, is an error of whoever did the work."""
    if failure.retryable or failure.origin is not None:
        failed(span, failure.code)
    else:
        span.set_attribute("error.type", failure.code)


#: On a span whose work waited because whoever asked wanted it to: seconds at most.
WAITED: Final = "tagwerk.waited"


def waits(seconds: float) -> None:
    """The work at hand is asked to wait: how long it takes says nothing of us."""
    get_current_span().set_attribute(WAITED, seconds)


def _records_parts() -> bool:
    """Whether another part of the work at hand is recorded."""
    if not get_current_span().is_recording():
        return False
    cause = _cause.get()
    if cause is None:
        return True
    cause.parts += 1
    return cause.parts <= PARTS


@contextmanager
def _at_work(span: Span) -> Iterator[Span]:
    token = attach(set_span_in_context(span))
    try:
        yield span
    except BaseException as error:
        _note(span, error)
        raise
    finally:
        detach(token)
        span.end()


def _note(span: Span, error: BaseException) -> None:
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        # Broken off, which is no failure of what was at work.
        span.set_attribute("error.type", "cancelled")
    elif isinstance(error, TagwerkError):
        raised(span, error.failure)
    else:
        failed(span, type(error).__qualname__)
