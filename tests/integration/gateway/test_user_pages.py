"""The pages of accounts as a browser gets them from a real gateway."""

import html
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
    # At the field, with what was typed.
    assert 'id="clients-error"' in refused.text
    assert 'value="../etc"' in refused.text
    assert 'name="role" value="clerk" checked' not in refused.text
    assert await principal(site, "bea") == now
    unknown = await admin.post("/users/bea/access", data={"name": "Bea X", "role": "clark", "clients": ""})
    assert unknown.status_code == 422
    assert "there is no role clark; known are accounting, " in unknown.text
    assert 'value="Bea X"' in unknown.text


async def test_an_account_is_made_with_a_first_password(site: Site) -> None:
    admin = browser(site, site.admin_token)
    new = "/users/-/new"
    assert f'href="{new}"' in (await admin.get("/users")).text
    assert "New account" in (await admin.get(new)).text
    form = {
        "id": "cleo", "name": "Cleo <C>", "kind": "user", "role": "clerk", "clients": "alpha",
        "password": "four words that say nothing",
    }  # fmt: skip
    for changes, field in (
        ({"id": "Cleo!"}, "id"), ({"name": " "}, "name"), ({"clients": "../x"}, "clients"),
        ({"password": "x1y2z3"}, "password"), ({"kind": "service"}, "password"), ({"role": "clark"}, "roles"),
    ):  # fmt: skip
        refused = await admin.post(new, data={**form, **changes})
        assert refused.status_code == 422, changes
        assert re.findall(r'id="(\w+)-error"', refused.text) == [field]
        assert f'value="{html.escape(changes.get("name", form["name"]))}"' in refused.text, changes
        assert form["password"] not in refused.text
        assert "x1y2z3" not in refused.text
    assert (await admin.get("/users/cleo")).status_code == 404, "half of it is there"
    made = await admin.post(new, data=form)
    assert (made.status_code, made.headers["location"]) == (303, "/users/cleo?done=made")
    assert "The account is made" in (await admin.get("/users/cleo?done=made")).text
    told = await principal(site, "cleo")
    assert (told["roles"], told["clients"]) == (["clerk"], ["alpha"])
    again = await admin.post(new, data={**form, "name": "Other"})
    assert again.status_code == 409
    assert re.findall(r'id="(\w+)-error"', again.text) == ["id"]
    assert (await principal(site, "cleo"))["name"] == "Cleo <C>"
    visitor = browser(site, None, Origin=site.url)
    signed = await visitor.post("/sign-in", data={"name": "cleo", "password": form["password"]})
    assert signed.headers["location"] == "/account", "they choose one of their own first"
    entries = [(e.action, e.before, (e.after or {}).get("id")) for e in await site.audits()]
    assert ("principal_changed", None, "cleo") in entries
    assert ("password_set", None, None) in entries


async def test_a_token_is_made_for_a_service_and_shown_once(site: Site) -> None:
    await site.admin.put(
        "/principals/robot", json={"name": "Robot", "kind": "service", "clients": ["alpha", "beta"]}
    )
    admin = browser(site, site.admin_token)
    path = "/users/robot/tokens"
    form = {"name": "nightly", "days": "7", "scope": ["read", "upload"], "clients": "alpha"}
    for changes, field in (
        ({"name": ""}, "token-name"), ({"days": "soon"}, "days"), ({"days": "366"}, "days"),
        ({"scope": []}, "scope"), ({"clients": "gamma"}, "token-clients"),
    ):  # fmt: skip
        refused = await admin.post(path, data={**form, **changes})
        assert refused.status_code in (404, 422), changes
        assert re.findall(r'id="([\w-]+)-error"', refused.text) == [field], changes
        assert ('value="nightly"' in refused.text) is ("name" not in changes)
        assert "tagwerk_" not in refused.text
    made = await admin.post(path, data=form)
    [token] = re.findall(r"tagwerk_[\w-]{43}", made.text)
    assert token not in (await admin.get("/users/robot")).text
    me = (await site.client(token).get("/me")).json()
    assert (me["id"], me["clients"]) == ("robot", ["alpha"])
    assert (await site.client(token).get("/me/tokens")).json()["code"] == "scope_missing"
    [entry] = await site.audited("token_issued")
    assert (entry.principal, entry.before) == ("admin", None)
    assert entry.after is not None
    assert (entry.after["principal"], entry.after["scopes"]) == ("robot", ["read", "upload"])
    [revoke] = re.findall(r'action="(/users/robot/tokens/[\w-]+/revoke)"', made.text)
    assert (await admin.post(revoke)).status_code == 303
    [entry] = await site.audited("token_revoked")
    assert [(entry.before or {})["revoked"], (entry.after or {})["revoked"]] == [False, True]


