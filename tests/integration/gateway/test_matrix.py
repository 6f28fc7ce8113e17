"""Every route and every job, with everybody who may knock, for their own client and another."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from services.gateway.identity import rejections
from services.gateway.identity.core import csrf_token
from shared.access import ADMINISTRATOR, APPROVALS_VIEWER, TECHNICAL
from tests.integration.gateway.jobs import JOBS, SEEN_BY_ALL, declared_jobs
from tests.integration.gateway.knocks import Knock, is_of_a_client, is_page
from tests.integration.gateway.site import Site
from tests.integration.gateway.world import ASKERS, FOREIGN, NOBODYS, OWN, World, world_on
from tests.support.routes import RouteFacts, every_route
from tests.support.servers import PostgresServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLOSED = [route for route in every_route() if route.scopes is not None]


def name_of(route: RouteFacts) -> str:
    return f"{route.method} {route.path}"


def read_table() -> dict[str, dict[str, tuple[str, str]]]:
    """Route -> asker -> what is answered for the own client and for another."""
    table: dict[str, dict[str, tuple[str, str]]] = {}
    prefix, askers = "", list[str]()
    for line in (Path(__file__).parent / "routes.txt").read_text().splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] in ("under", "pages"):
            prefix = words[1] if len(words) > 1 else ""
        elif line.startswith(" "):
            askers = words
        else:
            method, path, *cells = words
            assert len(cells) == len(askers), line
            halves = [cell.split("/") for cell in cells]
            table[f"{method} {prefix}{path}"] = {
                asker: (own, foreign[0] if foreign else own)
                for asker, (own, *foreign) in zip(askers, halves, strict=True)
            }
    return table


TABLE = read_table()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    servers: tuple[str, str], postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    url, database = servers
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rejections, "AUDITED_PER_MINUTE", 1_000_000)
        async with Site(url, postgres, database, folder) as site, world_on(site, folder) as made:
            yield made


async def test_each_route_has_its_row() -> None:
    """A new route is not there until somebody has said in `routes.txt` what it answers to whom."""
    assert {name_of(route) for route in CLOSED} == set(TABLE)
    assert {asker for row in TABLE.values() for asker in row} == set(ASKERS)


async def test_each_route_answers_as_it_should(world: World) -> None:
    wrong = await asyncio.gather(*(ask_everywhere(world, asker) for asker in ASKERS))
    assert not any(wrong), "\n".join(line for lines in wrong for line in lines)


async def ask_everywhere(world: World, asker: str) -> list[str]:
    """What is not as it should be."""
    wrong: list[str] = []
    for route in CLOSED:
        own, foreign = TABLE[name_of(route)][asker]
        for client, cell in ((OWN, own), (FOREIGN, foreign)):
            if client == FOREIGN and (cell == "scope" or not is_of_a_client(route)):
                continue
            where = f"{name_of(route)} for {asker}, {client}"
            knock = await Knock.of(world, route, asker, world.things[client])
            # No spans are kept here: a trace that there is not is refused to nobody.
            missing_for_all = cell == "404" and "{trace_id}" in route.path
            refusal = cell in ("403", "404", "scope") and not missing_for_all
            before = await world.heard(asker) if refusal else 0
            answer = await knock.send()
            if str(answer.status_code) != cell.replace("scope", "403"):
                wrong.append(f"{where}: {answer.status_code} instead of {cell}: {answer.text[:300]}")
                continue
            if refusal and not (await world.refused(asker, before)).reason:
                wrong.append(f"{where}: the audit does not say why")
            if answer.status_code == 403:
                wrong += [f"{where}: {why}" for why in why_unclear(answer, cell)]
            if client == FOREIGN and answer.status_code < 300:
                told = [id for id in world.things[FOREIGN].ids if id in answer.text]
                wrong += [f"{where}: it tells {told}"] if told else []
            if client == FOREIGN and cell == "404" and asker in ("books", "tech") and not is_page(route):
                other = await Knock.of(world, route, asker, NOBODYS)
                missing = await other.send()
                if plain(missing, other) != plain(answer, knock):
                    wrong.append(f"{where}: {answer.text} tells more than {missing.text}")
    return wrong


def why_unclear(answer: httpx.Response, cell: str) -> list[str]:
    """What a refusal leaves open: the role or scope that is missing, or whose client it is."""
    words = (
        r"lacks the (role|scope) \w|is limited, and may not be used here|does not act for \w"
        # The roles of jobs that one may not see are not named.
        r"|no job takes a file"
    )
    found = re.search(words, answer.text)
    if found is None:
        return [f"it does not say why: {answer.text[:300]}"]
    if cell == "scope" or found[1] is None or "html" in answer.headers["content-type"]:
        return []
    return [] if answer.json().get("roles_wanted") else ["it names no role"]


def plain(answer: httpx.Response, knock: Knock) -> tuple[int, str, list[str]]:
    """Everything by which one could tell what is hidden from what is missing."""
    text = answer.text.replace(answer.json()["trace_id"], "TRACE")
    for id in sorted((*knock.ids, knock.things.client), key=len, reverse=True):
        text = text.replace(id, "ID")
    return answer.status_code, text, sorted(answer.headers)


async def test_nobody_gets_in_anywhere(world: World) -> None:
    """Without anything, with what was never worth anything, and with what is not any more."""
    await world.site.user("gone")
    expired, revoked = await world.token_of("gone"), await world.token_of("gone")
    await world.gateway.pool.execute("update tokens set expires_at = now() where id = $1", expired["id"])
    await world.site.admin.delete(f"/tokens/{revoked['id']}")
    old, idle = await world.cookie_of("gone"), ""
    await world.gateway.pool.execute("update sessions set expires_at = now() where principal = 'gone'")
    idle = await world.cookie_of("gone")
    await world.gateway.pool.execute(
        "update sessions set seen_at = now() - interval '1 day' where principal = 'gone'"
    )
    await world.site.user("off")
    off, out = await world.token_of("off"), await world.cookie_of("off")
    await world.site.admin.put("/principals/off", json={"name": "Off", "active": False})
    tokens = ("forged", expired["token"], revoked["token"], off["token"])
    strangers: list[tuple[str, dict[str, str]]] = [
        ("not_signed_in", {}),
        *(("token_rejected", {"Authorization": f"Bearer {token}"}) for token in tokens),
        *(("session_ended", {"Cookie": f"tagwerk_session={cookie}"}) for cookie in ("x", old, idle, out)),
    ]
    async with httpx.AsyncClient(base_url=world.site.url, timeout=20) as client:

        async def turned_away(number: int, route: RouteFacts) -> None:
            knock = await Knock.of(world, route, "plain", NOBODYS)
            # All of them together take a while; each route meets three, and each of them many routes.
            for code, headers in [strangers[(number + step) % len(strangers)] for step in (0, 3, 6)]:
                answer = await knock.send(client, Accept="application/json", **headers)
                assert (answer.status_code, answer.json()["code"]) == (401, code), (route, headers)
                assert answer.headers["www-authenticate"].startswith("Bearer")
            if is_page(route):
                page = await knock.send(client, Accept="text/html")
                assert page.status_code == 303, route
                assert page.headers["location"].startswith("/sign-in"), route

        await asyncio.gather(*(turned_away(number, route) for number, route in enumerate(CLOSED)))


async def test_a_cookie_alone_changes_nothing_anywhere(world: World) -> None:
    """No form is taken that does not come from a page of this very session."""
    await world.site.user("cora", roles=("accounting",))
    other = csrf_token(await world.cookie_of("plain"))
    unsafe = [route for route in CLOSED if route.method != "GET"]
    assert len(unsafe) > 40
    async with httpx.AsyncClient(base_url=world.site.url, timeout=20) as client:

        async def refused(route: RouteFacts) -> None:
            cookie = await world.cookie_of("cora")
            own = csrf_token(cookie)
            session = {"Cookie": f"tagwerk_session={cookie}", "Accept": "application/json"}
            knock = await Knock.of(world, route, "plain", world.things[OWN])
            forged: tuple[tuple[dict[str, str], str | None], ...] = (
                ({}, None), ({"X-CSRF-Token": other}, own), ({}, other),
                ({"X-CSRF-Token": own, "Origin": "https://evil.example"}, None),
            )  # fmt: skip
            for headers, field in forged:
                answer = await knock.send(client, field=field, **session, **headers)
                assert (answer.status_code, answer.json()["code"]) == (403, "request_forged"), (route, field)
            await world.gateway.sessions.find(cookie)
            # The right one is taken, in the header and in the form.
            for headers, field in (({"X-CSRF-Token": own}, None), ({}, own if is_page(route) else None)):
                if headers or field:
                    answer = await knock.send(client, field=field, **session, **headers)
                    assert answer.status_code != 401 or route.path == "/sign-out", route
                    assert "request_forged" not in answer.text, (route, field)

        before = await world.heard("cora")
        await asyncio.gather(*map(refused, unsafe))
        await world.heard("cora")
        told = [
            entry for entry in world.refusals["cora"][before:] if ", from 127.0.0.1" in (entry.reason or "")
        ]
        assert len(told) == 4 * len(unsafe), "each of them is told"


@pytest.mark.parametrize(
    "role",
    [None, ADMINISTRATOR, TECHNICAL, APPROVALS_VIEWER, "accounting", "trustee", "uploader", "bank-viewer",
     "documents-viewer", "payments-viewer", "rates-viewer"],
)  # fmt: skip
async def test_every_job_for_a_role(world: World, role: str | None) -> None:
    """In the catalogue and on its pages, before a start and at it, for the own client and another."""
    id = f"role-{role or 'none'}"
    api = await world.site.user(id, roles=(role,) if role else ())
    page = world.site.client(api.headers["Authorization"].removeprefix("Bearer "))
    page.base_url = httpx.URL(world.site.url)
    page.headers["Accept"] = "text/html"
    listed = {job["id"]: job for job in (await api.get("/jobs")).json()["items"]}
    catalogue = (await page.get("/")).text
    for job, (starting, seeing) in JOBS.items():
        starts = role == ADMINISTRATOR or role in starting
        sees = starts or seeing == SEEN_BY_ALL or role in seeing
        shown = 200 if sees else 404
        assert (job in listed) is sees, job
        assert not sees or listed[job]["may_start"] is starts, job
        assert (f'href="/jobs/{job}"' in catalogue) is sees, job
        assert (f'href="/jobs/{job}/start"' in catalogue) is starts, job
        assert (await page.get(f"/jobs/{job}")).status_code == shown, job
        assert (await api.get(f"/jobs/{job}")).status_code == shown, job
        for client in (OWN, FOREIGN):
            # What is wrong with the request itself is told to those who may send it.
            body = {"client": client, "parameters": {"no such": 1}}
            checked = await api.post(f"/jobs/{job}/preflight", json=body)
            assert checked.status_code == shown, checked.text
            if sees:
                [permission] = [one for one in checked.json()["checks"] if one["check"] == "permission"]
                allowed = starts and client == OWN
                assert (permission["verdict"] == "refused") is not allowed, (job, client, permission)
            before = await world.heard(id)
            started = await api.post(f"/jobs/{job}/runs", json=body)
            if starts and client == OWN:
                assert (started.status_code, started.json()["code"]) == (422, "parameters_invalid")
                continue
            if sees and client == OWN:
                assert (started.status_code, started.json()["roles_wanted"]) == (403, sorted(starting))
            else:
                code = "client_not_found" if sees else "job_not_found"
                assert (started.status_code, started.json()["code"]) == (404, code), job
            await world.refused(id, before)


async def test_every_job_is_named() -> None:
    assert {entry.id for entry in declared_jobs()} == set(JOBS), "name the new job, and who may start it"
