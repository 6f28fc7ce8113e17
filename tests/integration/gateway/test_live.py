"""Live events of a run: complete, resumable, over restarts, and without leftovers."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest
from httpx_sse import ServerSentEvent, aconnect_sse

from services.gateway import live
from shared import subjects
from shared.access import Access
from shared.events import Finished, Progressed, Requested, RunEvent, Started
from shared.ids import new_id
from shared.subjects import RunSubjects
from shared.words import Lane, Level, RunState, Trigger
from tests.conftest import MakeNatsServer
from tests.integration.gateway.site import Site
from tests.integration.gateway.test_sessions import csrf, set_password, signed_in
from tests.support.servers import PostgresServer

JOB = "desk.slow"


class Desk:
    """A run that the test itself works on."""

    def __init__(self, site: Site, run_id: UUID) -> None:
        self.site = site
        self.run_id = run_id
        self.subjects = RunSubjects(JOB, run_id)

    @property
    def path(self) -> str:
        return f"/runs/{self.run_id}/events"

    async def say(self, event: RunEvent) -> int:
        return await self.site.bus.publish(self.subjects.ev, event.encode(), msg_id=str(event.id))

    async def start(self) -> int:
        return await self.say(Started(run_id=self.run_id, attempt=1, worker="test:1"))

    async def progress(self, done: int) -> int:
        return await self.say(Progressed(run_id=self.run_id, attempt=1, done=done, total=100))

    async def finish(self, attempt: int = 1) -> int:
        return await self.say(Finished(run_id=self.run_id, attempt=attempt, state=RunState.SUCCEEDED))


async def open_desk(site: Site) -> Desk:
    run_id = new_id()
    request = Requested(
        run_id=run_id, job=JOB, client="alpha", principal="clara", effective_principal="clara",
        trigger=Trigger.MANUAL,
    )  # fmt: skip
    await site.bus.publish(RunSubjects(JOB, run_id).requested(Lane.INTERACTIVE), request.encode())
    return Desk(site, run_id)


@pytest.fixture
async def clara(site: Site) -> httpx.AsyncClient:
    await site.offer(JOB)
    return await site.user("clara", roles=("clerk",))


async def follow(
    client: httpx.AsyncClient, path: str, **options: Any
) -> AsyncGenerator[ServerSentEvent, None]:
    options.setdefault("params", {"wait": 5})
    async with aconnect_sse(client, "GET", path, **options) as source:
        assert source.response.status_code == 200, await source.response.aread()
        async for event in source.aiter_sse():
            yield event
            if event.event == "end":
                return


async def collect(client: httpx.AsyncClient, path: str, **options: Any) -> list[ServerSentEvent]:
    return [event async for event in follow(client, path, **options)]


def names(events: list[ServerSentEvent]) -> list[str]:
    return [event.event for event in events]


async def subscriptions(site: Site) -> int:
    """How many listeners the gateway has on runs, as it knows itself."""
    assert site.server is not None
    assert site.server.gateway is not None
    nc = site.server.gateway.bus.nc
    return sum(1 for s in nc._subs.values() if s.subject.startswith("run."))


async def consumers(site: Site) -> int:
    return len(await site.bus.js.consumers_info(subjects.RUNS))


async def test_history_comes_first_then_what_happens_then_the_end(
    site: Site, clara: httpx.AsyncClient
) -> None:
    desk = await open_desk(site)
    await desk.start()
    seen: list[ServerSentEvent] = []
    async with aclosing(follow(clara, desk.path)) as events:
        async for event in events:
            seen.append(event)
            if event.event == "started":
                await desk.progress(1)
            if event.event == "progressed":
                await desk.finish()
    assert names(seen) == ["requested", "started", "progressed", "finished", "end"]
    sequences = [int(event.id) for event in seen[:-1]]
    assert sequences == sorted(set(sequences))
    assert json.loads(seen[2].data)["done"] == 1
    assert json.loads(seen[2].data)["type"] == "run.progressed"


async def test_a_live_event_arrives_at_once(
    site: Site, clara: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only at the next look, which is an hour away."""
    monkeypatch.setattr(live, "LOOK_EVERY", 3600.0)
    desk = await open_desk(site)
    async with aclosing(follow(clara, desk.path)) as events:
        await anext(events)
        # Until it has stopped looking for what may have come meanwhile.
        await asyncio.sleep(0.5)
        for number in range(5):
            await desk.progress(number)
            assert (await anext(events)).event == "progressed"


