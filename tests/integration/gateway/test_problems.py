"""What every answer has in common: problems, headers, traces, readiness."""

import asyncio
import sys
from typing import Any

import httpx
import pytest

from services.gateway import edge
from services.gateway.edge import BODY_LIMIT
from shared import subjects
from shared.access import TECHNICAL
from shared.dead_letters import bury
from shared.errors import Failure
from shared.telemetry.context import trace_id_at_hand
from tests.conftest import MakeNatsServer
from tests.integration.gateway.site import Site
from tests.support.servers import PostgresServer

MEMBERS = {"type", "title", "status", "detail", "code", "next_step", "retryable", "trace_id"}


class RecordingLog:
    """Remembers exceptions, with the trace that every line of a request carries."""

    def __init__(self) -> None:
        self.exceptions: list[tuple[str, BaseException | None]] = []

    def exception(self, *_: object, **__: object) -> None:
        trace_id = trace_id_at_hand()
        assert trace_id is not None
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


async def test_an_id_that_is_none_is_not_there(site: Site, outside: httpx.AsyncClient) -> None:
    """As one that nobody has; to a person it is a page."""
    codes = {
        "/runs/xyz": "run_not_found", "/documents/xyz": "document_not_found",
        "/documents/xyz/files/text": "document_not_found", "/approvals/4711": "document_not_found",
        "/payments/files/xyz": "payment_file_not_found", "/runs/xyz/events": "run_not_found",
        "/principals/No!/sessions": "principal_not_found",
    }  # fmt: skip
    for path, code in codes.items():
        answer = await outside.get(f"/api/v1{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, code), path
        assert answer.json()["concern"] in path
    for method, path, code in (
        ("DELETE", "/tokens/xyz", "token_not_found"), ("DELETE", "/me/sessions/xyz", "session_not_found"),
        ("POST", "/dead-letters/0/replay", "dead_letter_not_found"),
        ("POST", "/runs/xyz/cancel", "run_not_found"),
    ):  # fmt: skip
        answer = await outside.request(method, f"/api/v1{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, code), path
    kind = await outside.get("/api/v1/documents/01a2052e-b8ae-7063-93b0-fc7300436afe/files/exe")
    assert (kind.status_code, kind.json()["code"]) == (404, "not_found")
    for path, title in (
        ("/runs/xyz", "There is no such run"), ("/approvals/xyz", "There is no such document"),
        ("/dead-letters/xyz", "There is no such dead letter"), ("/users/Ada!", "There is no such account"),
    ):  # fmt: skip
        page = await outside.get(path, headers={"Accept": "text/html"})
        assert (page.status_code, title in page.text) == (404, True), path
    # Who is not signed in learns nothing of it.
    nobody = site.client()
    assert (await nobody.get("/runs/xyz")).json()["code"] == "not_signed_in"


async def test_no_answer_runs_in_a_frame_or_for_another_site(site: Site, outside: httpx.AsyncClient) -> None:
    for path in ("/", "/sign-in", "/api/v1/me", "/nothing", "/openapi.json", "/runs/xyz", "/preferences"):
        answer = await outside.get(path, headers={"Accept": "text/html", "Origin": "https://evil.example"})
        headers = answer.headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert headers["content-security-policy"].startswith("default-src 'none'"), path
        assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff"), path
        assert (
            headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        )
        assert "access-control-allow-origin" not in headers


async def test_other_methods_do_and_tell_nothing(site: Site, outside: httpx.AsyncClient) -> None:
    nobody = site.client()
    for client in (outside, nobody):
        for path in ("/api/v1/me", "/api/v1/rebuild", "/", "/sign-in", "/users/admin/access"):
            for method in ("OPTIONS", "TRACE", "PATCH", "PROPFIND"):
                answer = await client.request(method, httpx.URL(site.url).join(path))
                assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed"), (
                    method,
                    path,
                )
                assert not [name for name in answer.headers if name.startswith("access-control-")]
            head = await client.head(httpx.URL(site.url).join(path))
            assert (head.status_code, head.content) == (405, b""), path
    # A form is no other method by what it says of itself.
    overridden = await outside.get(
        "/api/v1/principals?_method=PUT", headers={"X-HTTP-Method-Override": "PUT"}
    )
    assert overridden.status_code == 200


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

    monkeypatch.setattr("services.gateway.gate.Gate.visible_jobs", broken)
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
