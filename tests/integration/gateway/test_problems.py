"""What every answer has in common: problems, headers, traces, readiness."""

import asyncio
import sys
from typing import Any

import httpx
import pytest
import structlog

from services.gateway import edge
from services.gateway.edge import BODY_LIMIT
from shared import subjects
from shared.access import TECHNICAL
from shared.dead_letters import bury
from shared.errors import Failure
from tests.conftest import MakeNatsServer
from tests.integration.gateway.site import Site
from tests.support.servers import PostgresServer

MEMBERS = {"type", "title", "status", "detail", "code", "next_step", "retryable", "trace_id"}


class RecordingLog:
    """Remembers exceptions, with the trace that every line of a request carries."""

    def __init__(self) -> None:
        self.exceptions: list[tuple[str, BaseException | None]] = []

    def exception(self, *_: object, **__: object) -> None:
        trace_id = structlog.contextvars.get_contextvars()["trace_id"]
        self.exceptions.append((trace_id, sys.exception()))

    def debug(self, *_: object, **__: object) -> None:
        pass

    info = debug


@pytest.fixture
async def site(bare_site: Site) -> Site:
    await bare_site.start_gateway()
    return bare_site


@pytest.fixture
def outside(site: Site) -> httpx.AsyncClient:
    """Paths from the root, as the administrator."""
    client = site.admin
    client.base_url = httpx.URL(site.url)
    return client


async def test_every_error_is_a_problem(site: Site, outside: httpx.AsyncClient) -> None:
    cases: list[tuple[str, str, dict[str, Any], int, str]] = [
        ("GET", "/nothing", {}, 404, "not_found"),
        ("GET", "/api/v1/nothing", {}, 404, "not_found"),
        ("DELETE", "/api/v1/jobs", {}, 405, "method_not_allowed"),
        ("GET", "/api/v1/runs/4711", {}, 404, "run_not_found"),
        ("GET", "/api/v1/runs?limit=5000", {}, 422, "request_invalid"),
        ("GET", "/api/v1/runs", {}, 503, "service_unavailable"),
        ("GET", "/api/v1/records", {}, 422, "request_invalid"),
        ("POST", "/api/v1/tokens", {"content": b"{no json"}, 422, "request_invalid"),
        ("POST", "/api/v1/tokens", {"json": {"days": "x"}}, 422, "request_invalid"),
        ("POST", "/api/v1/tokens", {"content": b"x" * (BODY_LIMIT + 1)}, 413, "request_too_large"),
        ("POST", "/api/v1/tokens", {"content": b"[" * 100_000}, 400, "request_invalid"),
        ("GET", "/api/v1/jobs/none.such", {}, 404, "job_not_found"),
        ("GET", "/docs", {}, 404, "not_found"),
    ]
    for method, path, options, status, code in cases:
        if "content" in options:
            options["headers"] = {"Content-Type": "application/json"}
        response = await outside.request(method, path, **options)
        assert response.headers["content-type"] == "application/problem+json", path
        problem = response.json()
        assert (response.status_code, problem["code"]) == (status, code), (path, response.text)
        assert set(problem) >= MEMBERS
        assert problem["type"] == f"urn:tagwerk:problem:{code}"
        assert problem["trace_id"] == response.headers["x-request-id"]
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["cache-control"] == "no-store"
    allowed = await outside.delete("/api/v1/jobs")
    assert allowed.headers["allow"] == "GET"


async def test_each_wrong_field_is_named(outside: httpx.AsyncClient) -> None:
    response = await outside.post("/api/v1/tokens", json={"principal": "x", "days": 0, "nmae": "x"})
    assert {error["field"] for error in response.json()["errors"]} == {"name", "days", "nmae"}


async def test_a_streamed_body_that_never_ends_is_cut_off(outside: httpx.AsyncClient) -> None:
    async def endless() -> Any:
        for _ in range(1000):
            yield b" " * 65536

    headers = {"Content-Type": "application/json"}
    try:
        response = await outside.post("/api/v1/tokens", content=endless(), headers=headers)
    except httpx.TransportError:
        return
    assert response.status_code == 413


