"""How each route is asked by somebody who means it: nothing but their rights stands in the way."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from shared.ids import new_id
from tests.integration.gateway.world import CSV, JOB, NOBODYS, OWN, PDF, Things, World
from tests.support.routes import RouteFacts

API = "/api/v1"

#: Asked for one client: the parameter `client` narrows the list to it.
OF_A_CLIENT = frozenset(
    f"GET {path}"
    for path in (
        *(f"{API}/{name}" for name in ("approvals", "bank/statements", "bank/transactions", "documents",
                                       "erp-entries",
                                       "overview", "payables", "payments/files", "rates", "reports",
                                       "runs")),
        f"{API}/jobs/{{job_id}}/choices/{{parameter}}", f"{API}/jobs/{{job_id}}/durations", "/documents",
        "/reports", "/runs",
    )
)  # fmt: skip

QUERIES: Mapping[str, dict[str, str]] = {
    f"GET {API}/records": {"key": "item:1"},
    f"GET {API}/search": {"q": "item:1"},
    "GET /search": {"q": "item:1"},
    "POST /jobs/{job_id}/start/upload": {"parameter": "file"},
}

RULE = {"cron": "30 2 * * *", "zone": "Europe/Zurich"}

#: What is sent, with `CLIENT` for the client that is meant; a list is a file with a form.
BODIES: Mapping[str, Any] = {
    f"POST {API}/alerts/{{alert_id}}/close": {"reason": "because"},
    f"POST {API}/silences": {"clients": ["CLIENT"], "jobs": ["none.*"], "hours": 1, "reason": "because"},
    f"POST {API}/approvals/{{document_id}}/answer": {"answer": "yes"},
    f"POST {API}/approvals/{{document_id}}/approve": {"values_version": "seen"},
    f"POST {API}/approvals/{{document_id}}/ask": {"question": "why?"},
    f"POST {API}/approvals/{{document_id}}/reject": {"reason": "because"},
    f"POST {API}/approvals/{{document_id}}/withdraw": {"reason": "because"},
    f"POST {API}/documents/{{document_id}}/invoice/corrections": {"fields": {"iban": "no IBAN"}},
    f"POST {API}/documents": ["a.pdf", PDF],
    f"POST {API}/files": ["a.csv", CSV],
    f"POST {API}/jobs/{{job_id}}/preflight": {"client": "CLIENT"},
    f"POST {API}/jobs/{{job_id}}/runs": {"client": "CLIENT"},
    f"POST {API}/me/tokens": {"name": "one more", "clients": ["CLIENT"]},
    f"POST {API}/principals": {"id": "ASKER-makes-CLIENT", "name": "New", "clients": ["CLIENT"]},
    f"POST {API}/runs/{{run_id}}/decisions": {"effect": "x", "decision": "happened", "reason": "because"},
    f"POST {API}/runs/{{run_id}}/rerun": {"only": "failed"},
    f"POST {API}/jobs/{{job_id}}/schedule-preview": {"rule": RULE},
    f"POST {API}/schedules/pause": {"module": "nothing", "reason": "because"},
    f"POST {API}/schedules/resume": {"module": "nothing", "reason": "because"},
    f"POST {API}/schedules/{{schedule_id}}/backfill": {
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-01-03T00:00:00Z",
        "reason": "because",
        "dry_run": True,
    },
    f"POST {API}/schedules/{{schedule_id}}/pause": {"reason": "because"},
    f"POST {API}/schedules/{{schedule_id}}/resume": {"reason": "because"},
    f"POST {API}/schedules/{{schedule_id}}/seen": {"reason": "because"},
    f"PUT {API}/schedules/{{schedule_id}}": {"rule": RULE, "client": "CLIENT", "reason": "because"},
    f"POST {API}/tokens": {"principal": "of-ASKER-CLIENT", "name": "one more"},
    f"PUT {API}/me/password": {"current": "x", "new": "y"},
    f"PUT {API}/principals/{{principal_id}}": {"name": "Of CLIENT", "clients": ["CLIENT"]},
    f"PUT {API}/principals/{{principal_id}}/contact": {"language": "de"},
    f"PUT {API}/principals/{{principal_id}}/password": {"password": "heron under a paper moon"},
    "POST /alerts/silences": {"clients": "CLIENT", "jobs": "none.*", "hours": "1", "reason": "because"},
    "POST /alerts/{alert_id}/close": {"reason": "because"},
    "POST /account/password": {"current": "x", "new": "y", "again": "y"},
    "POST /account/tokens": {"name": "one more", "days": "3", "scope": "read", "clients": "CLIENT"},
    "POST /approvals/{document_id}/{act}": {"said": "because"},
    "POST /documents": ["a.pdf", PDF],
    "POST /documents/{document_id}/invoice": {"iban": "no IBAN"},
    "POST /jobs/{job_id}/start": {"do": "start", "client": "CLIENT"},
    "POST /jobs/{job_id}/start/checks": {"client": "CLIENT"},
    "POST /jobs/{job_id}/start/upload": ["a.csv", CSV],
    "POST /runs/{run_id}/decisions": {"effect": "x", "decision": "happened", "reason": "because"},
    "POST /runs/{run_id}/rerun": {"only": "failed", "key": "ASKER"},
    "POST /schedules/pause": {"module": "nothing", "reason": "because"},
    "POST /schedules/resume": {"module": "nothing", "reason": "because"},
    "POST /schedules/{schedule_id}/backfill": {
        "do": "show",
        "start": "2026-01-01T00:00",
        "end": "2026-01-03T00:00",
    },
    "POST /schedules/{schedule_id}/change": {
        **RULE,
        "window": "24",
        "overlap": "skip",
        "catchup": "none",
        "reason": "because",
    },
    "POST /schedules/{schedule_id}/pause": {"reason": "because"},
    "POST /schedules/{schedule_id}/resume": {"reason": "because"},
    "POST /schedules/{schedule_id}/seen": {"reason": "because"},
    "POST /users/-/new": {"id": "ASKER-forms-CLIENT", "name": "New", "clients": "CLIENT"},
    "POST /users/{principal_id}/access": {"name": "Of CLIENT", "clients": "CLIENT"},
    "POST /users/{principal_id}/active": {"active": "true"},
    "POST /users/{principal_id}/contact": {"language": "de"},
    "POST /users/{principal_id}/password": {"password": "heron under a paper moon"},
    "POST /users/{principal_id}/tokens": {"name": "one more", "days": "3", "scope": "read"},
}


@dataclass(frozen=True)
class Knock:
    """One request, for the things of one client."""

    world: World
    route: RouteFacts
    asker: str
    things: Things
    path: str
    #: What it names in its path.
    ids: frozenset[str]

    @classmethod
    async def of(cls, world: World, route: RouteFacts, asker: str, things: Things) -> "Knock":
        named = await _named(world, route.path, asker, things)
        path = re.sub(r"{(\w+)}", lambda found: str(named[found[1]]), route.path)
        return cls(world, route, asker, things, path, frozenset(map(str, named.values())))

    async def send(
        self, client: httpx.AsyncClient | None = None, *, field: str | None = None, **headers: str
    ) -> httpx.Response:
        """As the asker, or as `client`, with the token of a form in its `field`."""
        name = f"{self.route.method} {self.route.path}"
        page = is_page(self.route)
        options: dict[str, Any] = {"headers": {"Accept": "text/html" if page else "*/*", **headers}}
        if name in OF_A_CLIENT:
            options["params"] = {"client": self.things.client}
        if name in QUERIES:
            options["params"] = QUERIES[name]
        body = _filled(BODIES.get(name), self.asker, self.things.client)
        if isinstance(body, list):
            options |= {"files": {"file": tuple(body)}, "data": {"client": self.things.client}}
            if field is not None:
                options["params"] = {**options.get("params", {}), "csrf_token": field}
        elif body is not None or self.route.method in ("POST", "PUT"):
            sent = {**(body or {}), **({} if field is None else {"csrf_token": field})}
            options["data" if page or field is not None else "json"] = sent
        return await (client or self.world.clients[self.asker]).request(
            self.route.method, self.path, **options
        )


def is_of_a_client(route: RouteFacts) -> bool:
    """Whether it asks for the things of one client."""
    name = f"{route.method} {route.path}"
    body = BODIES.get(name)
    return (
        "_id}" in route.path.replace("{job_id}", "")
        or name in OF_A_CLIENT
        or isinstance(body, list)
        or "CLIENT" in str(body)
    )


def is_page(route: RouteFacts) -> bool:
    return not route.path.startswith(API)


def _filled(body: Any, asker: str, client: str) -> Any:
    match body:
        case str():
            return body.replace("CLIENT", client).replace("ASKER", asker)
        case dict():
            return {key: _filled(value, asker, client) for key, value in body.items()}
        case list() if len(body) == 1:
            return [_filled(body[0], asker, client)]
        case _:
            return body


async def _named(world: World, path: str, asker: str, things: Things) -> dict[str, Any]:
    """What the path names of the things of the client; what is used up is made for it."""
    # What is one's own account is no question of clients: foreign is what others have.
    mine = "/me/" in path or path.startswith("/account/")
    account = things.principal_of(asker)
    whose = asker if mine and things.client == OWN else account
    named: dict[str, Any] = {
        "act": "reject", "document_id": things.document_id, "file_id": things.file_id, "format": "csv",
        "job_id": JOB, "kind": "original", "page": 1, "parameter": "client", "principal_id": account,
        "report_id": things.report_id,
        "schedule_id": f"{JOB}.of-{asker}-{things.client}",
        "run_id": things.ended,
        # No spans are kept there: test_trace_pages.py has some.
        "trace_id": "0" * 31 + "1",
    }  # fmt: skip
    nobodys = things is NOBODYS
    if "{session_id}" in path:
        named["session_id"] = new_id() if nobodys else await world.session_of(whose)
    if "{token_id}" in path:
        named["token_id"] = new_id() if nobodys else (await world.token_of(whose))["id"]
    if "{alert_id}" in path:
        named["alert_id"] = new_id() if nobodys else await world.alert_of(things.client)
    if "{silence_id}" in path:
        named["silence_id"] = new_id() if nobodys else await world.silence_of(things.client)
    if path.endswith("/cancel"):
        named["run_id"] = new_id() if nobodys else await world.run_of(things.client)
    if "{letter_id}" in path:
        named["letter_id"] = 10**9 if nobodys else await world.letter_of(things.client)
    return {name: value for name, value in named.items() if f"{{{name}}}" in path}
