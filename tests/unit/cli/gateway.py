"""A gateway of canned answers, as a real HTTP server on a free port: what the commands talk to in tests."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Said:
    """One answer. `body` is a model, JSON data or bytes; of a stream its pieces."""

    body: Any = None
    status: int = 200
    media_type: str = "application/json"
    pieces: list[bytes] | None = None


Answer = Said | Callable[[Asked], Said]


@dataclass
class CannedGateway:
    url: str
    #: Method and path below `/api/v1` -> the answer, or what makes it.
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def on(self, method: str, path: str, answer: Any, **how: Any) -> None:
        ready = answer if isinstance(answer, Said) or callable(answer) else Said(answer, **how)
        self.answers[method, path] = ready

    def problem(self, method: str, path: str, status: int, code: str, **members: Any) -> None:
        body = {
            "type": f"urn:tagwerk:problem:{code}",
            "title": "A title",
            "status": status,
            "detail": f"the cause of {code}",
            "code": code,
            "concern": "scan.pdf",
            "next_step": "Do this next.",
            "retryable": False,
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            **members,
        }
        self.on(method, path, body, status=status, media_type="application/problem+json")

    @property
    def last(self) -> Asked:
        return self.asked[-1]

    def answer(self, asked: Asked) -> Said:
        self.asked.append(asked)
        ready = self.answers.get((asked.method, asked.path))
        if ready is None:
            return Said({"title": "Not Found", "status": 404, "code": "not_found", "detail": "no"}, 404)
        return ready if isinstance(ready, Said) else ready(asked)


def server_sent(events: list[tuple[int, dict[str, Any]]], *, end: bool) -> list[bytes]:
    """Events as they come over the wire, with a heartbeat in between."""
    pieces = [
        f"id: {sequence}\nevent: {event['type'].removeprefix('run.')}\ndata: {json.dumps(event)}\n\n".encode()
        for sequence, event in events
    ]
    if end:
        pieces.append(b"event: end\ndata: {}\n\n")
    return [b": heartbeat\n\n", *pieces]


@contextmanager
def canned_gateway() -> Iterator[CannedGateway]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            said = gateway.answer(
                Asked(
                    method=self.command,
                    path=address.path.removeprefix("/api/v1"),
                    query=parse_qs(address.query),
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=self.rfile.read(length),
                )
            )
            body = _bytes_of(said)
            self.send_response(said.status)
            self.send_header("Content-Type", said.media_type if said.pieces is None else "text/event-stream")
            if said.pieces is None:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for piece in said.pieces or [body]:
                self.wfile.write(piece)
                self.wfile.flush()

        do_POST = do_GET
        do_PUT = do_GET
        do_DELETE = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway = CannedGateway(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()


def _bytes_of(said: Said) -> bytes:
    if isinstance(said.body, bytes):
        return said.body
    if isinstance(said.body, BaseModel):
        return said.body.model_dump_json().encode()
    return json.dumps(said.body).encode()
