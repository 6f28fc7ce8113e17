"""A source of exchange rates as a process of its own: `python -m tests.support.rates_feed`.

It prints its port, then serves until it is killed. The path chooses the behavior.
"""

import contextlib
import gzip
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.support.rates_files import BILLION_LAUGHS, XXE, bazg_file, ecb_file, ecb_history

BAZG = bazg_file("06.03.2026,07.03.2026,08.03.2026", [("1 USD", "0.79588"), ("100 EGP", "1.66619")])
STATUSES = {"/500": 500, "/429": 429, "/401": 401, "/404": 404}


#: 50 MB when it is unpacked. Made once: that takes longer than some tests wait for an answer.
GZIP_BOMB = gzip.compress(b" " * 50_000_000)


class Source(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._answer(address.path, query)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def _answer(self, path: str, query: dict[str, str]) -> None:
        match path:
            case "/ecb":
                self._send(ecb_file({"2026-03-06": {"USD": query.get("usd", "1.0705"), "CHF": "0.9634"}}))
            case "/ecb-history":
                self._send(ecb_history(int(query.get("days", "90"))))
            case "/bazg":
                self._send(BAZG)
            case "/html":
                self._send(b"<!doctype html><title>Sign in</title>")
            case "/broken":
                self._send(ecb_history(1)[:-40])
            case "/xxe":
                self._send(XXE)
            case "/laughs":
                self._send(BILLION_LAUGHS)
            case "/cut":
                self._head(200, {"Content-Length": "100000"})
                self.wfile.write(ecb_history(1)[:500])
            case "/moved":
                self._head(302, {"Location": "/ecb", "Content-Length": "0"})
            case "/slow":
                time.sleep(600)
            case "/drip":
                self._head(200, {})
                for _ in range(6000):
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.1)
            case "/huge":
                self._head(200, {})
                for _ in range(10_000):
                    self.wfile.write(b" " * 100_000)
            case "/gzip-bomb":
                self._head(200, {"Content-Encoding": "gzip", "Content-Length": str(len(GZIP_BOMB))})
                self.wfile.write(GZIP_BOMB)
            case "/packed":
                packed = gzip.compress(b'{"items": [1, 2]}')
                self._head(
                    200, {"Content-Encoding": "gzip", "Content-Length": str(len(packed)), "ETag": '"7"'}
                )
                self.wfile.write(packed)
            case "/refused":
                told = b'{"detail": "the supplier is locked"}'
                self._head(
                    422, {"Content-Type": "application/problem+json", "Content-Length": str(len(told))}
                )
                self.wfile.write(told)
            case "/refused-at-length":
                self._head(404, {})
                for _ in range(10_000):
                    self.wfile.write(b" " * 100_000)
            case _:
                self._head(STATUSES[path], {"Content-Length": "0"})

    def _send(self, content: bytes) -> None:
        self._head(200, {"Content-Type": "application/xml", "Content-Length": str(len(content))})
        self.wfile.write(content)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to the terminal."""


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The address of a source that runs until the end of the block."""
    command = [sys.executable, "-m", "tests.support.rates_feed"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.kill()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Source)
    print(server.server_port, flush=True)
    server.serve_forever()
