"""Runs, documents and the platform with every kind of principal: what may be seen, done, or is not there.
That no route is left out is in `test_routes.py`."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared import subjects
from shared.access import Access
from shared.events import Finished, Record, Recorded, Started
from shared.subjects import RunSubjects
from shared.words import Level, Outcome, RunState
from tests.integration.gateway.site import Site
from tests.support.servers import PostgresServer

PDF = b"%PDF-1.7\n" + b"x" * 300

TAKES_A_FILE = {"type": "object", "properties": {"file": {"type": "string", "format": "incoming-file"}}}

GENERAL, OPERATIONAL, TECHNICAL = "desk.general", "desk.operational", "desk.technical"

PRINCIPALS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # id -> (roles, clients)
    "root": (("administrator",), ("*",)),
    "tech": (("technical",), ("alpha",)),
    "oper": (("operator",), ("alpha",)),
    "viewer": (("desk-viewer",), ("alpha",)),
    "clerk": (("clerk",), ("alpha",)),
    "plain": ((), ("alpha",)),
    "foreign": (("clerk", "operator", "technical"), ("beta",)),
    "powerless": (("administrator",), ("beta",)),
}

#: What each principal gets, in this order: root, tech, oper, viewer, clerk, plain, foreign, powerless.
ORDER = tuple(PRINCIPALS)

OK, NO, GONE, TAKEN, CONFLICT = 200, 403, 404, 202, 409


@dataclass
class Scene:
    """A run of client alpha of each kind of job, all ended with a failed record, and one that goes on."""

    site: Site
    clients: dict[str, httpx.AsyncClient]
    ended: dict[str, str]
    going: dict[str, str]
    document: str
    last: int


@pytest.fixture
async def scene(
    bus_url: str, postgres: PostgresServer, database_name: str, tmp_path: Path
) -> AsyncIterator[Scene]:
    async with Site(bus_url, postgres, database_name, tmp_path) as site:
        levels = {
            GENERAL: (Level.GENERAL, "clerk"),
            OPERATIONAL: (Level.OPERATIONAL, "operator"),
            TECHNICAL: (Level.TECHNICAL, "engineer"),
        }
        for id, (level, role) in levels.items():
            access = Access(module="desk", level=level, roles=frozenset({role}))
            general = id == GENERAL
            on, parameters = ("event.document.uploaded", TAKES_A_FILE) if general else (None, {})
            await site.offer(id, access=access, on=on, parameters=parameters)
        await site.start("status", "documents")
        await site.start_gateway()
        clients = {
            id: await site.user(id, roles=roles, clients=clients)
            for id, (roles, clients) in PRINCIPALS.items()
        }
        ended: dict[str, str] = {}
        going: dict[str, str] = {}
        last = 0
        for id in levels:
            for runs in (ended, going):
                answer = await clients["root"].post(f"/jobs/{id}/runs", json={"client": "alpha"})
                assert answer.status_code == 202, answer.text
                runs[id], last = answer.json()["run_id"], answer.json()["sequence"]
            last = await end(site, id, ended[id])
        uploaded = await clients["clerk"].post("/documents", files={"file": ("a.pdf", PDF)})
        document = uploaded.json()["files"][0]["document_id"]
        yield Scene(site, clients, ended, going, document, last)


async def end(site: Site, job: str, run_id: str) -> int:
    run: Any = run_id
    subject = RunSubjects(job, run)
    failure = {"code": "record_invalid", "cause": "bad", "next_step": "mend"}
    record = Record.model_validate({"key": "item:1", "outcome": Outcome.FAILED, "failure": failure})
    events = (
        Started(run_id=run, attempt=1, worker="w:1"),
        Recorded(run_id=run, attempt=1, records=[record]),
        Finished(run_id=run, attempt=1, state=RunState.PARTIALLY_FAILED),
    )
    for event in events:
        sequence = await site.bus.publish(subject.ev, event.encode())
    return sequence


JOB = {
    #          root tech  oper  viewer clerk plain foreign powerless
    GENERAL: (OK, OK, OK, OK, OK, OK, OK, OK),
    OPERATIONAL: (OK, GONE, OK, OK, GONE, GONE, OK, OK),
    TECHNICAL: (OK, OK, GONE, GONE, GONE, GONE, OK, OK),
}
#: A run of alpha: as its job, but for who does not act for alpha.
RUN = {
    GENERAL: (OK, OK, OK, OK, OK, OK, GONE, GONE),
    OPERATIONAL: (OK, GONE, OK, OK, GONE, GONE, GONE, GONE),
    TECHNICAL: (OK, OK, GONE, GONE, GONE, GONE, GONE, GONE),
}
#: Starting for alpha, and every other command on its runs.
START = {
    GENERAL: (TAKEN, NO, NO, NO, TAKEN, NO, GONE, GONE),
    OPERATIONAL: (TAKEN, GONE, TAKEN, NO, GONE, GONE, GONE, GONE),
    TECHNICAL: (TAKEN, NO, GONE, GONE, GONE, GONE, GONE, GONE),
}
PLATFORM = (OK, OK, NO, NO, NO, NO, OK, OK)


async def check(
    scene: Scene, wanted: tuple[int, ...], method: str, path: str, *, roles_named: bool = True, **options: Any
) -> None:
    """The route answers as wanted to each principal; what is refused tells nothing of what is there."""
    responses = await asyncio.gather(*(scene.clients[id].request(method, path, **options) for id in ORDER))
    assert dict(zip(ORDER, (r.status_code for r in responses), strict=True)) == dict(
        zip(ORDER, wanted, strict=True)
    ), (method, path)
    for response in responses:
        if response.status_code == NO:
            assert response.json()["code"] == "access_refused"
            assert response.json().get("roles_wanted") or not roles_named


def commands(statuses: tuple[int, ...], done: int) -> tuple[int, ...]:
    return tuple(done if status == TAKEN else status for status in statuses)


async def test_jobs_are_shown_and_started_by_level_role_and_client(scene: Scene) -> None:
    for job, wanted in JOB.items():
        await check(scene, wanted, "GET", f"/jobs/{job}")
    for job, wanted in START.items():
        await check(scene, wanted, "POST", f"/jobs/{job}/runs", json={"client": "alpha"})
    for index, id in enumerate(ORDER):
        listed = [job["id"] for job in (await scene.clients[id].get("/jobs")).json()["items"]]
        visible = [job for job, wanted in JOB.items() if wanted[index] == OK]
        assert [job for job in listed if job in JOB] == sorted(visible), id


async def test_runs_and_their_lists_follow_job_and_client(scene: Scene) -> None:
    await scene.clients["root"].get("/runs", params={"at_least": scene.last})
    for job, wanted in RUN.items():
        place = f"/runs/{scene.ended[job]}"
        for list in ("", "/records", "/calls", "/changes", "/logs", "/history", "/events", "/tree"):
            await check(scene, wanted, "GET", place + list)
    for index, id in enumerate(ORDER):
        page = await scene.clients[id].get("/runs", params={"at_least": scene.last})
        seen = {run["job"] for run in page.json()["items"]}
        assert seen == {job for job, wanted in RUN.items() if wanted[index] == OK}, id
        records = await scene.clients[id].get("/records", params={"key": "item:1"})
        assert {r["job"] for r in records.json()["items"]} == seen, id


async def test_commands_on_a_run_need_the_role_to_start_it(scene: Scene) -> None:
    await scene.clients["root"].get("/runs", params={"at_least": scene.last})
    decision = {"effect": "x", "decision": "happened", "reason": "because"}
    for job, wanted in START.items():
        ended, going = f"/runs/{scene.ended[job]}", f"/runs/{scene.going[job]}"
        await check(scene, commands(wanted, TAKEN), "POST", f"{going}/cancel")
        await check(scene, commands(wanted, CONFLICT), "POST", f"{ended}/cancel")
        await check(scene, commands(wanted, TAKEN), "POST", f"{ended}/rerun", json={"only": "failed"})
        # Nobody answers for the ledger of a service that does not run.
        await check(scene, commands(wanted, 503), "POST", f"{ended}/decisions", json=decision)


async def test_documents_follow_the_client(scene: Scene) -> None:
    wanted = (OK, OK, OK, OK, OK, OK, GONE, GONE)
    await check(scene, wanted, "GET", f"/documents/{scene.document}")
    await check(scene, wanted, "GET", f"/documents/{scene.document}/chain")
    await check(scene, wanted, "GET", f"/documents/{scene.document}/files/original")
    uploads = (OK, NO, NO, NO, OK, NO, GONE, GONE)
    files, form = {"file": ("a.pdf", PDF)}, {"client": "alpha"}
    await check(scene, uploads, "POST", "/documents", files=files, data=form)
    # All at once: the first is new, and nobody can tell which was.
    files = {"file": ("a.xml", b"<Document/>")}
    await scene.clients["root"].post("/files", files=files, data=form)
    await check(scene, uploads, "POST", "/files", files=files, data=form)


async def test_the_platform_is_for_technical_administrators(scene: Scene) -> None:
    for path in ("/dead-letters", "/tokens", "/principals"):
        await check(scene, PLATFORM, "GET", path)
    await check(scene, tuple(GONE if s == OK else s for s in PLATFORM), "POST", "/dead-letters/99/replay")
    await check(scene, PLATFORM, "POST", "/rebuild")
    some_id = "01a2052e-b8ae-7063-93b0-fc7300436afe"
    await check(scene, tuple(GONE if s == OK else s for s in PLATFORM), "DELETE", f"/tokens/{some_id}")
    # Nobody gives a client that they do not have themselves.
    body = {"name": "New", "clients": ["alpha"]}
    token = {"principal": "plain", "name": "test"}
    issued = (201, 201, NO, NO, NO, NO, NO, NO)
    await check(scene, issued, "POST", "/tokens", json=token, roles_named=False)
    for id, status in zip(ORDER, (OK, OK, NO, NO, NO, NO, NO, NO), strict=True):
        assert (await scene.clients[id].put("/principals/new", json=body)).status_code == status, id


async def test_a_hidden_run_looks_like_a_missing_one_and_is_audited(scene: Scene) -> None:
    await scene.clients["root"].get("/runs", params={"at_least": scene.last})
    hidden, missing = scene.ended[GENERAL], "01a2052e-b8ae-7063-93b0-fc7300436afe"
    foreign = scene.clients["foreign"]
    routes = [
        ("GET", list)
        for list in ("", "/records", "/calls", "/changes", "/logs", "/history", "/events", "/tree")
    ]
    routes += [("POST", "/cancel"), ("POST", "/rerun"), ("POST", "/decisions")]
    for method, list in routes:
        options: dict[str, Any] = {}
        if method == "POST":
            body = {"effect": "x", "decision": "happened", "reason": "because"} if "decis" in list else {}
            options = {"json": body}
        one = await foreign.request(method, f"/runs/{hidden}{list}", **options)
        two = await foreign.request(method, f"/runs/{missing}{list}", **options)
        assert plain(one, hidden) == plain(two, missing), list
    entries = [e for e in await scene.site.audited("access_refused", len(routes)) if e.principal == "foreign"]
    assert len(entries) == len(routes)
    assert {e.concern for e in entries} == {f"run:{hidden}"}
    assert {e.client for e in entries} == {"alpha"}


def plain(response: httpx.Response, id: str) -> tuple[int, str, list[str]]:
    """Everything that could tell one from the other."""
    text = response.text.replace(id, "ID").replace(response.json()["trace_id"], "TRACE")
    return response.status_code, text, sorted(response.headers)


async def test_every_refusal_is_an_audit_entry(scene: Scene) -> None:
    plain_user = scene.clients["plain"]
    before = len(await scene.site.audits("access_refused"))
    await plain_user.post(f"/jobs/{GENERAL}/runs", json={})
    await plain_user.get(f"/jobs/{TECHNICAL}")
    await plain_user.get("/dead-letters")
    await plain_user.post(f"/jobs/{GENERAL}/runs", json={"client": "beta"})
    entries = [e for e in (await scene.site.audits("access_refused"))[before:] if e.principal == "plain"]
    assert [(e.principal, e.concern) for e in entries] == [
        ("plain", GENERAL), ("plain", TECHNICAL), ("plain", "dead letters"), ("plain", GENERAL),
    ]  # fmt: skip
    assert all(e.reason for e in entries)
    assert len(await scene.site.bus.read(subjects.AUDIT, "audit.>")) > 4
