"""What a token leaves of its principal, links that work once, and how much one may ask for."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.gateway.identity.rates import Rate
from shared.access import TECHNICAL
from shared.settings import Settings
from tests.integration.gateway.site import Site
from tests.integration.gateway.test_sessions import browser, csrf, me


@pytest.fixture
async def site(bare_site: Site) -> Site:
    for job in ("desk.one", "desk.two"):
        await bare_site.offer(job)
    await bare_site.start("status")
    await bare_site.start_gateway()
    return bare_site


async def limited(site: Site, principal: str, **limits: Any) -> httpx.AsyncClient:
    issued = await site.admin.post("/tokens", json={"principal": principal, "name": "t", **limits})
    assert issued.status_code == 201, issued.text
    return site.client(issued.json()["token"])


async def test_a_token_for_one_job_knows_no_other(site: Site) -> None:
    await site.user("ada", roles=("clerk",))
    client = await limited(site, "ada", jobs=["desk.one"])
    runs = {}
    for job in ("desk.one", "desk.two"):
        started = await site.admin.post(f"/jobs/{job}/runs", json={"client": "alpha"})
        runs[job], last = started.json()["run_id"], started.json()["sequence"]
    await site.admin.get("/runs", params={"at_least": last})
    assert [job["id"] for job in (await client.get("/jobs")).json()["items"]] == ["desk.one"]
    assert {run["job"] for run in (await client.get("/runs")).json()["items"]} == {"desk.one"}
    for job, status, start in (("desk.one", 200, 202), ("desk.two", 404, 404)):
        assert (await client.get(f"/jobs/{job}")).status_code == status
        assert (await client.get(f"/runs/{runs[job]}")).status_code == status
        assert (await client.post(f"/runs/{runs[job]}/cancel")).status_code == start
        assert (await client.post(f"/jobs/{job}/runs", json={})).status_code == start
    administrator = await limited(site, "admin", jobs=["desk.one"])
    assert {run["job"] for run in (await administrator.get("/runs")).json()["items"]} == {"desk.one"}
    missing = await site.admin.post("/tokens", json={"principal": "ada", "name": "t", "jobs": ["no.job"]})
    assert missing.json()["code"] == "job_not_found"


async def test_a_token_for_one_client_acts_for_no_other(site: Site) -> None:
    await site.user("ada", roles=("clerk",), clients=("alpha", "beta"))
    client = await limited(site, "ada", clients=["alpha"])
    assert (await client.get("/me")).json()["clients"] == ["alpha"]
    for name, status in (("alpha", 202), ("beta", 404)):
        assert (await client.post("/jobs/desk.one/runs", json={"client": name})).status_code == status
    everywhere = await limited(site, "admin", clients=["beta"])
    assert (await everywhere.get("/me")).json()["clients"] == ["beta"]
    assert (await everywhere.post("/jobs/desk.one/runs", json={"client": "alpha"})).status_code == 404
    foreign = await site.admin.post("/tokens", json={"principal": "ada", "name": "t", "clients": ["gamma"]})
    assert foreign.json()["code"] == "client_not_found"
    # Taken from the principal, it is taken from the token.
    await site.admin.put("/principals/ada", json={"name": "Ada", "roles": ["clerk"], "clients": ["beta"]})
    assert (await client.get("/me")).json()["clients"] == []


async def test_a_limited_token_begets_none_that_may_do_more(site: Site) -> None:
    await site.user("tech", roles=(TECHNICAL,), clients=("alpha",))
    client = await limited(site, "tech", scopes=["administer", "read"])
    issue = {"principal": "tech", "name": "t"}
    assert (await client.post("/tokens", json=issue)).status_code == 403
    assert (await client.post("/me/tokens", json={"name": "t"})).status_code == 403
    assert (await client.post("/tokens", json={**issue, "scopes": ["read", "start"]})).status_code == 403
    assert (await client.post("/tokens", json={**issue, "scopes": ["read"]})).status_code == 201
    await site.user("ada")
    password = {"password": "heron under a paper moon"}
    assert (await client.put("/principals/ada/password", json=password)).status_code == 403
    narrow = await limited(site, "admin", clients=["alpha"])
    assert (await narrow.post("/me/tokens", json={"name": "t"})).status_code == 403
    assert (await narrow.post("/me/tokens", json={"name": "t", "clients": ["alpha"]})).status_code == 201
    wishes: list[dict[str, Any]] = [
        {"scopes": []}, {"scopes": ["all"]}, {"clients": ["*"]}, {"jobs": []}, {"days": 0}
    ]  # fmt: skip
    for wrong in wishes:
        refused = await site.admin.post("/tokens", json={**issue, **wrong})
        assert refused.status_code == 422, wrong


async def test_tokens_of_before_keep_everything(site: Site) -> None:
    old = await site.user("ada", roles=("clerk",))
    [token] = [t for t in (await site.admin.get("/tokens")).json()["items"] if t["principal"] == "ada"]
    assert token["scopes"] == ["read", "start", "upload", "approve", "administer"]
    assert (token["jobs"], token["clients"]) == (None, None)
    assert (await old.get("/me/sessions")).status_code == 200


def link(site: Site, token: str, *, minutes: float = 15) -> str:
    """Write a link into the sign-in file, as `tagwerk open` does."""
    content = json.loads(site.sign_in_file.read_text())
    expires_at = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    content["links"] = [{"sha256": hashlib.sha256(token.encode()).hexdigest(), "expires_at": expires_at}]
    new = site.sign_in_file.with_suffix(".new")
    new.write_text(json.dumps(content))
    new.replace(site.sign_in_file)
    return f"/sign-in/link?token={token}"


async def test_a_link_opens_one_session(site: Site) -> None:
    path = link(site, "first")
    client, thief = browser(site), browser(site)
    # Programs that look at links before people do use nothing up.
    for _ in range(3):
        page = await client.get(path)
        assert page.status_code == 200
        assert "Sign in as admin" in page.text
        assert page.headers["referrer-policy"] == "same-origin"
    foreign = browser(site, Origin="https://evil.example")
    assert (await foreign.post("/sign-in/link", data={"token": "first"})).status_code == 403
    opened = await client.post("/sign-in/link", data={"token": "first"})
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    assert (await me(client)).json()["id"] == "admin"
    for _ in range(2):
        again = await thief.post("/sign-in/link", data={"token": "first"})
        assert again.status_code == 403
        assert "tagwerk_session" not in thief.cookies
    # Not after a restart either, and not while it is in the file again.
    await site.stop_gateway()
    await site.start_gateway()
    link(site, "first")
    assert (await thief.post("/sign-in/link", data={"token": "first"})).status_code == 403
    assert (await me(client)).status_code == 200
    link(site, "late", minutes=-0.1)
    for token in ("late", "never-there", "", "x" * 5000):
        assert (await thief.get("/sign-in/link", params={"token": token})).status_code == 403
        assert (await thief.post("/sign-in/link", data={"token": token})).status_code == 403
    [entry] = await site.audited("signed_in")
    assert (entry.principal, entry.reason) == ("admin", "link")
    assert (await client.post("/sign-out", headers=csrf(client))).status_code == 303


async def test_who_asks_for_too_much_waits(site: Site) -> None:
    await site.stop_gateway()
    await site.start_gateway(request_burst=20, requests_per_second=0.01)
    wild = await site.user("wild")
    answers = [await wild.get("/me") for _ in range(25)]
    assert [answer.status_code for answer in answers].count(200) in range(20, 24)
    refused = answers[-1]
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert refused.json()["retryable"] is True
    assert refused.headers["retry-after"] == str(refused.json()["retry_after"])
    page = await browser(site, Authorization=wild.headers["Authorization"]).get("/account")
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) >= 1
    # Others go on.
    assert (await site.user("calm")) is not None


def test_an_upload_of_thousands_is_a_burst() -> None:
    """5,000 files do not wait, however fast they are sent; a loop that does not end does."""
    moment = 0.0
    burst, speed = (Settings.model_fields[name].default for name in ("request_burst", "requests_per_second"))
    rate = Rate(burst, speed, clock=lambda: moment)
    assert {rate.take("ada") for _ in range(5_000)} == {0.0}
    waits = [rate.take("ada") for _ in range(20_000)]
    assert waits.count(0.0) == burst - 5_000
    assert rate.take("berta") == 0
    moment += waits[-1]
    assert rate.take("ada") == 0