async def test_a_client_that_comes_back_misses_nothing_and_gets_nothing_twice(
    site: Site, clara: httpx.AsyncClient
) -> None:
    desk = await open_desk(site)
    await desk.start()
    for number in range(10):
        await desk.progress(number)
    await desk.finish()
    seen: list[str] = []
    last: dict[str, str] = {}
    # It loses its connection after every third event.
    for _ in range(6):
        events = follow(clara, desk.path, headers=last)
        async with aclosing(events):
            for _ in range(3):
                event = await anext(events, None)
                if event is None or event.event == "end":
                    break
                seen.append(event.id)
                last = {"Last-Event-ID": event.id}
    stored = await site.bus.read(subjects.RUNS, desk.subjects.all)
    assert seen == [str(message.sequence) for message in stored]


async def test_a_client_that_has_seen_everything_gets_the_end_only(
    site: Site, clara: httpx.AsyncClient
) -> None:
    desk = await open_desk(site)
    await desk.start()
    last = await desk.finish()
    await clara.get(f"/runs/{desk.run_id}", params={"at_least": last, "wait": 5})
    assert names(await collect(clara, desk.path, params={"after": last})) == ["end"]


async def test_the_end_that_a_stale_attempt_tells_is_not_the_end(
    site: Site, clara: httpx.AsyncClient
) -> None:
    desk = await open_desk(site)
    await desk.start()
    await desk.say(Started(run_id=desk.run_id, attempt=2, worker="test:2", crashes=1))
    await desk.finish(attempt=1)
    seen = []
    async with aclosing(follow(clara, desk.path)) as events:
        for _ in range(4):
            seen.append(await anext(events))
        await desk.finish(attempt=2)
        seen += [event async for event in events]
    assert names(seen) == ["requested", "started", "started", "finished", "finished", "end"]


async def test_what_cannot_be_read_is_told_and_the_others_go_on(site: Site, clara: httpx.AsyncClient) -> None:
    desk = await open_desk(site)
    await site.bus.publish(desk.subjects.ev, b"no json")
    unknown = {"type": "run.dreamt", "id": str(new_id()), "run_id": str(desk.run_id), "attempt": 1}
    await site.bus.publish(desk.subjects.ev, json.dumps(unknown, indent=1).encode())
    await desk.start()
    await desk.finish()
    seen = await collect(clara, desk.path)
    assert names(seen) == ["requested", "undecodable", "dreamt", "started", "finished", "end"]
    assert json.loads(seen[2].data) == unknown


async def test_events_that_the_stream_has_dropped_come_from_the_archive(
    site: Site, clara: httpx.AsyncClient
) -> None:
    desk = await open_desk(site)
    await desk.start()
    last = await desk.progress(1)
    await clara.get("/runs", params={"at_least": last})
    for sequence in range(1, last + 1):
        await site.bus.js.delete_msg(subjects.RUNS, sequence)
    await desk.finish()
    seen = await collect(clara, desk.path)
    assert names(seen) == ["requested", "started", "progressed", "finished", "end"]
    seen = await collect(clara, desk.path, headers={"Last-Event-ID": "2"})
    assert names(seen) == ["progressed", "finished", "end"]


