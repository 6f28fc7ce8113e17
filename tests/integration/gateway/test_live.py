"""Live events of a run: complete, resumable, over restarts, and without leftovers."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import httpx
import pytest
from httpx_sse import ServerSentEvent, aconnect_sse

from services.gateway import live
from shared import subjects
from shared.events import Finished, Progressed, Requested, RunEvent, Started
from shared.ids import new_id
from shared.subjects import RunSubjects
from shared.words import Lane, RunState, Trigger
from tests.conftest import MakeNatsServer
from tests.integration.gateway.site import Site
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
