"""Sign-in at an identity provider: one by other people, and one of ours that lies on request."""

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey

from deploy.local.ports import free_port
from services.gateway.app import build
from services.gateway.identity import provider
from services.gateway.identity.openid import principal_id
from shared import subjects
from shared.access import Access, Principal
from shared.buckets import Bucket
from shared.errors import TagwerkError
from shared.words import Level
from tests.integration.gateway.site import Site
from tests.integration.gateway.test_sessions import browser, csrf, me
from tests.support.identity_provider import CLIENT, SECRET, IdentityProvider

POLICY = """
[roles]
bookkeeper = ["clerk", "desk-viewer"]
team-lead = []

[openid]
name = "Muster ID"

[[openid.groups]]
group = "books"
roles = ["bookkeeper", "team-lead"]
clients = ["alpha"]

[[openid.groups]]
group = "everything"
roles = ["administrator"]
clients = ["*"]
"""


@pytest.fixture
async def idp() -> AsyncIterator[IdentityProvider]:
    async with IdentityProvider() as started:
        yield started


@pytest.fixture
async def site(bare_site: Site, idp: IdentityProvider) -> Site:
    secret = written(bare_site.folder, f"{SECRET}\n", "secret")
    access = Access(module="desk", level=Level.OPERATIONAL, roles=frozenset({"clerk"}))
    await bare_site.offer("desk.books", access=access)
    idp.claims["groups"] = ["books", "others"]
    await bare_site.start_gateway(
        policy_file=written(bare_site.folder, POLICY),
        openid_issuer=idp.issuer,
        openid_client_id=CLIENT,
        openid_client_secret_file=secret,
        sign_ins_per_minute=200,
    )
    return bare_site


