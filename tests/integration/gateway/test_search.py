"""One search over everything, and overview, durations and tree, over HTTP and with several askers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.access import Access
from shared.events import Finished, Record, Recorded, Started
from shared.subjects import RunSubjects, query
from shared.words import Level, Outcome, RunState
from tests.integration.gateway.site import Site
from tests.support.servers import PostgresServer

PDF = b"%PDF-1.7\n" + b"x" * 300
IBAN = "CH9300762011623852957"
GENERAL, HIDDEN = "desk.collect-invoices", "desk.secret-cleaning"


@dataclass
class Scene:
    site: Site
    root: httpx.AsyncClient
    clerk: httpx.AsyncClient
    foreign: httpx.AsyncClient
    #: Job -> a run of it for client alpha, with records.
    runs: dict[str, str]
    document: str


@pytest.fixture
async def scene(
    bus_url: str, postgres: PostgresServer, database_name: str, tmp_path: Path
) -> AsyncIterator[Scene]:
    async with Site(bus_url, postgres, database_name, tmp_path) as site:
        await site.offer(GENERAL, title="Collect invoices", on="event.document.uploaded")
        technical = Access(module="desk", level=Level.TECHNICAL, roles=frozenset({"engineer"}))
        await site.offer(HIDDEN, title="Secret cleaning", access=technical)
        await site.start("status", "documents")
        await site.start_gateway()
        root = await site.user("root", roles=("administrator",), clients=("*",))
        clerk = await site.user("clerk", roles=("clerk",))
        foreign = await site.user("foreign", roles=("clerk", "engineer"), clients=("beta",))
        runs = {}
        for job in (GENERAL, HIDDEN):
            answer = await root.post(f"/jobs/{job}/runs", json={"client": "alpha"})
            runs[job] = answer.json()["run_id"]
            await finish(site, job, runs[job])
        uploaded = await clerk.post("/documents", files={"file": ("March Bill.pdf", PDF)})
        document = uploaded.json()["files"][0]["document_id"]
        async with asyncio.timeout(10):
            # Until the documents service knows of it.
            while not await titles(root, "march bill.pdf"):  # noqa: ASYNC110  (nobody tells)
                await asyncio.sleep(0.05)
        yield Scene(site, root, clerk, foreign, runs, document)


async def finish(site: Site, job: str, run_id: str) -> None:
    run: Any = run_id
    records = [
        Record(key=f"invoice:{job}-INV-4711", outcome=Outcome.CREATED),
        Record(key=f"bank-transaction:{IBAN}:{job}", outcome=Outcome.CREATED),
    ]
    for event in (
        Started(run_id=run, attempt=1, worker="w:1"),
        Recorded(run_id=run, attempt=1, records=records),
        Finished(run_id=run, attempt=1, state=RunState.SUCCEEDED),
    ):
        sequence = await site.bus.publish(RunSubjects(job, run).ev, event.encode())
    await site.admin.get("/runs", params={"at_least": sequence})


async def search(client: httpx.AsyncClient, q: str) -> dict[str, Any]:
    answer = await client.get("/search", params={"q": q})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def titles(client: httpx.AsyncClient, q: str) -> list[tuple[str, str]]:
    return [(item["kind"], item["title"]) for item in (await search(client, q))["items"]]


async def test_one_box_finds_runs_records_jobs_and_documents(scene: Scene) -> None:
    run = scene.runs[GENERAL]
    found = await search(scene.clerk, run)
    (item,) = found["items"]
    assert (item["kind"], item["title"], item["id"]) == ("run", "Collect invoices", run)
    assert item["why"] == "the id of the run"
    assert (await scene.clerk.get(item["link"].removeprefix("/api/v1"))).json()["run_id"] == run
    assert found["unanswered"] == []

    assert await titles(scene.clerk, "ch93 0076 2011 6238 5295 7") == [
        ("record", f"bank-transaction:{IBAN}:{GENERAL}")
    ]
    (record,) = (await search(scene.clerk, f"{GENERAL}-INV-4711"))["items"]
    assert record["match"] == "record_key"
    assert record["run_id"] == run
    read = await scene.clerk.get(record["link"].removeprefix("/api/v1"))
    assert [one["key"] for one in read.json()["items"]] == [record["id"]]

    assert await titles(scene.clerk, "invoices collect") == [("job", "Collect invoices")]
    assert (await search(scene.clerk, GENERAL))["items"][0]["match"] == "job_id"
    for typed, match in (
        (scene.document, "document_id"),
        (scene.document[:9], "document_id_beginning"),
        ("MARCH bill.pdf", "file_name"),
        ("march", "file_name_beginning"),
    ):
        (hit,) = [item for item in (await search(scene.clerk, typed))["items"] if item["kind"] == "document"]
        assert (hit["id"], hit["match"], hit["title"]) == (scene.document, match, "March Bill.pdf")


async def test_what_may_not_be_seen_looks_like_what_is_not_there(scene: Scene) -> None:
    nothing = await search(scene.foreign, "there is no such thing")
    assert nothing == {"items": [], "more": False, "unanswered": []}
    for typed in (
        scene.runs[GENERAL], scene.runs[HIDDEN][:8], IBAN, f"{GENERAL}-INV-4711", scene.document,
        scene.document[:8], "March", "March Bill.pdf",
    ):  # fmt: skip
        assert (await search(scene.root, typed))["items"], typed
        found = await search(scene.foreign, typed)
        assert [item for item in found["items"] if item["kind"] != "job"] == [], typed
        assert not found["more"]
    # A job that is not shown, and its runs and records.
    for typed in (scene.runs[HIDDEN], f"{HIDDEN}-INV-4711", "secret", HIDDEN):
        assert await search(scene.clerk, typed) == nothing, typed
        assert (await search(scene.root, typed))["items"], typed


async def test_a_part_that_does_not_answer_is_said(scene: Scene) -> None:
    for service in scene.site._services:
        if service.name == "documents":
            await service.stop()
    found = await search(scene.clerk, scene.runs[GENERAL])
    assert [item["kind"] for item in found["items"]] == ["run"]
    (part,) = found["unanswered"]
    assert part["part"] == "documents"
    assert "documents service" in part["cause"]


async def test_a_slow_part_keeps_nobody_waiting(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.gateway.finding.PATIENCE", 0.2)

    async def hang(_: object) -> None:
        await asyncio.sleep(0)

    for service in scene.site._services:
        if service.name == "documents":
            await service.stop()
    # Somebody who takes the question and says nothing.
    await scene.site.bus.nc.subscribe(query("documents", "search"), cb=hang)
    found = await search(scene.clerk, scene.runs[GENERAL])
    assert [item["kind"] for item in found["items"]] == ["run"]
    assert "did not answer" in found["unanswered"][0]["cause"]


async def test_nonsense_is_refused_at_its_field(scene: Scene) -> None:
    nonsense: list[dict[str, Any]] = [
        {},
        {"q": ""},
        {"q": "   "},
        {"q": "x" * 201},
        {"q": "a\x00b"},
        {"q": "a", "limit": 0},
    ]
    for params in nonsense:
        answer = await scene.clerk.get("/search", params=params)
        assert answer.status_code == 422, params
        assert answer.json()["errors"][0]["field"] in ("q", "limit")
    for odd in ("%", "_", "\\", "'; drop table runs", "\U0010ffff", "a:b:c", "--------"):
        assert (await search(scene.clerk, odd))["items"] == [], odd


async def test_a_token_for_some_jobs_finds_no_documents(scene: Scene) -> None:
    body = {"principal": "clerk", "name": "narrow", "jobs": [GENERAL], "scopes": ["read"]}
    issued = await scene.root.post("/tokens", json=body)
    assert issued.status_code == 201, issued.text
    narrow = scene.site.client(issued.json()["token"])
    assert await titles(narrow, "march bill.pdf") == []
    assert await titles(narrow, scene.runs[GENERAL]) == [("run", "Collect invoices")]


async def test_an_overview_shows_each_asker_their_own(scene: Scene) -> None:
    everything = (await scene.root.get("/overview")).json()
    assert [job["job"] for job in everything["jobs"]] == [GENERAL, HIDDEN]
    assert everything["states"] == {"succeeded": 2}
    mine = (await scene.clerk.get("/overview")).json()
    (job,) = mine["jobs"]
    assert job["job"] == GENERAL
    assert (job["ended"], job["succeeded"]) == (1, 1)
    assert job["typical"] is not None
    assert mine["states"] == job["states"]
    assert job["states"] == {"succeeded": 1}
    assert job["last"]["run_id"] == scene.runs[GENERAL]
    assert job["last"]["counts"] == {"created": 2}
    assert (await scene.foreign.get("/overview")).json() == {"states": {}, "action_required": 0, "jobs": []}
    narrowed = await scene.root.get("/overview", params={"job": HIDDEN, "client": "alpha"})
    assert [one["job"] for one in narrowed.json()["jobs"]] == [HIDDEN]


async def test_durations_and_tree_follow_job_and_client(scene: Scene) -> None:
    found = await scene.clerk.get(f"/jobs/{GENERAL}/durations")
    assert [one["run_id"] for one in found.json()["items"]] == [scene.runs[GENERAL]]
    assert (await scene.foreign.get(f"/jobs/{GENERAL}/durations")).json() == {"items": []}
    hidden = await scene.clerk.get(f"/jobs/{HIDDEN}/durations")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "job_not_found")
    tree = (await scene.clerk.get(f"/runs/{scene.runs[GENERAL]}/tree")).json()
    assert tree["root"]["run"]["run_id"] == scene.runs[GENERAL]
    gone = await scene.foreign.get(f"/runs/{scene.runs[GENERAL]}/tree")
    assert (gone.status_code, gone.json()["code"]) == (404, "run_not_found")
