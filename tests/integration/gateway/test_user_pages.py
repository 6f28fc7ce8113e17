"""The pages of accounts as a browser gets them from a real gateway."""

import re

from shared.access import ADMINISTRATOR, TECHNICAL
from tests.integration.gateway.site import Site
from tests.integration.gateway.test_pages import browser, token_of


async def principal(site: Site, id: str) -> dict[str, object]:
    items = (await site.admin.get("/principals")).json()["items"]
    [found] = [item for item in items if item["id"] == id]
    return dict(found)


async def test_an_account_is_found_and_its_roles_and_clients_are_changed(site: Site) -> None:
    await site.offer("desk.open", title="Open job")
    await site.user("bea", roles=("clerk",), clients=("alpha",))
    admin = browser(site, site.admin_token)
    listed = (await admin.get("/users?q=bea")).text
    assert re.findall(r'href="/users/([\w-]+)"', listed) == ["bea"]
    # What the role opens.
    assert "Starts 1 job" in listed
    assert "Open job" in listed
    assert "No account fits" in (await admin.get("/users?q=zzz")).text

    changed = await admin.post(
        "/users/bea/access",
        data={"name": "Bea B.", "role": ["clerk", "technical"], "clients": "alpha, beta;gamma"},
    )
    assert (changed.status_code, changed.headers["location"]) == (303, "/users/bea?done=access")
    now = await principal(site, "bea")
    assert (now["name"], sorted(now["roles"]), sorted(now["clients"])) == (  # type: ignore[call-overload]
        "Bea B.",
        ["clerk", "technical"],
        ["alpha", "beta", "gamma"],
    )
    shown = (await admin.get("/users/bea?done=access")).text
    assert "The account is changed" in shown
    assert 'value="alpha, beta, gamma"' in shown
    entry = (await site.audits("principal_changed"))[-1]
    assert (entry.principal, entry.concern) == ("admin", "principal:bea")

    refused = await admin.post("/users/bea/access", data={"name": "Bea", "clients": "../etc"})
    assert refused.status_code == 422
    assert "clients" in refused.text
    assert await principal(site, "bea") == now


async def test_an_account_is_deactivated_and_activated(site: Site) -> None:
    bea = await site.user("bea", roles=("clerk",))
    admin = browser(site, site.admin_token)
    done = await admin.post("/users/bea/active", data={"active": "false"})
    assert done.status_code == 303
    assert (await bea.get("/me")).status_code == 401
    assert "deactivated" in (await admin.get("/users/bea")).text
    assert (await principal(site, "bea"))["roles"] == ["clerk"]
    assert (await admin.post("/users/bea/active", data={"active": "true"})).status_code == 303
    assert (await bea.get("/me")).status_code == 200


async def test_a_password_is_set_sessions_end_and_a_token_is_revoked(site: Site) -> None:
    bea = await site.user("bea")
    admin = browser(site, site.admin_token)
    password = "four words that say nothing"
    weak = await admin.post("/users/bea/password", data={"password": "password1234"})
    assert weak.status_code == 422
    assert "This password cannot be taken" in weak.text
    assert (await admin.post("/users/bea/password", data={"password": password})).status_code == 303
    visitor = browser(site, None, Origin=site.url)
    assert (await visitor.post("/sign-in", data={"name": "bea", "password": password})).status_code == 303
    page = (await admin.get("/users/bea")).text
    assert "with a password" in page
    assert password not in page
    assert (await admin.post("/users/bea/sessions/end")).status_code == 303
    assert "No browser is signed in." in (await admin.get("/users/bea")).text

    [path] = re.findall(r'action="(/users/bea/tokens/[\w-]+/revoke)"', page)
    assert (await admin.post(path)).status_code == 303
    assert (await bea.get("/me")).status_code == 401
    assert "It has no valid token." in (await admin.get("/users/bea")).text


async def test_what_may_not_be_changed_is_not_offered_and_refused(site: Site) -> None:
    await site.user("root", roles=(ADMINISTRATOR,), clients=("*",))
    tech = browser(site, await token_of(site, "tech", TECHNICAL))
    for client, id in ((tech, "root"), (browser(site, site.admin_token), "admin")):
        page = (await client.get(f"/users/{id}")).text
        assert "You cannot change this account" in page
        assert f'action="/users/{id}' not in page
        refused = await client.post(f"/users/{id}/active", data={"active": "false"})
        assert refused.status_code in (403, 409), refused.text
    assert (await principal(site, "root"))["active"]
    assert (await tech.get("/users/nobody")).status_code == 404


async def test_general_users_see_no_accounts(site: Site) -> None:
    await site.user("bea")
    plain = browser(site, await token_of(site, "plain"))
    for method, path in (
        ("GET", "/users"),
        ("GET", "/users/bea"),
        ("POST", "/users/bea/sessions/end"),
        ("POST", "/users/bea/access"),
    ):
        refused = await plain.request(method, path)
        assert refused.status_code == 403, path
        assert 'href="/users' not in refused.text
