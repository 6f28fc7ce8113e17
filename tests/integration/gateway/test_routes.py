"""Every route of the application, and what a token has to allow for it.

What roles and clients find behind the routes and jobs is asked in `test_matrix.py`.
"""

import re
from typing import Any

import httpx
import pytest

from services.gateway.context import BY_JOB
from services.gateway.identity import rejections
from shared.words import TokenScope
from tests.integration.gateway.site import Site
from tests.integration.gateway.test_sessions import browser
from tests.support.routes import RouteFacts, every_route

API = "/api/v1"
READ, RUNS = ("read",), ("read", BY_JOB)
START, UPLOAD, APPROVE, ADMINISTER = ("start", BY_JOB), ("upload",), ("approve",), ("administer",)
#: A session, or a token that may do everything.
PAGE = ()
#: For everybody: they show nothing of anybody.
OPEN = None

_RUN, _DOCUMENT, _PRINCIPAL = "/runs/{run_id}", "/documents/{document_id}", "/principals/{principal_id}"
_APPROVAL = "/approvals/{document_id}"

#: Each route by name: a new one is not there until somebody has said here who may use it.
ROUTES: dict[tuple[str, ...] | None, set[str]] = {
    READ: {
        *(f"GET {API}{path}" for path in (
            "/approvals", _APPROVAL, "/bank/statements", "/bank/transactions", _DOCUMENT,
            "/documents", "/erp-entries", f"{_DOCUMENT}/chain", f"{_DOCUMENT}/files/{{kind}}",
            f"{_DOCUMENT}/pages/{{page}}/image", "/payables", "/payments/files",
            "/payments/files/{file_id}", "/payments/files/{file_id}/content", "/rates", "/reports",
            "/reports/{report_id}", "/reports/{report_id}/files/{format}",
        )),
    },
    RUNS: {
        *(f"GET {API}{path}" for path in (
            "/alerts",
            "/jobs", "/jobs/{job_id}", "/jobs/{job_id}/durations", "/me", "/overview", "/records", "/runs",
            "/schedules", "/schedules/{schedule_id}", "/schedules/{schedule_id}/occurrences",
            "/schedules/{schedule_id}/preview", "/occurrences", "/search", "/systems", "/version", "/watch",
        )),
        f"POST {API}/jobs/{{job_id}}/schedule-preview",
        *(f"GET {API}{_RUN}{list}" for list in (
            "", "/calls", "/changes", "/events", "/history", "/logs", "/records", "/trace", "/tree",
        )),
    },
    START: {
        f"POST {API}/alerts/{{alert_id}}/close",
        f"POST {API}/files", f"POST {API}/jobs/{{job_id}}/runs",
        f"POST {API}/jobs/{{job_id}}/preflight",
        f"GET {API}/jobs/{{job_id}}/choices/{{parameter}}",
        *(f"POST {API}{_RUN}/{step}" for step in ("cancel", "decisions", "rerun")),
        f"PUT {API}/schedules/{{schedule_id}}", f"DELETE {API}/schedules/{{schedule_id}}/changes",
        *(f"POST {API}/schedules/{{schedule_id}}/{step}" for step in (
            "backfill", "pause", "resume", "seen",
        )),
    },
    UPLOAD: {f"POST {API}/documents"},
    APPROVE: {
        *(f"POST {API}{_APPROVAL}/{step}" for step in ("answer", "approve", "ask", "reject", "withdraw")),
        f"POST {API}{_DOCUMENT}/invoice/corrections",
    },
    ADMINISTER: {
        f"GET {API}/agents", f"GET {API}/audit/entries", f"GET {API}/audit/export",
        f"GET {API}/audit/state", f"GET {API}/mqtt", f"GET {API}/traces",
        f"GET {API}/traces/{{trace_id}}",
        f"POST {API}/schedules/pause", f"POST {API}/schedules/resume",
        f"GET {API}/silences", f"POST {API}/silences", f"POST {API}/silences/{{silence_id}}/end",
        f"GET {API}/dead-letters", f"POST {API}/dead-letters/{{letter_id}}/replay", f"POST {API}/rebuild",
        f"GET {API}/principals", f"POST {API}/principals", f"PUT {API}{_PRINCIPAL}",
        f"PUT {API}{_PRINCIPAL}/password", f"POST {API}{_PRINCIPAL}/unlock",
        f"GET {API}{_PRINCIPAL}/contact", f"PUT {API}{_PRINCIPAL}/contact",
        f"GET {API}{_PRINCIPAL}/sessions", f"DELETE {API}{_PRINCIPAL}/sessions",
        f"DELETE {API}{_PRINCIPAL}/sessions/{{session_id}}",
        f"GET {API}/tokens", f"POST {API}/tokens", f"DELETE {API}/tokens/{{token_id}}",
        f"PUT {API}/me/password", f"GET {API}/me/sessions", f"DELETE {API}/me/sessions/{{session_id}}",
        f"GET {API}/me/tokens", f"POST {API}/me/tokens", f"DELETE {API}/me/tokens/{{token_id}}",
    },
    PAGE: {
        "GET /alerts", "GET /alerts/silences", "POST /alerts/silences",
        "POST /alerts/silences/{silence_id}/end", "POST /alerts/{alert_id}/close",
        "GET /", "GET /jobs/{job_id}", "GET /runs", "GET /runs/{run_id}", "GET /search",
        "GET /preferences", "GET /reports", "GET /account", "GET /schedules", "GET /schedules/{schedule_id}",
        "GET /schedules/{schedule_id}/change", "GET /schedules/{schedule_id}/backfill",
        "POST /schedules/pause", "POST /schedules/resume",
        *(f"POST /schedules/{{schedule_id}}/{step}" for step in (
            "backfill", "change", "pause", "resume", "seen",
        )),
        "POST /account/password",
        "POST /account/sessions/{session_id}/end", "POST /account/tokens",
        "POST /account/tokens/{token_id}/revoke", "POST /sign-out",
        "GET /jobs/{job_id}/start", "POST /jobs/{job_id}/start", "POST /jobs/{job_id}/start/checks",
        "POST /jobs/{job_id}/start/upload", "POST /runs/{run_id}/cancel", "POST /runs/{run_id}/rerun",
        "POST /runs/{run_id}/decisions",
        "GET /documents", "POST /documents", "GET /documents/{document_id}",
        "POST /documents/{document_id}/invoice",
        "GET /approvals", "GET /approvals/{document_id}", "POST /approvals/{document_id}/{act}",
        "GET /dead-letters", "GET /dead-letters/{letter_id}", "POST /dead-letters/{letter_id}/replay",
        "GET /audit", "GET /mqtt", "GET /systems", "GET /traces", "GET /traces/{trace_id}",
        "GET /users", "GET /users/-/new", "POST /users/-/new",
        "GET /users/{principal_id}",
        *(f"POST /users/{{principal_id}}/{step}" for step in (
            "access", "active", "contact", "password", "sessions/end", "sessions/{session_id}/end", "tokens",
            "tokens/{token_id}/revoke", "unlock",
        )),
    },
    OPEN: {
        "GET /asyncapi.json", "GET /healthz", "GET /readyz", "GET /static/{hash}/{name}",
        # Cookies of taste.
        "POST /preferences",
        "GET /sign-in", "POST /sign-in", "GET /sign-in/link", "POST /sign-in/link", "GET /sign-in/openid",
        "GET /sign-in/openid/callback",
    },
}  # fmt: skip