async def test_a_silent_stream_gives_signs_of_life(
    site: Site, clara: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.2)
    monkeypatch.setattr(live, "LOOK_EVERY", 0.1)
    desk = await open_desk(site)
    async with clara.stream("GET", desk.path, params={"wait": 5}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        seen = ""
        async with asyncio.timeout(30):
            async for text in response.aiter_text():
                seen += text
                if seen.count(": heartbeat") >= 2:
                    break


async def test_clients_that_go_away_leave_nothing_behind(site: Site, clara: httpx.AsyncClient) -> None:
    assert site.server is not None
    assert site.server.gateway is not None
    streams = site.server.gateway.live
    desk = await open_desk(site)
    before = await consumers(site)
    for _ in range(10):
        async with aclosing(follow(clara, desk.path)) as events:
            await anext(events)
            assert await consumers(site) == before
    async with asyncio.timeout(30):
        while streams.open or await subscriptions(site):  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.02)


async def test_all_who_watch_a_run_share_one_subscription(site: Site, clara: httpx.AsyncClient) -> None:
    desk = await open_desk(site)
    watching = [follow(clara, desk.path) for _ in range(20)]
    seen = [[await anext(events)] for events in watching]
    assert await subscriptions(site) == 1
    await desk.start()
    await watching[0].aclose()
    await desk.finish()
    rest = await asyncio.gather(*(_rest(events) for events in watching[1:]))
    for first, others in zip(seen[1:], rest, strict=True):
        assert names([*first, *others]) == ["requested", "started", "finished", "end"]


async def _rest(events: AsyncGenerator[ServerSentEvent, None]) -> list[ServerSentEvent]:
    return [event async for event in events]


