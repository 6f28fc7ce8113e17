"""The outermost layer: trace, headers that every answer carries, the limit on bodies, the log line.

Plain ASGI, because it must not buffer streams and has to see what the framework's own error handling
lets through.
"""

import re
import time
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Router
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from services.gateway.problems import hidden_failure, problem_response
from services.gateway.tracing import Served, method_of, route_of, serving
from shared.metrics.definitions import HTTP_DURATION, HTTP_REQUESTS

log = structlog.get_logger(__name__)

#: Largest body in bytes of a request that is no upload: what it asks for must fit into one message.
BODY_LIMIT = 512 * 1024

#: Where larger forms with files are read piece by piece, with limits of their own.
UPLOADS = re.compile(r"(/api/v1)?/documents|/api/v1/files|/jobs/[^/]+/start/upload")

_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # No other site holds on to a window of ours, or shows what is ours as its own.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
#: For a year browsers ask for nothing here but over TLS.
_OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}


class Edge:
    """Wraps the application; `lifespan` brings what requests find in their state."""

    def __init__(self, app: ASGIApp, lifespan: Lifespan[Any], *, over_tls: bool) -> None:
        """`over_tls`: browsers reach us over TLS."""
        self._app = app
        self._headers = _SECURITY_HEADERS | _OVER_TLS if over_tls else _SECURITY_HEADERS
        self._life = Router(lifespan=lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._life(scope, receive, send)
            return
        headers = Headers(scope=scope)
        with serving(scope, headers.get("traceparent")) as served:
            scope.setdefault("state", {})["trace"] = served.trace
            answer = _Answer(scope, send, served, scope["state"].setdefault("cookies", []), self._headers)
            began = time.monotonic()
            try:
                await self._app(scope, _limited(scope, headers, receive), answer.send)
            except ClientDisconnect:
                served.broke_off(scope)
                log.info("the client went away", method=scope["method"], path=scope["path"])
            except Exception as error:
                log.exception("a request failed", method=scope["method"], path=scope["path"])
                if answer.status is None:
                    response = problem_response(hidden_failure(error), served.trace)
                    await response(scope, receive, answer.send)
            finally:
                seconds = time.monotonic() - began
                _tell(scope, answer.status, seconds)
                _measure(scope, answer, seconds)


class _Answer:
    """Passes an answer on with our headers, and remembers its status."""

    def __init__(
        self,
        scope: Scope,
        send: Send,
        served: Served,
        cookies: list[str],
        headers: Mapping[str, str],
    ) -> None:
        self._scope = scope
        self._send = send
        self._headers = headers
        self._served = served
        #: Set while the request was served, whatever answer it got.
        self._cookies = cookies
        self.status: int | None = None
        #: It goes on for as long as somebody looks.
        self.is_stream = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["traceparent"] = self._served.trace.traceparent
            headers["X-Request-Id"] = self._served.trace.trace_id
            content_type = headers.get("content-type", "")
            self.is_stream = content_type.startswith("text/event-stream")
            self._served.answered(self._scope, message["status"], content_type)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
            for cookie in self._cookies:
                headers.append("Set-Cookie", cookie)
        await self._send(message)


def _limited(scope: MutableMapping[str, Any], headers: Headers, receive: Receive) -> Receive:
    """`receive`, refusing a body beyond the limit, announced or not.

    Starlette's own middleware for this answers in plain text; ours leaves it to the one translation.
    """
    form = headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"
    if form and UPLOADS.fullmatch(scope["path"].rstrip("/")):
        return receive
    announced = headers.get("content-length", "0")
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        if announced.isdecimal() and int(announced) > BODY_LIMIT:
            raise HTTPException(413)
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_LIMIT:
            raise HTTPException(413)
        return message

    return limited


def _measure(scope: MutableMapping[str, Any], answer: _Answer, seconds: float) -> None:
    route = route_of(scope) or "none"
    status = "none" if answer.status is None else f"{answer.status // 100}xx"
    HTTP_REQUESTS.labels(method_of(scope), route, status).inc()
    if not answer.is_stream:
        HTTP_DURATION.labels(route).observe(seconds)


def _tell(scope: MutableMapping[str, Any], status: int | None, seconds: float) -> None:
    # A person who reads the log wants to know who changed something; reading is the noise behind it.
    tell = log.debug if scope["method"] in ("GET", "HEAD") else log.info
    tell(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=status,
        ms=round(seconds * 1000, 1),
        **({"principal": scope["state"]["principal"]} if "principal" in scope["state"] else {}),
    )
