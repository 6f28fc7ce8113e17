"""Sign-in with a password, sessions in a cookie, and what others may try with them."""

import asyncio
import re
from functools import partial
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters

from services.gateway.edge import BODY_LIMIT
from services.gateway.identity import core, passwords
from services.gateway.identity.core import csrf_token, secret_hash
from shared import subjects
from tests.integration.gateway.site import Site

PASSWORD = "heron under a paper moon"
OTHER = "seven lamps in the orchard"
WEAK = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


@pytest.fixture
async def site(bare_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The gateway, and two people with passwords, whose hashes are cheap."""
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=4096, parallelism=1)
    monkeypatch.setattr(passwords, "PasswordHasher", cheap)
    await bare_site.offer("desk.general")
    await bare_site.start_gateway()
    for id in ("ada", "berta"):
        body = {"name": id.title(), "roles": ["clerk"], "clients": ["alpha"]}
        assert (await bare_site.admin.put(f"/principals/{id}", json=body)).status_code == 200
        await set_password(bare_site, id)
    return bare_site


async def set_password(site: Site, id: str, password: str = PASSWORD, **changes: Any) -> None:
    body = {"password": password, "must_change": False, **changes}
    answer = await site.admin.put(f"/principals/{id}/password", json=body)
    assert answer.status_code == 204, answer.text


def browser(site: Site, **headers: str) -> httpx.AsyncClient:
    client = site.client()
    client.base_url = httpx.URL(site.url)
    client.headers.update({"Accept": "text/html", "User-Agent": "Test/1", "Origin": site.url, **headers})
    return client


async def sign_in(
    client: httpx.AsyncClient, name: str = "ada", password: str = PASSWORD, **form: str
) -> httpx.Response:
    return await client.post("/sign-in", data={"name": name, "password": password, **form})


async def signed_in(site: Site, name: str = "ada", password: str = PASSWORD) -> httpx.AsyncClient:
    client = browser(site)
    answer = await sign_in(client, name, password)
    assert answer.status_code == 303, answer.text
    return client


def secret_of(client: httpx.AsyncClient) -> str:
    secret = client.cookies["tagwerk_session"]
    assert secret
    return str(secret)


def csrf(client: httpx.AsyncClient) -> dict[str, str]:
    return {"X-CSRF-Token": csrf_token(secret_of(client))}


async def me(client: httpx.AsyncClient) -> httpx.Response:
    return await client.get("/api/v1/me", headers={"Accept": "application/json"})


async def query(site: Site, statement: str, *values: Any) -> Any:
    assert site.server is not None
    assert site.server.gateway is not None
    return await site.server.gateway.pool.fetch(statement, *values)


async def test_a_browser_signs_in_reads_pages_and_the_api_and_signs_out(site: Site) -> None:
    client = browser(site)
    assert (await client.get("/account?x=1")).headers["location"] == "/sign-in?next=/account%3Fx%3D1"
    page = await client.get("/sign-in?next=/account%3Fx%3D1")
    assert page.status_code == 200
    assert 'name="next" value="/account?x=1"' in page.text
    answer = await sign_in(client, " Ada ", next="/account?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?x=1")
    assert (await client.get("/account?x=1")).status_code == 200
    assert (await me(client)).json()["id"] == "ada"
    # Who is signed in needs no form.
    assert (await client.get("/sign-in?next=/account")).headers["location"] == "/account"
    old = secret_of(client)
    form = re.search(r'action="/sign-out">\s*<input type="hidden" name="csrf_token" value="([^"]+)"',
                     (await client.get("/account")).text)  # fmt: skip
    assert form is not None
    out = await client.post("/sign-out", data={"csrf_token": form[1]})
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert "tagwerk_session" not in client.cookies
    stolen = browser(site, Cookie=f"tagwerk_session={old}")
    assert (await me(stolen)).json()["code"] == "session_ended"
    entries = [e for e in await site.audits() if e.action in ("signed_in", "signed_out")]
    assert [(e.action, e.principal) for e in entries] == [("signed_in", "ada"), ("signed_out", "ada")]
    assert entries[0].concern == entries[1].concern


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    answer = await sign_in(browser(site))
    jar: SimpleCookie = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        jar.load(header)
    for name in ("tagwerk_session", "tagwerk_device"):
        cookie = jar[name]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
        assert (cookie["secure"], cookie["domain"]) == ("", "")
        assert len(cookie.value) >= 43
    stored = (await query(site, "select sha256, id_token from sessions"))[0]
    assert jar["tagwerk_session"].value.encode() not in bytes(stored["sha256"])


async def test_behind_tls_the_cookie_is_secure_and_bound_to_the_host(site: Site) -> None:
    assert "strict-transport-security" not in (await browser(site).get("/sign-in")).headers
    await site.stop_gateway()
    await site.start_gateway(public_url="https://tagwerk.example")
    answer = await sign_in(browser(site, Origin="https://tagwerk.example"))
    assert answer.status_code == 303
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    session, device = answer.headers.get_list("set-cookie")
    assert session.startswith("__Host-tagwerk_session=")
    assert device.startswith("__Host-tagwerk_device=")
    for cookie in (session, device):
        assert "Secure" in cookie
        assert "Domain" not in cookie
    # A neighbour's plain cookie of the same name is nothing.
    forged = re.sub("^__Host-", "", session).split(";")[0]
    assert (await me(browser(site, Cookie=forged))).json()["code"] == "not_signed_in"
    # The header `Host` tells nothing about where we are.
    assert (await sign_in(browser(site))).status_code == 403


async def test_a_secret_that_somebody_planted_is_worth_nothing_after_sign_in(site: Site) -> None:
    client = browser(site)
    client.cookies.set("tagwerk_session", "planted-by-somebody-else")
    await sign_in(client)
    assert "planted-by-somebody-else" not in [cookie.value for cookie in client.cookies.jar if cookie.domain]
    assert (await me(browser(site, Cookie="tagwerk_session=planted-by-somebody-else"))).status_code == 401
    first = await signed_in(site)
    old = secret_of(first)
    assert (await sign_in(first, "berta")).status_code == 303
    assert secret_of(first) != old
    assert (await me(browser(site, Cookie=f"tagwerk_session={old}"))).status_code == 401


FOREIGN: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "https://evil.example", "Host": "evil.example", "X-CSRF-Token": "wrong"},
    {"X-CSRF-Token": "wrong"},
    {"X-CSRF-Token": ""},
]


async def test_another_site_can_do_nothing_with_the_cookie(site: Site) -> None:
    client = await signed_in(site)
    for headers in FOREIGN:
        sent = {**csrf(client), "Accept": "application/json", **headers}
        path = "/api/v1/jobs/desk.general/runs"
        answer = await client.post(path, json={"client": "alpha"}, headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (403, "request_forged"), headers
        if "X-CSRF-Token" not in headers:
            assert (await sign_in(browser(site, **headers))).status_code == 403, headers
    entry = (await site.audited("access_refused"))[0]
    assert (entry.principal, entry.concern) == ("ada", "POST /api/v1/jobs/desk.general/runs")


async def test_a_page_of_ours_may_with_header_or_field(site: Site) -> None:
    client, other = await signed_in(site), await signed_in(site, "berta")
    path, body = "/api/v1/jobs/desk.general/runs", {"client": "alpha"}
    assert (await client.post(path, json=body, headers=csrf(client))).status_code == 202
    for headers in ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        sent = {**csrf(client), **headers}
        assert (await client.post(path, json=body, headers=sent)).status_code == 202
    del client.headers["Origin"]
    assert (await client.post(path, json=body, headers=csrf(client))).status_code == 202
    # Another session's token does not do.
    assert (await client.post(path, json=body, headers=csrf(other))).status_code == 403
    token = csrf_token(secret_of(client))
    assert (await client.post("/sign-out", data={"csrf_token": "x"})).status_code == 403
    files = {"file": ("a.csv", b"x")}
    assert (await client.post("/api/v1/files", files=files)).status_code == 403
    answer = await client.post(f"/api/v1/files?csrf_token={token}", files=files)
    assert answer.json()["code"] == "access_refused"
    assert (await client.post("/sign-out", data={"csrf_token": token})).status_code == 303


async def test_a_form_that_is_no_file_is_never_large(site: Site) -> None:
    """Its token is looked for before anything is known of it."""
    client = await signed_in(site)
    large = f"csrf_token={'x' * (BODY_LIMIT + 1)}"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}
    for path in ("/api/v1/documents", "/api/v1/files", "/jobs/desk.general/start/upload", "/sign-out"):
        answer = await client.post(path, content=large, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large"), path


async def test_a_bearer_needs_no_token_of_a_form_and_a_cookie_does_not_mend_a_bad_one(site: Site) -> None:
    client = await signed_in(site)
    for header in ("Bearer wrong", "Basic YTpi", "Bearer"):
        answer = await client.get("/api/v1/me", headers={"Authorization": header, "Accept": "*/*"})
        assert answer.status_code == 401, header
    bearer = {"Authorization": f"Bearer {site.admin_token}", "Origin": "https://elsewhere.example"}
    answer = await client.post("/api/v1/jobs/desk.general/runs", json={"client": "alpha"}, headers=bearer)
    assert answer.status_code == 202
    assert (await client.get("/api/v1/me", headers=bearer)).json()["id"] == "admin"


async def test_a_session_ends_when_idle_and_when_old(site: Site) -> None:
    idle, old = await signed_in(site), await signed_in(site)
    await query(site, "update sessions set seen_at = now() - interval '31 min' where sha256 = $1",
                secret_hash(secret_of(idle)))  # fmt: skip
    await query(site, "update sessions set expires_at = now() where sha256 = $1",
                secret_hash(secret_of(old)))  # fmt: skip
    for client in (idle, old):
        assert (await me(client)).json()["code"] == "session_ended"
        page = await client.get("/")
        assert page.headers["location"] == "/sign-in?next=/"
        # Not in circles, and without the dead cookie.
        assert (await client.get("/sign-in")).status_code == 200
        assert "tagwerk_session" not in client.cookies
    assert site.server is not None
    assert site.server.gateway is not None
    await site.server.gateway.sessions.remove_expired()
    assert await query(site, "select 1 from sessions") == []


async def test_use_keeps_a_session_alive(site: Site) -> None:
    client = await signed_in(site)
    await query(site, "update sessions set seen_at = now() - interval '20 min'")
    assert (await me(client)).status_code == 200
    [row] = await query(site, "select now() - seen_at < interval '5 s' as fresh from sessions")
    assert row["fresh"]


async def test_changed_roles_replace_the_secret(site: Site) -> None:
    client = await signed_in(site)
    old = secret_of(client)
    body = {"name": "Ada", "roles": ["clerk", "engineer"], "clients": ["alpha"]}
    assert (await site.admin.put("/principals/ada", json=body)).status_code == 200
    # All at once: one of them gets the new secret, none is sent away.
    answers = await asyncio.gather(*(me(client) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert [bool(answer.headers.get("set-cookie")) for answer in answers].count(True) == 1
    assert all("engineer" in answer.json()["roles"] for answer in answers)
    new = secret_of(client)
    assert new != old
    # What was on its way with the old one arrives; a minute later nothing does.
    await query(site, "update sessions set expires_at = now() where replaced")
    assert (await me(browser(site, Cookie=f"tagwerk_session={old}"))).status_code == 401
    assert (await me(client)).status_code == 200
    # A page that is made by itself carries the cookie too.
    await site.admin.put("/principals/ada", json={**body, "roles": ["clerk"]})
    page = await client.get("/account")
    assert page.status_code == 200
    assert secret_of(client) != new


async def test_nobody_stays_in_who_is_deactivated(site: Site) -> None:
    client = await signed_in(site)
    body = {"name": "Ada", "roles": ["clerk"], "clients": ["alpha"]}
    await site.admin.put("/principals/ada", json={**body, "active": False})
    assert (await me(client)).status_code == 401
    assert (await sign_in(browser(site))).status_code == 401
    await site.admin.put("/principals/ada", json=body)
    assert (await me(client)).status_code == 401, "an old session lives again"
    ended = await site.audited("session_ended")
    assert (ended[0].principal, ended[0].reason) == ("admin", "deactivated")


async def test_one_changes_the_password_and_other_sessions_end(site: Site) -> None:
    client, elsewhere = await signed_in(site), await signed_in(site)
    old = secret_of(client)
    page = "/account/password"
    token = csrf_token(old)

    async def change(current: str, new: str, again: str | None = None) -> httpx.Response:
        form = {"csrf_token": token, "current": current, "new": new, "again": again or new}
        return await client.post(page, data=form)

    assert "not the same" in (await change(PASSWORD, OTHER, OTHER + "x")).text
    wrong = await change("not my password", OTHER)
    assert wrong.status_code == 403
    for bad in ("short", "password2026!", PASSWORD, "ada-ada-ada-ada"):
        refused = await change(PASSWORD, bad)
        assert refused.status_code == 422, bad
        assert "cannot be taken" in refused.text
    assert (await change(PASSWORD, OTHER)).headers["location"] == "/account?changed=1"
    assert secret_of(client) != old
    assert (await me(client)).status_code == 200
    assert (await me(elsewhere)).status_code == 401
    assert (await me(browser(site, Cookie=f"tagwerk_session={old}"))).status_code == 401
    assert (await sign_in(browser(site))).status_code == 401
    await signed_in(site, password=OTHER)
    [entry] = await site.audited("password_changed")
    assert (entry.principal, entry.concern) == ("ada", "principal:ada")
    told = b"".join(message.data for message in await site.bus.read(subjects.AUDIT, "audit.>"))
    for secret in (PASSWORD, OTHER, "not my password", old):
        assert secret.encode() not in told


async def test_a_password_that_others_know_is_changed_first(site: Site) -> None:
    await set_password(site, "ada", OTHER, must_change=True)
    client = browser(site)
    assert (await sign_in(client, password=OTHER)).headers["location"] == "/account"
    assert (await client.get("/jobs/desk.general")).headers["location"] == "/account"
    refused = await client.get("/api/v1/jobs", headers={"Accept": "application/json"})
    assert refused.json()["code"] == "password_change_required"
    # Whoever set the password knows it, and makes no token with it.
    for path, form in (("/account/tokens", {"name": "x", "scope": "read"}), ("/api/v1/me/tokens", {})):
        sent = {**csrf(client), "Accept": "application/json"}
        made = await client.post(path, data=form, headers=sent)
        assert made.json()["code"] == "password_change_required", path
    assert await query(site, "select 1 from tokens where principal = 'ada'") == []
    changed = await client.put(
        "/api/v1/me/password", json={"current": OTHER, "new": PASSWORD}, headers=csrf(client)
    )
    assert changed.status_code == 204, changed.text
    assert (await client.get("/api/v1/jobs")).status_code == 200


async def test_passwords_are_for_people_and_set_by_administrators(site: Site) -> None:
    await site.admin.put("/principals/robot", json={"name": "Robot", "kind": "service"})
    body = {"password": PASSWORD}
    assert (await site.admin.put("/principals/robot/password", json=body)).json()["code"] == (
        "password_not_for_kind"
    )
    assert (await site.admin.put("/principals/nobody/password", json=body)).status_code == 404
    weak = await site.admin.put("/principals/ada/password", json={"password": "123456789012"})
    assert weak.json()["code"] == "password_refused"
    assert "123456789012" not in weak.text
    ada = await site.user("ada", roles=("clerk",))
    assert (await ada.put("/principals/berta/password", json=body)).status_code == 403
    entries = await site.audited("password_set", 2)
    assert [entry.concern for entry in entries] == ["principal:ada", "principal:berta"]


async def test_hashes_of_old_parameters_are_renewed(site: Site) -> None:
    await query(site, "update credentials set hash = $1 where principal = 'ada'", WEAK.hash(PASSWORD))
    await signed_in(site)
    [row] = await query(site, "select hash from credentials where principal = 'ada'")
    assert "m=4096" in row["hash"]
    await signed_in(site)


async def failures(site: Site, count: int, name: str = "ada", **headers: str) -> None:
    for _ in range(count):
        assert (await sign_in(browser(site, **headers), name, "wrong")).status_code == 401


async def test_an_account_waits_after_failures_and_its_owner_gets_in_from_home(site: Site) -> None:
    home = await signed_in(site)
    await failures(site, 5)
    refused = await sign_in(browser(site))
    assert refused.status_code == 401
    [locked] = await site.audited("account_locked")
    assert locked.principal == "ada"
    assert "waits for 60 s" in (locked.reason or "")
    # The session goes on, and the browser that is known is not locked out by what others do.
    assert (await me(home)).status_code == 200
    assert (await sign_in(home)).status_code == 303
    # Waiting longer does not come from trying while it waits.
    await failures(site, 2)
    [row] = await query(
        site,
        "select failures, locked_until - now() < interval '61 s' as soon from sign_in_failures"
        " where length(device) > 0",
    )
    assert (row["failures"], row["soon"]) == (5, True)
    await query(site, "update sign_in_failures set locked_until = now()")
    await failures(site, 1)
    [row] = await query(
        site,
        "select locked_until - now() > interval '90 s' as longer from sign_in_failures"
        " where length(device) > 0",
    )
    assert row["longer"]
    # An administrator ends the wait.
    await set_password(site, "ada", OTHER)
    await signed_in(site, password=OTHER)


async def test_tries_at_the_same_time_are_counted_too(site: Site) -> None:
    answers = await asyncio.gather(*(sign_in(browser(site), "ada", "wrong") for _ in range(12)))
    assert {answer.status_code for answer in answers} == {401}
    rows = await query(site, "select failures from sign_in_failures")
    assert [row["failures"] for row in rows] == [5, 5], "of this address, and of all strangers"


async def test_a_stranger_alone_locks_nobody_out_elsewhere(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.stop_gateway()
    await site.start_gateway(trusted_proxies="127.0.0.1", sign_ins_per_minute=1000)
    await failures(site, 20, **{"X-Forwarded-For": "203.0.113.7"})
    near = await sign_in(browser(site, **{"X-Forwarded-For": "203.0.113.7"}))
    assert near.status_code == 401
    # A new browser, at another address.
    there = await sign_in(browser(site, **{"X-Forwarded-For": "203.0.113.8"}))
    assert there.status_code == 303
    # A whole army is one sender, and guesses no faster.
    monkeypatch.setattr(core, "FREE_OF_STRANGERS", 6)
    for number in range(9):
        await failures(site, 1, **{"X-Forwarded-For": f"2001:db8:{number}::1"})
    elsewhere = browser(site, **{"X-Forwarded-For": "203.0.113.9"})
    assert (await sign_in(elsewhere)).status_code == 401
    [row] = await query(site, "select failures from sign_in_failures where device = ''")
    assert row["failures"] == 7
    # An administrator ends the wait, and the password stays.
    for _ in range(2):
        assert (await site.admin.post("/principals/ada/unlock")).status_code == 204
    assert (await sign_in(elsewhere)).status_code == 303
    [told] = await site.audited("account_unlocked")
    assert told.before is not None
    assert (told.principal, told.before["failures"]) == ("admin", 7)


async def test_a_page_that_follows_by_itself_keeps_no_session_alive(site: Site) -> None:
    client = await signed_in(site)
    await query(site, "update sessions set seen_at = now() - interval '20 min'")
    for headers in ({"X-Follows": "1"}, {"Accept": "text/event-stream"}):
        assert (await client.get("/api/v1/me", headers=headers)).status_code == 200
    [row] = await query(site, "select now() - seen_at > interval '19 min' as idle from sessions")
    assert row["idle"]


async def test_a_stranger_learns_nothing_from_answer_and_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[Parameters] = []
    verify = passwords.Hasher._verify

    def seen(hasher: passwords.Hasher, hash: str, password: bytes) -> bool:
        checked.append(extract_parameters(hash))
        return verify(hasher, hash, password)

    await set_password(site, "ada", OTHER)
    await site.admin.put("/principals/bare", json={"name": "Without password"})
    monkeypatch.setattr(passwords.Hasher, "_verify", seen)
    bodies: set[str] = set()
    for name in ("ada", "nobody-at-all", "bare"):
        answer = await sign_in(browser(site), name, "wrong")
        text = re.sub(r"<code>[0-9a-f]{32}</code>", "", answer.text).replace(name, "NAME")
        bodies.add(f"{answer.status_code} {text}")
        assert not answer.headers.get("set-cookie")
    assert len(bodies) == 1
    # What makes it slow is done for everybody, and costs the same.
    assert len(checked) == 3
    assert checked[0] == checked[1] == checked[2]


async def test_too_many_sign_ins_of_one_address_wait(site: Site) -> None:
    await site.stop_gateway()
    await site.start_gateway(sign_ins_per_minute=3)
    for number in range(3):
        assert (await sign_in(browser(site), f"name{number}", "x")).status_code == 401
    # Who claims to stand behind a proxy is not believed.
    refused = await sign_in(browser(site, **{"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=1.2.3.4"}))
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    # Tokens have nothing to do with it.
    assert (await site.admin.get("/me")).status_code == 200


async def test_a_trusted_proxy_tells_who_it_was(site: Site) -> None:
    await site.stop_gateway()
    await site.start_gateway(trusted_proxies="127.0.0.1", sign_ins_per_minute=1)
    for address in ("203.0.113.7", "203.0.113.8"):
        answer = await sign_in(browser(site, **{"X-Forwarded-For": address}), "ada", "wrong")
        assert answer.status_code == 401
    entries = await site.audited("sign_in_rejected", 2)
    assert [entry.concern for entry in entries] == ["203.0.113.7", "203.0.113.8"]


ELSEWHERE = (
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
    "/\t/evil.example", "http:evil.example", "/x\r\nSet-Cookie: a=b", "", "x" * 5000,
)  # fmt: skip


async def test_nobody_is_led_elsewhere(site: Site) -> None:
    for next in ELSEWHERE:
        answer = await sign_in(browser(site), next=next)
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), next
        client = await signed_in(site)
        led = await client.get("/sign-in", params={"next": next})
        assert (led.status_code, led.headers["location"]) == (303, "/"), next


async def test_hostile_headers_are_stored_and_shown_harmlessly(site: Site) -> None:
    for agent in (b"x" * 5000, b"caf\xe9", b"<script>alert(1)</script>", b""):
        client = browser(site)
        hostile = [
            (b"User-Agent", agent), (b"X-Forwarded-For", b"<b>1.2.3.4</b>"), (b"X-Forwarded-Proto", b"https"),
        ]  # fmt: skip
        form = {"name": "ada", "password": PASSWORD}
        assert (await client.post("/sign-in", data=form, headers=hostile)).status_code == 303
        page = await client.get("/account")
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "1.2.3.4" not in page.text
    for cookie in (b"x" * 7000, b"a b; c", b'"quoted"', b"\x80", b"..", b"%00", b"a=b=c"):
        answer = await browser(site).get(
            "/api/v1/me", headers=[(b"Cookie", b"tagwerk_session=" + cookie), (b"Accept", b"*/*")]
        )
        assert answer.status_code == 401
        assert answer.json()["code"] in ("not_signed_in", "session_ended")


NONSENSE: list[dict[str, Any]] = [
    {"name": "a\0b"}, {"name": "' or 1=1 --"}, {"name": "x" * 10_000}, {"password": "x" * 100_000},
    {"name": "ADA", "password": b"\xed\xa0\x80"}, {"extra": "1"}, {},
]  # fmt: skip


async def test_nonsense_in_the_form_is_refused(site: Site) -> None:
    for form in NONSENSE:
        answer = await browser(site).post("/sign-in", data={"name": "ada", "password": "wrong", **form})
        assert answer.status_code in (401, 422), form


async def test_one_sees_and_ends_ones_own_sessions_only(site: Site) -> None:
    ada, phone, berta = await signed_in(site), await signed_in(site), await signed_in(site, "berta")
    path = "/api/v1/me/sessions"
    mine = (await ada.get(path)).json()["items"]
    assert [(s["how"], s["this"], s["agent"]) for s in mine] == [
        ("password", False, "Test/1"), ("password", True, "Test/1")
    ]  # fmt: skip
    theirs = (await berta.get(path)).json()["items"]
    assert len(theirs) == 1
    foreign = await ada.delete(f"{path}/{theirs[0]['id']}", headers=csrf(ada))
    assert foreign.json()["code"] == "session_not_found"
    assert (await ada.delete(f"{path}/{mine[0]['id']}", headers=csrf(ada))).status_code == 204
    assert (await me(phone)).status_code == 401
    assert (await me(berta)).status_code == 200
    page = await ada.get("/account")
    assert page.text.count('<form method="post" action="/account/sessions/') == 0
    assert "this one" in page.text
    assert (await site.admin.delete("/principals/berta/sessions")).status_code == 204
    assert (await me(berta)).status_code == 401


async def test_one_makes_and_revokes_tokens_of_ones_own(site: Site) -> None:
    ada = await signed_in(site)
    form = {
        "csrf_token": csrf_token(secret_of(ada)),
        "name": "laptop",
        "days": "7",
        "scope": ["read", "start"],
    }
    page = await ada.post("/account/tokens", data=form)
    found = re.search(r"tagwerk_[\w-]{43}", page.text)
    assert found is not None
    client = site.client(found[0])
    assert (await client.get("/me")).json()["id"] == "ada"
    assert (await client.get("/me/tokens")).json()["code"] == "scope_missing"
    assert found[0] not in (await ada.get("/account")).text
    [one] = (await ada.get("/api/v1/me/tokens")).json()["items"]
    assert (one["name"], one["scopes"]) == ("laptop", ["read", "start"])
    berta = await signed_in(site, "berta")
    foreign = await berta.delete(f"/api/v1/me/tokens/{one['id']}", headers=csrf(berta))
    assert foreign.json()["code"] == "token_not_found"
    revoke = f"/account/tokens/{one['id']}/revoke"
    assert (await ada.post(revoke, data={"csrf_token": form["csrf_token"]})).status_code == 303
    assert (await client.get("/me")).status_code == 401