async def test_streams_of_one_principal_are_limited(
    site: Site, clara: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STREAMS_PER_PRINCIPAL", 2)
    desk = await open_desk(site)
    async with aclosing(follow(clara, desk.path)) as one, aclosing(follow(clara, desk.path)) as two:
        await anext(one)
        await anext(two)
        third = await clara.get(desk.path)
        assert third.status_code == 429
        assert third.json()["code"] == "too_many_streams"
        carl = await site.user("carl", roles=("clerk",))
        async with aclosing(follow(carl, desk.path)) as three:
            await anext(three)


async def test_a_stream_ends_with_what_it_was_opened_with(
    site: Site, clara: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed out, revoked, expired, deactivated, or without the client: within a look."""
    monkeypatch.setattr(live, "CHECK_EVERY", 0.1)
    desk = await open_desk(site)
    await clara.get(f"/runs/{desk.run_id}", params={"wait": 5, "at_least": 1})
    clerk = {"name": "X", "roles": ["clerk"], "clients": ["alpha"]}

    async def pool(statement: str) -> None:
        assert site.server is not None
        assert site.server.gateway is not None
        await site.server.gateway.pool.execute(statement)

    async def session_of(id: str) -> httpx.AsyncClient:
        await site.admin.put(f"/principals/{id}", json=clerk)
        await set_password(site, id)
        browser = await signed_in(site, id)
        browser.base_url = httpx.URL(f"{site.url}/api/v1")
        return browser

    async def sign_out(browser: httpx.AsyncClient) -> None:
        await browser.post(f"{site.url}/sign-out", headers=csrf(browser))

    async def revoke(id: str) -> None:
        for token in (await site.admin.get("/tokens")).json()["items"]:
            if token["principal"] == id:
                await site.admin.delete(f"/tokens/{token['id']}")

    tokens: dict[str, Callable[[str], Awaitable[Any]]] = {
        "gil": revoke,
        "hal": lambda id: pool(f"update tokens set expires_at = now() where principal = '{id}'"),
        "ida": lambda id: site.admin.put(f"/principals/{id}", json={**clerk, "active": False}),
    }
    sessions: dict[str, Callable[[str], Awaitable[Any]] | None] = {
        "ann": None,
        "ben": lambda id: site.admin.delete(f"/principals/{id}/sessions"),
        "cat": lambda id: pool(f"update sessions set expires_at = now() where principal = '{id}'"),
        "dan": lambda id: pool(
            f"update sessions set seen_at = now() - interval '1 day' where principal = '{id}'"
        ),
        "eli": lambda id: site.admin.put(f"/principals/{id}", json={**clerk, "active": False}),
        "fay": lambda id: site.admin.put(f"/principals/{id}", json={**clerk, "clients": ["beta"]}),
    }
    ways: list[tuple[str, httpx.AsyncClient, Callable[[], Awaitable[Any]], str]] = []
    for id, ending in sessions.items():
        browser = await session_of(id)
        end = partial(sign_out, browser) if ending is None else partial(ending, id)
        ways.append((id, browser, end, "run_not_found" if id == "fay" else "session_ended"))
    for id, ending in tokens.items():
        ways.append((id, await site.user(id, roles=("clerk",)), partial(ending, id), "token_rejected"))
    for id, client, end_it, code in ways:
        async with asyncio.timeout(20), aclosing(follow(client, desk.path)) as events:
            assert (await anext(events)).event == "requested", id
            await end_it()
            rest = [event async for event in events]
        assert names(rest) == ["closed"], id
        told = json.loads(rest[0].data)
        assert (told["code"], bool(told["next_step"])) == (code, True), id
        again = await client.get(desk.path, headers={"Accept": "text/event-stream"})
        assert again.json()["code"] == ("not_signed_in" if id == "ann" else code)


async def test_a_stream_ends_when_its_job_is_not_to_be_seen_any_more(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CHECK_EVERY", 0.1)
    await site.offer(JOB, access=Access(module="desk", level=Level.OPERATIONAL, roles=frozenset({"clerk"})))
    desk = await open_desk(site)
    clara = await site.user("clara", roles=("desk-viewer",))
    await site.admin.get(f"/runs/{desk.run_id}", params={"at_least": 1})
    async with asyncio.timeout(20), aclosing(follow(clara, desk.path)) as events:
        assert (await anext(events)).event == "requested"
        # A changed secret, and another role that sees it, end nothing.
        body = {"name": "Clara", "clients": ["alpha"]}
        await site.admin.put("/principals/clara", json={**body, "roles": ["clerk"]})
        await desk.start()
        assert (await anext(events)).event == "started"
        await site.admin.put("/principals/clara", json={**body, "roles": []})
        rest = [event async for event in events]
    assert names(rest) == ["closed"]
    assert json.loads(rest[0].data)["code"] == "run_not_found"


async def test_a_foreign_run_has_no_stream(site: Site, clara: httpx.AsyncClient) -> None:
    desk = await open_desk(site)
    stranger = await site.user("sam", roles=("clerk",), clients=("beta",))
    assert (await clara.get(f"/runs/{desk.run_id}", params={"at_least": 1})).status_code == 200
    assert (await stranger.get(desk.path)).status_code == 404


async def test_a_stop_ends_streams_and_the_client_goes_on_where_it_was(
    site: Site, clara: httpx.AsyncClient
) -> None:
    desk = await open_desk(site)
    await desk.start()
    events = follow(clara, desk.path)
    seen = [await anext(events), await anext(events)]
    await site.stop_gateway()
    # Cut off by the server instead, it would end in the middle of an answer, which is an error.
    assert [event async for event in events] == []
    await desk.finish()
    await site.start_gateway()
    rest = await collect(clara, desk.path, headers={"Last-Event-ID": seen[-1].id})
    assert names(seen + rest) == ["requested", "started", "finished", "end"]


async def test_a_stream_goes_on_over_a_restart_of_nats_server(
    make_nats_server: MakeNatsServer, postgres: PostgresServer, database_name: str, tmp_path: Any
) -> None:
    server = make_nats_server(sync="always")
    async with Site(server.url(), postgres, database_name, tmp_path) as site:
        await site.start("status")
        await site.start_gateway()
        await site.offer(JOB)
        clara = await site.user("clara", roles=("clerk",))
        desk = await open_desk(site)
        await desk.start()
        seen: list[ServerSentEvent] = []
        async with asyncio.timeout(40), aclosing(follow(clara, desk.path)) as events:
            async for event in events:
                seen.append(event)
                if event.event == "started":
                    await asyncio.to_thread(server.kill)
                    await asyncio.sleep(0.5)
                    server.start()
                    await desk.progress(7)
                if event.event == "progressed":
                    await desk.finish()
        assert names(seen) == ["requested", "started", "progressed", "finished", "end"]
