"""The answers of the health port: `/livez`, `/startupz`, `/readyz`, `/version`, `/metrics`.

Whoever reaches the port may read all of it, so nothing here names a person, a client or a password.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
import structlog
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.health.checks import Check, Checks
from shared.metrics.definitions import READY
from shared.metrics.registry import REGISTRY

log = structlog.get_logger(__name__)

#: Seconds for what is read only when somebody asks for metrics.
MEASURING: Final = 2.0

#: Reads what lies elsewhere into gauges.
Measure = Callable[[], Awaitable[None]]


class HealthApp:
    """ASGI. That it answers at all is the sign of life: it runs on the loop that does the work."""

    def __init__(
        self,
        version: Mapping[str, str | None],
        *,
        checks: Checks,
        started: Callable[[], bool],
        measures: Callable[[], Mapping[str, Measure]],
    ) -> None:
        """`version` is told as it is; `measures` by name."""
        self._version = version
        self._checks = checks
        self._started = started
        self._measures = measures
        self._answers: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/livez": self._livez,
            "/startupz": self._startupz,
            "/readyz": self._readyz,
            "/version": self._tell_version,
            "/metrics": self._metrics,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = self._answers.get(request.url.path)
        if answer is None:
            response = _json({"error": "not found", "there are": sorted(self._answers)}, 404)
        elif request.method not in ("GET", "HEAD"):
            response = _json({"error": "only GET and HEAD"}, 405)
        else:
            response = await answer(request)
        await response(scope, receive, send)

    async def _livez(self, _: Request) -> Response:
        return _json({"live": True}, 200)

    async def _startupz(self, _: Request) -> Response:
        started = self._started()
        return _json({"started": started}, 200 if started else 503)

    async def _readyz(self, _: Request) -> Response:
        checks = await self._checks()
        ready = all(check.ok for check in checks.values())
        told = {name: check.told() for name, check in checks.items()}
        return _json({"ready": ready, "checks": told}, 200 if ready else 503)

    async def _tell_version(self, _: Request) -> Response:
        return _json(dict(self._version), 200)

    async def _metrics(self, request: Request) -> Response:
        measures: dict[str, Measure] = {"ready": self._measure_ready, **self._measures()}
        await asyncio.gather(*(_measure(name, measure) for name, measure in measures.items()))
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(REGISTRY), media_type=content_type)

    async def _measure_ready(self) -> None:
        checks: Mapping[str, Check] = await self._checks()
        READY.set(all(check.ok for check in checks.values()))


async def _measure(name: str, measure: Measure) -> None:
    """What cannot be read keeps its last value; `/readyz` tells of the bus or the database that is away."""
    try:
        async with asyncio.timeout(MEASURING):
            await measure()
    except Exception as error:
        log.warning("a metric could not be read", metric=name, error=repr(error))


def _json(content: Mapping[str, Any], status: int) -> Response:
    return Response(
        orjson.dumps(content), status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )
