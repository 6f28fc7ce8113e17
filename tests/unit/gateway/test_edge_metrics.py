"""Requests are counted by the template of their route, and never by what stands in a path."""

import httpx
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from services.gateway.edge import Edge
from shared.metrics.registry import REGISTRY


def _count(**labels: str) -> float:
    return REGISTRY.get_sample_value("tagwerk_http_requests_total", labels) or 0.0


def _durations(route: str) -> float:
    return REGISTRY.get_sample_value("tagwerk_http_request_duration_seconds_count", {"route": route}) or 0.0


async def test_requests_are_counted_by_route_and_class_of_status() -> None:
    app = FastAPI()

    @app.get("/lab/{name}")
    async def read(name: str) -> str:
        return name

    @app.get("/lab-live")
    async def live() -> StreamingResponse:
        return StreamingResponse(iter(["data: 1\n\n"]), media_type="text/event-stream")

    read_, other = (
        {"method": "GET", "route": "/lab/{name}", "status": "2xx"},
        {"route": "none", "status": "4xx"},
    )
    before = _count(**read_), _count(method="GET", **other), _count(method="_OTHER", **other)
    edge = Edge(app, None, over_tls=False)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(edge)
    async with httpx.AsyncClient(transport=transport, base_url="http://lab") as client:
        for path in ("/lab/vera", "/lab/anna", "/nowhere/4711", "/lab-live"):
            await client.get(path)
        await client.request("INVENTED", "/nowhere")
    after = _count(**read_), _count(method="GET", **other), _count(method="_OTHER", **other)
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1, 1]
    assert _durations("/lab/{name}") >= 2
    # It goes on for as long as somebody looks.
    assert _durations("/lab-live") == 0
