"""A receiver of webhooks for tests: it verifies signatures as https://www.standardwebhooks.com says, keeps
what is right, and answers as it is told."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from standardwebhooks import Webhook, WebhookVerificationError

SECRET: Final = "whsec_" + base64.b64encode(b"a secret of tests, 32 bytes long").decode()


@dataclass
class Receiver:
    port: int = 0
    #: Status of the next answers, in their order; then 204.
    answers: list[int] = field(default_factory=list)
    #: Ids of all requests whose signature was right, and what the accepted ones said.
    ids: list[str] = field(default_factory=list)
    said: list[Any] = field(default_factory=list)
    #: Requests whose signature was not right.
    forged: int = 0
    #: Answers wait for it.
    open: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/alerts"

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        try:
            said = Webhook(SECRET).verify(body, headers)
        except WebhookVerificationError:
            self.forged += 1
            return 401
        self.open.wait(30)
        self.ids.append(headers["webhook-id"])
        status = self.answers.pop(0) if self.answers else 204
        if status < 300:
            self.said.append(said)
        return status


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.open.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = receiver.take(body, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.open.set()
        server.shutdown()
        server.server_close()
        thread.join()
