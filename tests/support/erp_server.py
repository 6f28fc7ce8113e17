"""An ERP with the interface of docs/erp-rest.md, as a process: `python -m tests.support.erp_server`.

It prints its port, then serves until it is killed. Each client has books of its own, below its name. Tests
fill and read them at `/control/<client>`, and say there what is to go wrong.
"""

import contextlib
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from tests.support.plain_http import NO_AUTHORITIES

TOKEN: Final = "s3cret-of-the-erp"
#: Entries in a page, however many are asked for.
PAGE: Final = 2
LISTS: Final = ("suppliers", "cost-centers", "open-items")


@dataclass(frozen=True)
class ErpServer:
    """A server that runs."""

    url: str

    def fill(self, client: str, **lists: list[dict[str, Any]]) -> None:
        """Replace lists: `suppliers`, `cost_centers`, `open_items`."""
        self._control(client, "fill", {name.replace("_", "-"): items for name, items in lists.items()})

    def fault(self, client: str, method: str, path: str, **fault: Any) -> None:
        """Let requests go wrong whose address contains `path`, `times` (1) times: `status`, `retry_after` and
        `detail`; or `break_off="before"` or `"after"` it is done; or answer `body` instead."""
        self._control(client, "fault", {"method": method, "path": path, "times": 1, **fault})

    def books(self, client: str) -> dict[str, Any]:
        """What it has: the lists, `bookings`, `documents`, and `asked`, each request in a line."""
        answer: dict[str, Any] = self._control(client, "books", {})
        return answer

    def rules(self, path: Path, *clients: str, bookings: bool = True) -> Path:
        """A file of rules at `path`, in which each client has this ERP."""
        (path.parent / "erp.token").write_text(f"{TOKEN}\n")
        path.write_text(
            "".join(
                f'[rest.{client}]\nurl = "{self.url}/{client}"\ntoken_file = "erp.token"\n'
                f"bookings = {str(bookings).lower()}\n\n"
                for client in clients
            )
        )
        return path

    def _control(self, client: str, what: str, body: Any) -> Any:
        answer = httpx.post(
            f"{self.url}/control/{client}/{what}", json=body, timeout=30, verify=NO_AUTHORITIES
        )
        answer.raise_for_status()
        return answer.json()


class Books:
    """Of one client."""

    def __init__(self) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS}
        self.bookings: dict[str, dict[str, Any]] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.faults: list[dict[str, Any]] = []


ALL: dict[str, Books] = {}
LOCK = threading.RLock()


class Erp(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._serve("POST")

    def do_GET(self) -> None:
        self._serve("GET")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_PATCH(self) -> None:
        self._serve("PATCH")

    def _serve(self, method: str) -> None:
        address = urlsplit(self.path)
        self.content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        parts = [unquote(part) for part in address.path.strip("/").split("/")]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError), LOCK:
            if parts[0] == "control":
                self._control(ALL.setdefault(parts[1], Books()), parts[2])
                return
            self.client, *rest = parts
            books = ALL.setdefault(self.client, Books())
            books.asked.append(f"{method} {'/'.join(rest)}")
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._problem(401, "the token is unknown")
                return
            fault = self._fault(books, method)
            if fault is None:
                self._answer(books, method, rest)
            elif fault.get("break_off") == "after":
                self.silent = True
                self._answer(books, method, rest)
                self.close_connection = True
            elif fault.get("break_off") == "before":
                self.close_connection = True
            elif "body" in fault:
                self._send(200, fault["body"])
            else:
                after = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
                self._problem(fault["status"], fault.get("detail", "a fault on command"), after)

    silent = False

    def _fault(self, books: Books, method: str) -> dict[str, Any] | None:
        for fault in books.faults:
            if fault["method"] == method and fault["path"] in self.path and fault["times"] > 0:
                fault["times"] -= 1
                return fault
        return None

    def _control(self, books: Books, what: str) -> None:
        body = json.loads(self.content)
        if what == "fill":
            books.lists.update(body)
        elif what == "fault":
            books.faults.append(body)
        told = {"bookings": list(books.bookings.values()), "documents": books.documents, "asked": books.asked}
        self._send(200, {**books.lists, **told})

    def _answer(self, books: Books, method: str, parts: list[str]) -> None:
        match method, parts:
            case "GET", [name] if name in LISTS:
                self._list(books.lists[name], name)
            case "GET", ["open-items", id]:
                item = self._item(books, id)
                self._send(200, _with_etag(item)) if item else self._problem(404, "no such item")
            case "PATCH", ["open-items", id]:
                self._settle(self._item(books, id))
            case "GET", ["bookings"]:
                id = self.query["external_id"]
                self._send(
                    200, {"items": [one for one in books.bookings.values() if one["external_id"] == id]}
                )
            case "PUT", ["documents", id]:
                kind = self.headers["Content-Type"]
                books.documents[id] = {"media_type": kind, "content": self.content.decode("latin-1")}
                self._send(200, {})
            case "POST", ["bookings"]:
                self._book(books)
            case _:
                self._problem(404, "there is nothing here")

    def _list(self, items: list[dict[str, Any]], name: str) -> None:
        etag = f'"{_digest(items)}"'
        if self.headers.get("If-None-Match") == etag:
            self._send(304, None)
            return
        start = int(self.query.get("cursor", "0"))
        headers = {"ETag": etag}
        if start + PAGE < len(items):
            headers["Link"] = f'</{self.client}/{name}?cursor={start + PAGE}>; rel="next"'
        page = [_with_etag(one) if isinstance(one, dict) else one for one in items[start : start + PAGE]]
        self._send(200, {"items": page}, headers)

    def _item(self, books: Books, id: str) -> dict[str, Any] | None:
        return next((one for one in books.lists["open-items"] if one.get("id") == id), None)

    def _settle(self, item: dict[str, Any] | None) -> None:
        if item is None:
            self._problem(404, "no such item")
        elif self.headers.get("If-Match") != _with_etag(item)["etag"]:
            self._problem(412, "it has changed")
        else:
            item.update(json.loads(self.content))
            self._send(200, _with_etag(item))

    def _book(self, books: Books) -> None:
        key, booking = self.headers["Idempotency-Key"], json.loads(self.content)
        if key in books.bookings:
            self._send(200, books.bookings[key])
        elif booking["document_id"] not in books.documents:
            self._problem(422, "its document is missing")
        else:
            books.bookings[key] = {**booking, "number": f"B-{len(books.bookings) + 1}"}
            self._send(201, books.bookings[key])

    def _problem(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        problem = {"title": "Problem", "status": status, "detail": detail}
        self._send(status, problem, {**(headers or {}), "Content-Type": "application/problem+json"})

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        if self.silent:
            return
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to the terminal."""


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _with_etag(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "etag": f'"{_digest(item)}"'}


@contextlib.contextmanager
def serving_erp() -> Iterator[ErpServer]:
    """A server that runs until the end of the block."""
    command = [sys.executable, "-m", "tests.support.erp_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield ErpServer(f"http://127.0.0.1:{int(process.stdout.readline())}")
        process.kill()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Erp)
    print(server.server_port, flush=True)
    server.serve_forever()
