"""The gateway as a process of its own: killed at the worst moments, asked to stop, twice at once."""

import asyncio
import signal

import httpx
import pytest

from deploy.local.ports import free_port
from shared import subjects
from shared.access import Access
from shared.catalogue import catalogue
from shared.events import Requested, decode_run_event
from shared.ids import new_id
from shared.words import Level
from tests.integration.gateway.site import TESTER, Site, answering

PDF = b"%PDF-1.7\n" + b"x" * 300

_KILL = "import os, signal; KILL = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
_RUN = "\nfrom services.gateway.app import main; main()"


async def uploaded(site: Site) -> int:
    return len(await site.bus.read(subjects.EVENTS, "event.document.uploaded"))


async def test_two_gateways_take_the_same_upload_at_once(bare_site: Site) -> None:
    site = bare_site
    other_port = free_port()
    await site.spawn_gateway()
    await site.spawn_gateway(http_port=other_port)
    one = site.admin
    two = httpx.AsyncClient(base_url=f"http://127.0.0.1:{other_port}/api/v1", headers=one.headers)
    async with two:
        await answering(one)
        await answering(two)
        for number in range(5):
            content = PDF + str(number).encode()
            responses = await asyncio.gather(
                *(c.post("/documents", files={"file": ("a.pdf", content)}) for c in (one, two) * 4)
            )
            assert sorted(r.status_code for r in responses) == [200] * 7 + [201]
            assert len({r.json()["files"][0]["event_id"] for r in responses}) == 1
    await asyncio.sleep(1.2)
    assert await uploaded(site) == 5


async def test_a_start_that_was_killed_after_its_publish_is_found_by_its_key(bare_site: Site) -> None:
    site = bare_site
    access = Access(module="desk", level=Level.GENERAL, roles=frozenset({TESTER}))
    process = await site.spawn_gateway(
        "-c",
        _KILL
        + """
from shared.bus import Bus
publish = Bus.publish
async def killed(self, subject, *args, **options):
    sequence = await publish(self, subject, *args, **options)
    if subject.startswith("run."):
        KILL()
    return sequence
Bus.publish = killed"""
        + _RUN,
    )
    await answering(site.admin)
    await site.offer("desk.one", access=access)
    key = {"Idempotency-Key": str(new_id())}
    with pytest.raises(httpx.TransportError):
        await site.admin.post("/jobs/desk.one/runs", json={}, headers=key)
    await process.wait()
    await site.spawn_gateway()
    await answering(site.admin)
    again = await site.admin.post("/jobs/desk.one/runs", json={}, headers=key)
    assert again.status_code == 200
    assert again.json()["existing"]
    messages = await site.bus.read(subjects.RUNS, "run.desk.>")
    events = [decode_run_event(message.data) for message in messages]
    assert [type(event) for event in events] == [Requested]


async def test_a_changed_principal_reaches_the_bucket_after_a_kill(bare_site: Site) -> None:
    site = bare_site
    process = await site.spawn_gateway(
        "-c",
        _KILL
        + """
from shared.bus import Bus
publish = Bus.publish
async def killed(self, subject, *args, **options):
    if subject == "$KV.principals.ada":
        KILL()
    return await publish(self, subject, *args, **options)
Bus.publish = killed"""
        + _RUN,
    )
    await answering(site.admin)
    with pytest.raises(httpx.TransportError):
        await site.admin.put("/principals/ada", json={"name": "Ada", "roles": ["clerk"]})
    await process.wait()
    await site.spawn_gateway()
    await answering(site.admin)
    async with asyncio.timeout(30):
        while not await site.bus.read("KV_principals", "$KV.principals.ada"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    [entry] = await site.audited("principal_changed")
    assert entry.concern == "principal:ada"


async def test_sigterm_ends_streams_and_waits_and_then_the_process(bare_site: Site) -> None:
    site = bare_site
    await site.start("status")
    process = await site.spawn_gateway()
    await answering(site.admin)
    await site.offer("desk.slow")
    started = (await site.admin.post("/jobs/desk.slow/runs", json={})).json()
    place = f"/runs/{started['run_id']}"
    asked = {"at_least": started["sequence"]}
    waiting = asyncio.create_task(site.admin.get(place, params={**asked, "wait": 30}))
    async with site.admin.stream("GET", f"{place}/events", params=asked) as stream:
        lines = stream.aiter_lines()
        await anext(lines)
        await asyncio.sleep(0.3)
        code = await process.end(signal.SIGTERM)
        rest = [line async for line in lines]
    assert code == 0
    assert "event: end" not in rest
    answer = await waiting
    assert answer.status_code == 200
    assert answer.json()["state"] == "queued"


async def test_a_taken_port_is_named_at_start(bare_site: Site) -> None:
    site = bare_site
    listener = await asyncio.start_server(lambda r, w: None, "127.0.0.1", site.port)
    process = await site.spawn_gateway()
    assert await process.wait() == 1
    listener.close()


async def test_the_catalogue_of_a_gateway_is_empty(bare_site: Site) -> None:
    """It offers no job, so it must not retire those of others at its start."""
    site = bare_site
    await site.start("lab")
    await site.start_gateway()
    entries = await catalogue(site.bus).all()
    assert entries
    assert not any(entry.retired for entry in entries.values())