async def test_an_unexpected_error_tells_its_trace_and_nothing_else(
    outside: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = RecordingLog()
    monkeypatch.setattr(edge, "log", log)

    async def broken(*_: object) -> None:
        raise RuntimeError("the secret password is Sesam, open up")

    monkeypatch.setattr("services.gateway.gate.Gate.jobs", broken)
    response = await outside.get("/api/v1/jobs")
    assert response.status_code == 500
    assert response.json()["code"] == "unexpected_error"
    assert "Sesam" not in response.text
    assert "Traceback" not in response.text
    assert response.headers["x-frame-options"] == "DENY"
    # The answer comes before the log line.
    await asyncio.sleep(0.2)
    [(trace_id, error)] = log.exceptions
    assert trace_id == response.json()["trace_id"]
    assert "Sesam" in str(error)


async def test_a_request_goes_on_with_the_trace_of_its_caller(outside: httpx.AsyncClient) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    response = await outside.get("/nothing", headers=headers)
    assert response.json()["trace_id"] == trace_id
    assert response.headers["traceparent"].startswith(f"00-{trace_id}-")
    assert "00f067aa0ba902b7" not in response.headers["traceparent"]
    for broken in ("", "nonsense", f"00-{'0' * 32}-00f067aa0ba902b7-01"):
        fresh = await outside.get("/nothing", headers={"traceparent": broken})
        assert len(fresh.json()["trace_id"]) == 32
        assert fresh.json()["trace_id"] != "0" * 32


async def test_readiness_tells_of_bus_and_database(
    make_nats_server: MakeNatsServer, postgres: PostgresServer, database_name: str, tmp_path: Any
) -> None:
    server = make_nats_server()
    async with Site(server.url(), postgres, database_name, tmp_path) as site:
        await site.start_gateway()
        client = site.client()
        client.base_url = httpx.URL(site.url)
        assert (await client.get("/healthz")).json() == {"status": "alive"}
        contract = (await client.get("/asyncapi.json")).json()
        assert contract["asyncapi"].startswith("3.")
        assert "event.document.uploaded" in contract["channels"]
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (200, True)
        await asyncio.to_thread(server.kill)
        async with asyncio.timeout(30):
            while (answer := await client.get("/readyz")).status_code == 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert answer.json() == {"ready": False, "bus": False, "database": True}
        assert (await client.get("/healthz")).status_code == 200
        server.start()
        async with asyncio.timeout(30):
            while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await site.admin.get("/jobs")).status_code == 200


async def test_without_the_database_it_says_so_and_goes_on_when_it_is_back(
    site: Site, postgres: PostgresServer, outside: httpx.AsyncClient
) -> None:
    ada = await site.user("ada")
    await asyncio.to_thread(postgres.stop)
    try:
        response = await ada.get("/me")
        assert response.status_code == 503, response.text
        assert response.json()["code"] in ("database_unavailable", "connection_failed")
        assert response.json()["retryable"]
        ready = await outside.get("/readyz")
        assert ready.json() == {"ready": False, "bus": True, "database": False}
        # The administrator of the machine needs no database to sign in.
        assert (await outside.get("/api/v1/jobs")).status_code == 200
    finally:
        # In this thread: the server ends with the thread that started it.
        postgres.start()
    assert (await ada.get("/me")).status_code == 200


async def test_dead_letters_are_listed_and_replayed_once(site: Site) -> None:
    reason = Failure(code="event_undecodable", cause="no event", next_step="mend it")
    for number, client in enumerate(("alpha", "beta")):
        await bury(
            site.bus, durable="test", stream=subjects.EVENTS, subject="event.test.happened",
            sequence=number + 1, data=b'{"client": "%s"}' % client.encode(), reason=reason,
        )  # fmt: skip
    letters = (await site.admin.get("/dead-letters")).json()["items"]
    assert [letter["payload"] for letter in letters] == ['{"client": "beta"}', '{"client": "alpha"}']
    tech = await site.user("tech", roles=(TECHNICAL,), clients=("alpha",))
    assert [x["id"] for x in (await tech.get("/dead-letters")).json()["items"]] == [letters[1]["id"]]
    assert (await tech.post(f"/dead-letters/{letters[0]['id']}/replay")).status_code == 404
    replayed = await tech.post(f"/dead-letters/{letters[1]['id']}/replay")
    assert replayed.status_code == 200
    again = await tech.post(f"/dead-letters/{letters[1]['id']}/replay")
    assert again.json()["code"] == "dead_letter_not_found"
    [event] = await site.bus.read(subjects.EVENTS, "event.test.happened")
    assert event.data == b'{"client": "alpha"}'
    [entry] = await site.audits("dead_letter_replayed")
    assert entry.principal == "tech"


async def test_a_rebuild_is_carried_out_by_the_status_service(site: Site) -> None:
    await site.start("status")
    report = await site.admin.post("/rebuild")
    assert report.status_code == 200, report.text
    assert set(report.json()) == {"events", "runs", "seconds"}
    [entry] = await site.audits("rebuild_requested")
    assert entry.principal == "admin"
