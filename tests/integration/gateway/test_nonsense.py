"""Whatever is sent, the answer names what is wrong with it: never a 500."""

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from services.gateway.app import application
from tests.integration.gateway.site import Site

STRINGS = [
    "%00", "a%00b", "%ff%fe", "%ed%a0%80", "'", '";drop table runs;--', "%25%27", "x" * 4000, "",
    "%F0%9F%92%A9",
    "..%2f..%2fetc", "-1", str(2**63), str(10**30), "nan", "inf", "null", "0001-01-01T00:00:00%2B14:00",
    "9999-12-31T23:59:59-14:00", "2026-01-01", "true", "[]", "%7B%7D",
    base64.urlsafe_b64encode(json.dumps(["runs:-requested_at", [None, {"a": 1}]]).encode()).decode(),
    base64.urlsafe_b64encode(b"\x00" * 20).decode(),
]  # fmt: skip

SOME_ID = "01a2052e-b8ae-7063-93b0-fc7300436afe"

BODIES = [
    b"", b"null", b"[]", b'"x"', b"{", b"\xff\xfe", b'{"\\ud800": 1}', b'{"reason": "\\ud800"}',
    b'{"a": NaN}',
    b'{"reason": "\\u0000"}', b'{"parameters": {"\\ud800": "\\ud800"}}', b'{"parameters": {"count": 1e999}}',
    b'{"parameters": []}', b'{"parameters": {"count": ' + b"9" * 5000 + b"}}", b"[" * 50_000,
    b'{"principal": "\\u0000", "name": "x"}', b'{"principal": "admin", "name": "\\u0000"}',
    b'{"name": "\\u0000"}',
    b'{"name": "x", "roles": ["\\u0000"]}', b'{"effect": "\\u0000", "decision": "happened", "reason": "abc"}',
    b'{"only": "failed", "lane": 5, "confirm": {}}', b'{"client": "../x"}', b'{"client": "\\n"}',
]  # fmt: skip


@pytest.fixture
async def admin(working_site: Site) -> httpx.AsyncClient:
    return working_site.admin


def operations() -> list[tuple[str, str, list[str]]]:
    """Method, path with valid ids, names of query parameters; but the rebuild, which asks for nothing."""
    found = []
    for path, methods in application().openapi()["paths"].items():
        place = path.replace("{run_id}", SOME_ID).replace("{document_id}", SOME_ID)
        place = place.replace("{token_id}", SOME_ID).replace("{job_id}", "lab.records")
        place = place.replace("{letter_id}", "1").replace("{principal_id}", "x").replace("{kind}", "text")
        for method, operation in methods.items():
            if path.startswith("/api/v1") and path != "/api/v1/rebuild":
                names = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
                found.append((method, place.removeprefix("/api/v1"), names))
    return found


async def refuse_500(client: httpx.AsyncClient, requests: list[tuple[str, str, dict[str, Any]]]) -> None:
    limit = asyncio.Semaphore(8)
    bad: list[str] = []

    async def send(method: str, path: str, options: dict[str, Any]) -> None:
        async with limit:
            response = await client.request(method, path, **options)
        known = response.status_code < 500 or response.json()["code"] in (
            "service_unavailable", "projection_behind",
        )  # fmt: skip
        if not known:
            bad.append(f"{method} {path[:120]} {str(options)[:120]} -> {response.text[:200]}")

    await asyncio.gather(*(send(*request) for request in requests))
    assert not bad, "\n".join(bad)


async def some_run(admin: httpx.AsyncClient) -> str:
    started = (await admin.post("/jobs/lab.records/runs", json={"parameters": {"count": 1}})).json()
    run_id: str = started["run_id"]
    await admin.get(f"/runs/{run_id}", params={"wait": 10})
    return run_id


async def test_in_the_query(admin: httpx.AsyncClient) -> None:
    run_id = await some_run(admin)
    requests: list[tuple[str, str, dict[str, Any]]] = [
        (method, f"{path.replace(SOME_ID, run_id)}?{name}={value}", {})
        for method, path, names in operations()
        if method == "get"
        for name in names
        # Valid sequences that never come are waited for.
        if name not in ("at_least", "wait")
        for value in STRINGS
    ]
    requests += [("get", f"/runs?at_least={value}", {}) for value in ("-1", "x", "%00", "1e3", str(10**30))]
    assert len(requests) > 500
    await refuse_500(admin, requests)


async def test_in_the_path(admin: httpx.AsyncClient) -> None:
    places = ("/jobs/{}", "/runs/{}", "/documents/{}", "/runs/{}/events")
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("get", place.format(value), {}) for place in places for value in STRINGS if value
    ]
    requests += [("put", f"/principals/{value}", {"json": {"name": "x"}}) for value in STRINGS if value]
    requests += [("post", f"/dead-letters/{value}/replay", {}) for value in STRINGS if value]
    await refuse_500(admin, requests)


async def test_in_the_body(admin: httpx.AsyncClient) -> None:
    run_id = await some_run(admin)
    headers = {"Content-Type": "application/json"}
    requests = [
        (method, path.replace(SOME_ID, run_id), {"content": body, "headers": headers})
        for method, path, _ in operations()
        if method in ("post", "put")
        for body in BODIES
    ]
    assert len(requests) > 100
    await refuse_500(admin, requests)


async def test_in_a_form(admin: httpx.AsyncClient) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%%PDF-1\r\n--x--\r\n'
    forms = [
        part % b"a\x00b.pdf", part % b"\xff\xfe.pdf", part % b"", part % (b"a" * 5000),
        part % b'a"; name="client', b"--x--\r\n", b"--x\r\n\r\n--x--\r\n", b"", b"--x\r\nnonsense",
        b'--x\r\nContent-Disposition: form-data; name="client"\r\n\r\n\x00\xff\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; filename="a.pdf"\r\n\r\n%PDF-\r\n--x--\r\n',
        b"--x\r\n" + b"A: " + b"b" * 40_000 + b"\r\n\r\n\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="' + b"n" * 10_000 + b'"\r\n\r\nv\r\n--x--\r\n',
    ]  # fmt: skip
    types = [
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "x/y",
        "",
    ]
    types += ["multipart/form-data; boundary=" + "x" * 1000, 'multipart/form-data; boundary="x" ; charset=zz']
    await refuse_500(
        admin,
        [
            ("post", "/documents", {"content": form, "headers": {"Content-Type": kind}})
            for form in forms
            for kind in types
        ],
    )