async def test_one_session_of_many_is_ended_and_a_wait_too(site: Site) -> None:
    await site.user("bea")
    password = "four words that say nothing"
    await site.admin.put("/principals/bea/password", json={"password": password})
    admin = browser(site, site.admin_token)
    for agent in ("One/1", "Two/2"):
        visitor = browser(site, None, Origin=site.url, **{"User-Agent": agent})
        form = {"name": "bea", "password": password}
        assert (await visitor.post("/sign-in", data=form)).status_code == 303
    page = (await admin.get("/users/bea")).text
    ends = re.findall(r'action="(/users/bea/sessions/[\w-]+/end)".*? (\w+/\d)</span>', page)
    assert [agent for _, agent in ends] == ["Two/2", "One/1"]
    assert (await admin.post(ends[0][0])).headers["location"] == "/users/bea?done=session"
    assert "One/1" in (left := (await admin.get("/users/bea")).text)
    assert "Two/2" not in left
    [entry] = await site.audited("session_ended")
    assert (entry.principal, (entry.before or {})["open"], (entry.after or {})["open"]) == (
        "admin",
        True,
        False,
    )
    gone = await admin.post(ends[0][0])
    assert (gone.status_code, "There is no such session" in gone.text) == (404, True)

    for _ in range(5):
        stranger = browser(site, None, Origin=site.url)
        await stranger.post("/sign-in", data={"name": "bea", "password": "wrong"})
    assert "This account waits after failed sign-ins" in (await admin.get("/users/bea")).text
    assert (await admin.post("/users/bea/unlock")).headers["location"] == "/users/bea?done=unlock"
    assert "This account waits" not in (await admin.get("/users/bea")).text


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
    assert 'id="password-error"' in weak.text
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
        ("GET", "/users/-/new"),
        ("POST", "/users/-/new"),
        ("POST", "/users/bea/tokens"),
    ):
        refused = await plain.request(method, path)
        assert refused.status_code == 403, path
        assert 'href="/users' not in refused.text


async def test_an_absence_is_said_with_its_substitute(site: Site) -> None:
    await site.user("bea", roles=("clerk",), clients=("alpha",))
    await site.user("cleo", roles=("clerk",), clients=("alpha",))
    admin = browser(site, site.admin_token)
    form = {
        "email": "bea@example.com", "language": "de", "absent_from": "2026-12-21",
        "absent_until": "2027-01-04", "substitute": "cleo",
    }  # fmt: skip
    for changes, field in (
        ({"email": "bea"}, "email"), ({"substitute": "bea"}, "substitute"),
        ({"absent_until": ""}, "absent_until"), ({"absent_from": ""}, "absent_from"),
    ):  # fmt: skip
        refused = await admin.post("/users/bea/contact", data={**form, **changes})
        assert refused.status_code == 422
        assert f'id="{field}-error"' in refused.text
    saved = await admin.post("/users/bea/contact", data=form)
    assert (saved.status_code, saved.headers["location"]) == (303, "/users/bea?done=contact")
    shown = (await admin.get("/users/bea")).text
    for value in ("bea@example.com", "2026-12-21", "2027-01-04", "cleo"):
        assert f'value="{value}"' in shown
    assert (await site.admin.get("/principals/bea/contact")).json() == form
