"""Principals, tokens and sign-ins."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.gateway.identity import rejections
from shared import subjects
from shared.access import ADMINISTRATOR, TECHNICAL, Principal
from shared.buckets import Bucket
from shared.commands import People, PeopleQuery
from tests.integration.gateway.site import Site


@pytest.fixture
async def site(bare_site: Site) -> Site:
    await bare_site.start_gateway()
    return bare_site


async def published(site: Site, id: str) -> Principal | None:
    return await Bucket(site.bus, subjects.PRINCIPALS, Principal).get(id)


async def database(site: Site, statement: str) -> None:
    assert site.server is not None
    assert site.server.gateway is not None
    await site.server.gateway.pool.execute(statement)


async def test_the_development_administrator_is_known_to_every_service(site: Site) -> None:
    me = (await site.admin.get("/me")).json()
    assert (me["id"], me["roles"], me["clients"]) == ("admin", [ADMINISTRATOR], ["*"])
    assert (me["default_client"], me["may_operate_platform"]) == ("main", True)
    admin = await published(site, "admin")
    assert admin is not None
    assert admin.roles == {ADMINISTRATOR}


async def test_a_new_sign_in_replaces_the_one_before(site: Site) -> None:
    old = site.admin
    assert (await old.get("/me")).status_code == 200
    site.write_sign_in("a newer token")
    assert (await site.client("a newer token").get("/me")).status_code == 200
    assert (await old.get("/me")).status_code == 401


async def test_an_expired_or_removed_or_broken_sign_in_opens_nothing(site: Site) -> None:
    site.write_sign_in(site.admin_token, days=-0.01)
    assert (await site.admin.get("/me")).status_code == 401
    site.write_sign_in(site.admin_token)
    assert (await site.admin.get("/me")).status_code == 200
    site.sign_in_file.write_text(json.dumps({"principal": "admin", "token_sha256": ""}))
    assert (await site.admin.get("/me")).status_code == 401
    site.write_sign_in(site.admin_token)
    assert (await site.admin.get("/me")).status_code == 200
    site.sign_in_file.unlink()
    assert (await site.admin.get("/me")).status_code == 401


async def test_the_administrator_of_the_machine_is_not_changed_over_http(site: Site) -> None:
    response = await site.admin.put("/principals/admin", json={"name": "Nobody"})
    assert response.status_code == 409
    assert response.json()["code"] == "principal_managed"


async def test_a_principal_is_published_before_the_answer_and_audited(site: Site) -> None:
    body = {"name": "Ada", "roles": ["accounting"], "clients": ["alpha"]}
    assert (await site.admin.put("/principals/ada", json=body)).status_code == 200
    ada = await published(site, "ada")
    assert ada == Principal(
        id="ada", name="Ada", roles=frozenset({"accounting"}), clients=frozenset({"alpha"})
    )
    await site.admin.put("/principals/ada", json=body)
    await site.admin.put("/principals/ada", json={**body, "roles": ["accounting", "trustee"]})
    entries = await site.audited("principal_changed", 2)
    assert [(e.principal, e.concern) for e in entries] == [("admin", "principal:ada")] * 2
    assert entries[0].before is None
    assert entries[1].before is not None
    assert entries[1].after is not None
    assert entries[1].before["roles"] == ["accounting"]
    assert entries[1].after["roles"] == ["accounting", "trustee"]
    listed = (await site.admin.get("/principals")).json()["items"]
    assert [p["id"] for p in listed] == ["ada", "admin", "service-scheduler"]


async def test_principals_that_cannot_be_are_refused(site: Site) -> None:
    impossible: list[tuple[str, dict[str, object]]] = [
        ("Ada!", {"name": "Ada"}),
        ("ada", {}),
        ("ada", {"name": "Ada", "clients": ["../beta"]}),
        ("ada", {"name": "Ada", "clients": ["a/b"]}),
        ("ada", {"name": "Ada", "roles": ["a role"]}),
        ("ada", {"name": "Ada", "roles": ["acounting"]}),
        ("ada", {"name": "Ada", "role": ["accounting"]}),
    ]
    for id, body in impossible:
        response = await site.admin.put(f"/principals/{id}", json=body)
        assert response.status_code == 422, (id, body)
        assert response.json()["errors"], (id, body)


async def test_an_unknown_role_is_refused_with_the_known_ones_named(site: Site) -> None:
    body = {"name": "Ada", "roles": ["acounting", "clerk"]}
    for method, path, extra in (("PUT", "/principals/ada", {}), ("POST", "/principals", {"id": "ada"})):
        refused = await site.admin.request(method, path, json={**body, **extra})
        assert (refused.status_code, refused.json()["code"]) == (422, "role_unknown")
        [error] = refused.json()["errors"]
        assert (error["field"], error["suggestion"]) == ("roles", "accounting")
        assert (
            "known are accounting, administrator, agents-viewer, approvals-viewer, "
            in refused.json()["detail"]
        )
    listed = (await site.admin.get("/principals")).json()["items"]
    assert [p["id"] for p in listed] == ["admin", "service-scheduler"]
    # A role whose job has gone meanwhile does not keep the account from being changed.
    await site.user("ada", roles=("clerk",))
    await database(site, "update principals set roles = '{clerk,gone}' where id = 'ada'")
    kept = await site.admin.put("/principals/ada", json={"name": "A", "roles": ["gone", "clerk"]})
    assert (kept.status_code, sorted(kept.json()["roles"])) == (200, ["clerk", "gone"])
    await site.admin.put("/principals/ada", json={"name": "A", "roles": []})
    assert (await site.admin.put("/principals/ada", json={"name": "A", "roles": ["gone"]})).status_code == 422


async def test_a_token_is_shown_once_and_kept_as_a_hash(site: Site) -> None:
    await site.admin.put("/principals/ada", json={"name": "Ada"})
    issued = await site.admin.post("/tokens", json={"principal": "ada", "name": "laptop", "days": 7})
    assert issued.status_code == 201
    token = issued.json()["token"]
    assert (await site.client(token).get("/me")).json()["id"] == "ada"
    listed = await site.admin.get("/tokens")
    assert token not in listed.text
    [entry] = listed.json()["items"]
    assert (entry["principal"], entry["name"]) == ("ada", "laptop")
    expires = datetime.fromisoformat(entry["expires_at"])
    assert timedelta(days=6.9) < expires - datetime.now(UTC) < timedelta(days=7.1)
    [told] = await site.audited("token_issued")
    assert token not in told.encode().decode()
    missing = await site.admin.post("/tokens", json={"principal": "nobody", "name": "x"})
    assert missing.json()["code"] == "principal_not_found"


async def test_a_revoked_token_opens_nothing_at_once(site: Site) -> None:
    ada = await site.user("ada")
    [token] = (await site.admin.get("/tokens")).json()["items"]
    assert (await ada.get("/me")).status_code == 200
    for _ in range(2):
        assert (await site.admin.delete(f"/tokens/{token['id']}")).status_code == 204
    assert (await ada.get("/me")).json()["code"] == "token_rejected"
    assert len(await site.audited("token_revoked")) == 1
    reasons = [entry.reason for entry in await site.audited("sign_in_rejected")]
    assert reasons == ["the token of ada was revoked"]


async def test_an_expired_token_and_a_deactivated_principal_open_nothing(site: Site) -> None:
    ada, berta = await site.user("ada"), await site.user("berta")
    await database(site, "update tokens set expires_at = now() where principal = 'ada'")
    assert (await ada.get("/me")).status_code == 401
    await site.admin.put("/principals/berta", json={"name": "Berta", "active": False})
    assert (await berta.get("/me")).status_code == 401
    assert (await published(site, "berta")).active is False  # type: ignore[union-attr]


async def test_nobody_gives_what_they_do_not_have(site: Site) -> None:
    tech = await site.user("tech", roles=(TECHNICAL,), clients=("alpha",))
    await site.user("root", roles=(ADMINISTRATOR,), clients=("alpha",))
    await site.user("berta", clients=("beta",))
    attempts = (
        ("PUT", "/principals/tech", {"name": "Tech", "roles": [ADMINISTRATOR]}),
        ("PUT", "/principals/new", {"name": "New", "clients": ["*"]}),
        ("PUT", "/principals/root", {"name": "Root", "active": False}),
        ("PUT", "/principals/berta", {"name": "Berta", "clients": ["alpha"]}),
        ("POST", "/tokens", {"principal": "root", "name": "x"}),
        ("POST", "/tokens", {"principal": "berta", "name": "x"}),
    )
    for method, path, body in attempts:
        response = await tech.request(method, path, json=body)
        assert response.status_code == 403, (method, path)
    for token in (await site.admin.get("/tokens")).json()["items"]:
        if token["principal"] in ("root", "berta"):
            assert (await tech.delete(f"/tokens/{token['id']}")).status_code == 403
    allowed = await tech.put("/principals/new", json={"name": "New", "clients": ["alpha"]})
    assert allowed.status_code == 200
    assert len([e for e in await site.audits("access_refused") if e.principal == "tech"]) == 8


async def test_a_flood_of_wrong_tokens_does_not_flood_the_audit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejections, "AUDITED_PER_MINUTE", 5)
    forger = site.client("forged")
    responses = await asyncio.gather(*(forger.get("/me") for _ in range(50)))
    assert {r.status_code for r in responses} == {401}
    assert len(await site.audits("sign_in_rejected")) <= 10
    # In the next minute it tells how many it left out.
    assert site.server is not None
    assert site.server.gateway is not None
    site.server.gateway.sign_in._rejections.minute -= 1
    await forger.get("/me")
    reason = (await site.audits("sign_in_rejected"))[-1].reason
    assert reason is not None
    assert "45 more" in reason or "40 more" in reason


async def test_a_principal_that_the_bucket_lost_is_published_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.user("ada")
    await site.bus.publish("$KV.principals.ada", b"", headers={"KV-Operation": "DEL"})
    assert await published(site, "ada") is None
    await site.stop_gateway()
    await site.start_gateway()
    async with asyncio.timeout(30):
        while await published(site, "ada") is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_tokens_in_a_wrong_shape_are_refused_as_such(site: Site) -> None:
    for header in ("Basic YTpi", "Bearer", "Token x", "Bearer x y", "Bearer " + "x" * 5000):
        client = httpx.AsyncClient(base_url=f"{site.url}/api/v1", headers={"Authorization": header})
        async with client:
            response = await client.get("/me")
        assert response.status_code in (400, 401), header
        assert site.admin_token not in response.text


async def test_who_writes_to_people_learns_how_and_nobody_else_does(site: Site) -> None:
    await site.user("ada", roles=("accounting",), clients=("alpha",))
    await site.user("ben", roles=("accounting",), clients=("alpha", "beta"))
    contact = {
        "email": "ada@example.com", "language": "de", "absent_from": "2026-12-21",
        "absent_until": "2027-01-04", "substitute": "ben",
    }  # fmt: skip
    assert (await site.admin.get("/principals/ada/contact")).json()["email"] is None
    for _ in range(2):
        told = await site.admin.put("/principals/ada/contact", json=contact)
        assert (told.status_code, told.json()) == (200, contact)
    (entry,) = await site.audits("contact_changed")
    assert (entry.principal, entry.concern) == ("admin", "principal:ada")
    assert entry.after is not None
    assert (entry.after["substitute"], entry.after["email_changed"]) == ("ben", True)
    assert "ada@example.com" not in entry.model_dump_json()

    for wrong, code in (
        ({"email": "ada"}, "request_invalid"),
        ({"absent_from": "2026-12-21"}, "absence_invalid"),
        ({"absent_from": "2026-12-21", "absent_until": "2026-12-20"}, "absence_invalid"),
        ({"substitute": "ada"}, "substitute_unfit"),
        ({"substitute": "nobody"}, "substitute_unfit"),
    ):
        refused = await site.admin.put("/principals/ada/contact", json=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, code), wrong
    await site.admin.put("/principals/robot", json={"name": "Robot", "kind": "service"})
    machine = await site.admin.put("/principals/robot/contact", json={"email": "robot@example.com"})
    assert (machine.status_code, machine.json()["code"]) == (409, "contact_not_for_kind")

    async def people(client: str) -> dict[str, str | None]:
        query = PeopleQuery(client=client)
        told = await site.bus.ask(subjects.query("gateway", "people"), query, People)
        return {
            one.principal.id: one.contact.email
            for one in told.items
            if ADMINISTRATOR not in one.principal.roles
        }

    assert await people("alpha") == {"ada": "ada@example.com", "ben": None}
    assert await people("beta") == {"ben": None}
    await database(site, "update principals set active = false where id = 'ada'")
    assert await people("alpha") == {"ben": None}
