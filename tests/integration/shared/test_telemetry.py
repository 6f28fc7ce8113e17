"""Spans on their way to a collector: a real one over HTTP, one that is away, and one that does not answer."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import SpanKind

from shared.telemetry import provider
from shared.telemetry.provider import start_tracing
from shared.telemetry.spans import entry, recorded


@contextmanager
def collecting(taken: list[tuple[str, ExportTraceServiceRequest]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_collector_gets_spans_with_who_made_them_and_the_last_ones_at_the_end() -> None:
    taken: list[tuple[str, ExportTraceServiceRequest]] = []
    with collecting(taken) as endpoint:
        stop = start_tracing("lab", "1.2.3", endpoint=f"{endpoint}/")
        second = start_tracing("scheduler", "1.2.3", endpoint=endpoint)
        with entry("process run.requested", SpanKind.CONSUMER, {"tagwerk.attempt": 1}, parent=None):
            pass
        second()
        assert recorded(), "of several services in one process the first one's goes on"
        stop()
    assert not recorded()
    [(path, request)] = taken
    assert path == "/v1/traces"
    [of_resource] = request.resource_spans
    who = {pair.key: pair.value.string_value for pair in of_resource.resource.attributes}
    assert (who["service.name"], who["service.version"]) == ("lab", "1.2.3")
    assert who["service.instance.id"].startswith(socket.gethostname())
    [span] = of_resource.scope_spans[0].spans
    assert span.name == "process run.requested"
    assert len(span.trace_id) == 16


def test_a_collector_that_does_not_answer_holds_up_neither_work_nor_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(provider, "TIMEOUT", 0.5)
    monkeypatch.setattr(provider, "FAREWELL", 0.1)
    monkeypatch.setattr(provider, "BATCH", 100)
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        stop = start_tracing("lab", "0", endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        for _ in range(2_000):
            with entry("process", SpanKind.CONSUMER, {}, parent=None):
                pass
        stop()
        silent.setblocking(False)
        tries = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                tries += 1
    # Twenty batches wait; after the farewell nobody waits for one of them any more.
    assert 1 <= tries < 10