CLOSED = [route for route in every_route() if route.scopes is not None]
SOME_ID = "01a2052e-b8ae-7063-93b0-fc7300436afe"


def test_every_route_says_who_may_use_it() -> None:
    found: dict[tuple[str, ...] | None, set[str]] = {}
    for route in every_route():
        found.setdefault(route.scopes, set()).add(f"{route.method} {route.path}")
    assert found == ROUTES
    assert {scope for scopes in ROUTES for scope in scopes or ()} == {*TokenScope, BY_JOB}


def place(route: RouteFacts) -> str:
    path = route.path.replace("{job_id}", "desk.general").replace("{principal_id}", "somebody")
    path = (
        path.replace("{letter_id}", "1")
        .replace("{trace_id}", "1" * 32)
        .replace("{kind}", "text")
        .replace("{page}", "1")
    )
    return re.sub(r"{\w+}", SOME_ID, path)


async def knock(client: httpx.AsyncClient, route: RouteFacts, **headers: str) -> httpx.Response:
    body: dict[str, Any] = {} if route.method in ("GET", "DELETE") else {"json": {}}
    if route.path.startswith("/account"):
        body = {} if route.method == "GET" else {"data": {}}
    return await client.request(route.method, place(route), headers=headers, **body)


def code_of(answer: httpx.Response) -> str | None:
    is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    return answer.json()["code"] if is_problem else None


@pytest.fixture
async def site(bare_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(rejections, "AUDITED_PER_MINUTE", 1000)
    await bare_site.offer("desk.general")
    await bare_site.start_gateway()
    return bare_site


async def test_a_token_goes_as_far_as_its_scopes(site: Site) -> None:
    await site.admin.put("/principals/ada", json={"name": "Ada", "clients": ["alpha"]})

    async def token(**limits: Any) -> httpx.AsyncClient:
        issued = await site.admin.post("/tokens", json={"principal": "ada", "name": "t", **limits})
        assert issued.status_code == 201, issued.text
        client = site.client(issued.json()["token"])
        client.base_url = httpx.URL(site.url)
        return client

    only = {scope: await token(scopes=[scope]) for scope in TokenScope}
    without = {scope: await token(scopes=sorted(set(TokenScope) - {scope})) for scope in TokenScope}
    one_job = await token(jobs=["desk.general"])
    unlimited = await token()
    for route in CLOSED:
        assert route.scopes is not None
        needed = [scope for scope in TokenScope if scope in route.scopes]
        assert len(needed) == (1 if route.path.startswith(API) else 0)
        for scope in TokenScope:
            for client, may in (
                (only[scope], needed == [scope]),
                (without[scope], bool(needed) and scope not in needed),
            ):
                answer = await knock(client, route)
                assert (code_of(answer) != "scope_missing") is may, (route, scope)
                if not may:
                    assert answer.status_code == 403
        assert (code_of(await knock(one_job, route)) != "scope_missing") is (BY_JOB in route.scopes), route
        assert code_of(await knock(unlimited, route)) != "scope_missing", route
    refused = await only[TokenScope.READ].post(f"{API}/rebuild")
    assert refused.json()["scopes_wanted"] == ["administer"]
    reasons = [entry.reason or "" for entry in await site.audits("access_refused")]
    assert "this token of ada lacks the scope administer" in reasons


async def test_pages_show_what_the_api_shows(site: Site) -> None:
    hidden = await site.user("plain", roles=())
    clerk = await site.user("clerk", roles=("clerk",))
    await site.offer("desk.secret", access={"module": "desk", "level": "technical", "roles": ["engineer"]})
    for user, job, status in (
        (hidden, "desk.general", 503), (clerk, "desk.general", 503), (hidden, "desk.secret", 404),
        (clerk, "desk.secret", 404), (site.admin, "desk.secret", 503),
    ):  # fmt: skip
        # Nobody tells of runs here, so a page that is there is 503.
        token = user.headers["Authorization"]
        page = await browser(site, Authorization=token).get(f"/jobs/{job}")
        assert page.status_code == status, (job, page.text)