def written(folder: Path, text: str, name: str = "policy.toml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


async def through(site: Site, client: httpx.AsyncClient, next: str = "/account") -> httpx.Response:
    """Where the browser ends after the provider sent it back, without following on from there."""
    left = await client.get("/sign-in/openid", params={"next": next})
    assert left.status_code == 303, left.text
    async with httpx.AsyncClient() as there:
        back = await there.get(left.headers["location"])
    return await client.get(back.headers["location"].removeprefix(site.url))


async def test_somebody_of_the_provider_comes_in_with_the_roles_of_their_groups(
    site: Site, idp: IdentityProvider
) -> None:
    client = browser(site)
    assert "Sign in with Muster ID" in (await client.get("/sign-in")).text
    answer = await through(site, client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    who = (await me(client)).json()
    assert (who["id"], who["name"], who["clients"]) == ("carla", "Carla Muster", ["alpha"])
    assert set(who["roles"]) == {"bookkeeper", "team-lead", "clerk", "desk-viewer"}
    started = await client.post(
        "/api/v1/jobs/desk.books/runs", json={"client": "alpha"}, headers=csrf(client)
    )
    assert started.status_code == 202
    published = await Bucket(site.bus, subjects.PRINCIPALS, Principal).get("carla")
    assert published is not None
    assert "clerk" in published.roles
    [asked] = idp.asked
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert len(asked["nonce"]) == len(asked["state"]) == 43
    # What the groups say at the next sign-in holds from then on, and the older session follows.
    idp.claims |= {"groups": ["everything"], "name": None}
    again = browser(site)
    await through(site, again)
    for one in (client, again):
        assert "administrator" in (await me(one)).json()["roles"]
    changed = await site.audited("principal_changed", 2)
    assert changed[-1].principal == "carla"
    # An administrator changes here what is decided here.
    body = {"name": "carla", "roles": ["administrator"], "clients": ["*"]}
    assert (await site.admin.put("/principals/carla", json={**body, "roles": []})).status_code == 409
    assert (await site.admin.put("/principals/carla", json={**body, "active": False})).status_code == 200
    assert (await through(site, browser(site))).status_code == 403


async def test_signing_out_leads_to_the_sign_out_there(site: Site, idp: IdentityProvider) -> None:
    client = browser(site)
    await through(site, client)
    page = await client.post("/sign-out", headers=csrf(client))
    found = re.search(r'href="(http[^"]+/end\?[^"]+)"', page.text)
    assert found is not None
    address = httpx.URL(found[1].replace("&amp;", "&"))
    assert address.params["realm"] == "x"
    assert address.params["post_logout_redirect_uri"] == f"{site.url}/sign-in"
    assert address.params["id_token_hint"].count(".") == 2
    assert (await me(client)).status_code == 401


async def test_an_answer_counts_once_in_the_browser_that_asked(site: Site, idp: IdentityProvider) -> None:
    client, other = browser(site), browser(site)
    left = await client.get("/sign-in/openid")
    async with httpx.AsyncClient() as there:
        back = (await there.get(left.headers["location"])).headers["location"].removeprefix(site.url)
    # Somebody else's browser is led through with our code: it stays nobody.
    assert (await other.get(back)).status_code == 403
    await other.get("/sign-in/openid")
    assert (await other.get(back)).status_code == 403
    assert (await client.get(back)).status_code == 303
    client.cookies.set("tagwerk_openid", "x", domain="127.0.0.1")
    assert (await client.get(back)).status_code == 403
    for query in ("", "?state=x", "?code=x&state=x", "?error=access_denied&state=x", "?state=%00"):
        assert (await browser(site).get(f"/sign-in/openid/callback{query}")).status_code == 403, query
    left = await other.get("/sign-in/openid")
    state = httpx.URL(left.headers["location"]).params["state"]
    refused = await other.get(f"/sign-in/openid/callback?error=access_denied&state={state}")
    assert refused.status_code == 403
    reasons = [entry.reason or "" for entry in await site.audited("sign_in_rejected", 9)]
    assert any("access_denied" in reason for reason in reasons)


async def test_what_the_token_says_has_to_hold(site: Site, idp: IdentityProvider) -> None:
    now = int(time.time())
    wrong: list[dict[str, Any]] = [
        {"nonce": "another"}, {"nonce": None}, {"iss": "https://evil.example"}, {"aud": "another"},
        {"aud": None}, {"exp": now - 600}, {"exp": None}, {"sub": None}, {"sub": ""}, {"sub": 7},
        {"aud": [CLIENT, "another"], "azp": "another"}, {"nbf": now + 600},
    ]  # fmt: skip
    good = dict(idp.claims)
    for claims in wrong:
        idp.claims = good | claims
        answer = await through(site, browser(site))
        assert answer.status_code == 403, claims
        assert "set-cookie" not in answer.headers or "tagwerk_session" not in answer.headers["set-cookie"]
    idp.claims = good
    for algorithm, key in (
        ("RS256", RSAKey.generate_key(2048, {"kid": "one"})),
        # The secret is not the provider's alone.
        ("HS256", OctKey.import_key(SECRET)),
        ("none", None),
    ):
        idp.algorithm, idp.forged_with = algorithm, key
        assert (await through(site, browser(site))).status_code == 403, algorithm
    idp.algorithm, idp.forged_with = "RS256", None
    assert (await through(site, browser(site))).status_code == 303
    assert "another" not in str(await Bucket(site.bus, subjects.PRINCIPALS, Principal).all())


async def test_new_keys_of_the_provider_are_fetched_but_not_for_everybody_who_asks(
    site: Site, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await through(site, browser(site))).status_code == 303
    idp.new_key("two")
    # Right after a look there is not another one.
    assert (await through(site, browser(site))).status_code == 403
    assert idp.key_requests == 1
    monkeypatch.setattr(provider, "KEYS_EVERY", 0.0)
    assert (await through(site, browser(site))).status_code == 303
    assert idp.key_requests == 2


async def test_a_name_chosen_there_takes_over_no_account_here(site: Site, idp: IdentityProvider) -> None:
    for name in ("admin", "Admin", "ADMIN "):
        idp.claims |= {"preferred_username": name, "sub": f"s-{name}"}
        assert (await through(site, browser(site))).status_code == 403, name
    for claims in ({"groups": ["others"]}, {"groups": None}, {"groups": "books2"}, {"groups": 7}):
        idp.claims |= {"preferred_username": "dora", **claims}
        assert (await through(site, browser(site))).status_code == 403, claims
    for value in ("", "!!", None, 7):
        idp.claims |= {"preferred_username": value, "groups": ["books"], "sub": "s-x"}
        assert (await through(site, browser(site))).status_code == 403, value
    principals = (await site.admin.get("/principals")).json()["items"]
    assert [principal["id"] for principal in principals] == ["admin", "service-scheduler"]
    assert (await me(browser(site))).status_code == 401


async def test_a_provider_that_is_away_disturbs_nobody_else(site: Site, idp: IdentityProvider) -> None:
    await idp.__aexit__()
    page = await browser(site).get("/sign-in/openid")
    assert page.status_code == 503
    assert "does not answer" in page.text
    assert (await site.admin.get("/me")).status_code == 200
    idp._server = type(idp._server)(idp._server.config)
    idp._server.capture_signals = contextlib.nullcontext  # type: ignore[assignment,method-assign]
    await idp.__aenter__()
    assert (await through(site, browser(site))).status_code == 303


async def test_roles_that_nobody_knows_stop_the_gateway_and_are_named(bare_site: Site) -> None:
    text = POLICY.replace('"clerk"', '"klerk"').replace('"administrator"', '"boss"')
    settings = bare_site.settings(policy_file=written(bare_site.folder, text))
    values = settings.model_dump(mode="json", exclude_none=True)
    impatient = "from services.gateway.identity import policy; policy.KNOWN_WITHIN = 0.2"
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"{impatient}; from services.gateway.app import main; main()",
        env={**os.environ, **{f"TAGWERK_{name.upper()}": str(value) for name, value in values.items()}},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await started.communicate()
    assert started.returncode == 3
    assert b"names roles that no job asks for: boss, desk-viewer, klerk" in said
    for broken in ("[roles", "[roles]\nx = 1", "[rolls]\n"):
        with pytest.raises(TagwerkError) as refused:
            build(bare_site.settings(policy_file=written(bare_site.folder, broken)))
        assert refused.value.failure.code == "policy_invalid"
    for issuer in ("http://id.example", "ftp://id.example"):
        with pytest.raises(TagwerkError) as refused:
            build(bare_site.settings(openid_issuer=issuer, openid_client_id="x"))
        assert refused.value.failure.code == "openid_insecure"
    with pytest.raises(TagwerkError) as refused:
        build(bare_site.settings(openid_issuer="https://id.example"))
    assert refused.value.failure.code == "openid_incomplete"


@pytest.mark.parametrize(
    ("value", "id"),
    [
        ("Ada@Example.org", "ada-example.org"),
        ("  ", None),
        ("Ünal Ş", "nal"),
        ("x" * 99, "x" * 63),
        ("..", None),
    ],
)
def test_an_id_is_made_of_what_somebody_is_called_there(value: str, id: str | None) -> None:
    assert principal_id(value) == id


async def test_a_provider_by_other_people(bare_site: Site) -> None:
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)],
        env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=issuer) as there:
            for _ in range(200):
                with contextlib.suppress(httpx.TransportError):
                    await there.get("/")
                    break
                time.sleep(0.1)  # noqa: ASYNC251  (nothing else happens meanwhile)
            claims = {"preferred_username": "Emil@Muster.example", "name": "Emil", "groups": ["everything"]}
            assert (await there.put("/users/subject-1", json=claims)).status_code == 204
            await bare_site.start_gateway(
                policy_file=written(bare_site.folder, POLICY.replace('"clerk", "desk-viewer"', "")),
                openid_issuer=issuer,
                openid_client_id="tagwerk",
                openid_client_secret_file=written(bare_site.folder, "anything", "secret"),
            )
            client = browser(bare_site)
            left = await client.get("/sign-in/openid?next=/account")
            back = await there.post(left.headers["location"], data={"sub": "subject-1"})
            assert back.status_code == 302, back.text
            arrived = await client.get(back.headers["location"].removeprefix(bare_site.url))
            assert arrived.status_code == 303, await bare_site.audits("sign_in_rejected")
            assert arrived.headers["location"] == "/account"
            who = (await me(client)).json()
            assert (who["id"], who["roles"]) == ("emil-muster.example", ["administrator"])
            out = await client.post("/sign-out", headers=csrf(client))
            found = re.search(r'href="(http[^"]+end_session[^"]+)"', out.text)
            assert found is not None
            assert (await there.get(found[1].replace("&amp;", "&"))).status_code == 200
    finally:
        process.kill()
        process.wait()
