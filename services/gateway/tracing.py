"""The trace of a request: read from it, or begun with it, and its span."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.trace import Span, SpanContext, SpanKind

from shared.telemetry.context import begun, carried, parse
from shared.telemetry.spans import entry, failed, recorded

#: What browsers and probes ask for all the time, and nobody looks for in a trace.
_UNTOLD: Final = ("/static/", "/healthz", "/livez", "/readyz", "/startupz", "/version", "/metrics")

#: Where the routes of the API hang; a route knows only the rest.
_API: Final = "/api/v1"

_KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Trace:
    """The trace that a request belongs to, and the request's own span in it."""

    #: 32 hex digits.
    trace_id: str
    #: 16 hex digits.
    span_id: str
    flags: str = "01"

    @classmethod
    def of(cls, traceparent: str | None) -> "Trace":
        """Go on with the caller's trace; begin one if there is none, or one that cannot be read."""
        came, own = parse(traceparent), begun()
        if came is None:
            return cls._at(own)
        return cls(f"{came.trace_id:032x}", f"{own.span_id:016x}", f"{came.trace_flags:02x}")

    @classmethod
    def _at(cls, context: SpanContext) -> "Trace":
        return cls(f"{context.trace_id:032x}", f"{context.span_id:016x}", f"{context.trace_flags:02x}")

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


class Served:
    """A request while it is served."""

    def __init__(self, trace: Trace, span: Span | None = None) -> None:
        self.trace = trace
        self._span = span

    def answered(self, scope: MutableMapping[str, Any], status: int, content_type: str) -> None:
        """The answer begins with `status`. One that follows a run goes on for as long as somebody looks,
        which says nothing of us: its span ends here."""
        if self._span is None:
            return
        _describe(self._span, scope, status)
        if content_type.startswith("text/event-stream"):
            self._span.end()

    def broke_off(self, scope: MutableMapping[str, Any]) -> None:
        """The caller went away before there was an answer."""
        if self._span is not None:
            _describe(self._span, scope, None)


@contextmanager
def serving(scope: MutableMapping[str, Any], traceparent: str | None) -> Iterator[Served]:
    """Around one request over HTTP."""
    if not recorded() or scope["path"].startswith(_UNTOLD):
        trace = Trace.of(traceparent)
        with carried(parse(trace.traceparent)):
            yield Served(trace)
        return
    attributes = {
        "http.request.method": method_of(scope),
        "url.scheme": scope.get("scheme", "http"),
        "network.protocol.version": scope.get("http_version", "1.1"),
    }
    with entry(_named(scope["method"]), SpanKind.SERVER, attributes, parent=traceparent) as span:
        yield Served(Trace._at(span.get_span_context()), span)


def route_of(scope: MutableMapping[str, Any]) -> str | None:
    """The template of the route that served the request; None where there was none for it."""
    route: str | None = getattr(scope.get("route"), "path", None)
    if route is None:
        return None
    return f"{_API}{route}" if scope["path"].startswith(f"{_API}/") else route


def method_of(scope: MutableMapping[str, Any]) -> str:
    """The method, `_OTHER` for words that are none: callers may say anything."""
    return scope["method"] if scope["method"] in _KNOWN_METHODS else "_OTHER"


def _named(method: str) -> str:
    """The conventions' word for methods that are none: callers may say anything."""
    return method if method in _KNOWN_METHODS else "HTTP"


def _describe(span: Span, scope: MutableMapping[str, Any], status: int | None) -> None:
    """Named by the route as it is declared: paths carry ids, and what people search for."""
    template = route_of(scope)
    if template is not None:
        span.update_name(f"{_named(scope['method'])} {template}")
        span.set_attribute("http.route", template)
    if status is None:
        span.set_attribute("error.type", "cancelled")
        return
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        failed(span, str(status))
