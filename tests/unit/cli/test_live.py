"""Following a run over an unreliable line: nothing is lost, nothing comes twice."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cli import live
from cli.client import Gateway
from cli.connection import Connection
from cli.live import StillRunning, wait_for_end
from cli.problems import Problem
from shared.commands import RunDetail
from shared.events import RunEvent
from shared.words import RunState
from tests.unit.cli.examples import RUN, detail, events
from tests.unit.cli.gateway import Asked, CannedGateway, Said, server_sent

EVENTS = f"/runs/{RUN}/events"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PAUSE", 0.01)


def follow(gateway: CannedGateway, timeout: float | None = 10) -> tuple[list[RunEvent], RunDetail]:
    seen: list[RunEvent] = []

    async def body() -> RunDetail:
        async with Gateway(Connection(gateway.url, "secret")) as client:
            return await wait_for_end(client, RUN, seen.append, timeout=timeout)

    return seen, asyncio.run(body())


def in_turn(*answers: Said) -> Callable[[Asked], Said]:
    rest = iter(answers)
    return lambda _: next(rest)


def last_event_ids(gateway: CannedGateway) -> list[str | None]:
    return [asked.headers.get("last-event-id") for asked in gateway.asked if asked.path == EVENTS]


def test_every_event_is_seen_once_and_the_end_is_read(gateway: CannedGateway) -> None:
    gateway.on("GET", EVENTS, Said(pieces=server_sent(events(), end=True)))
    gateway.on("GET", f"/runs/{RUN}", detail())
    seen, run = follow(gateway)
    assert [event.type for event in seen] == [
        "run.requested", "run.started", "run.progressed", "run.finished",
    ]  # fmt: skip
    assert run.state is RunState.PARTIALLY_FAILED
    assert gateway.last.query["at_least"] == ["14"]


def test_an_interrupted_stream_is_taken_up_after_the_last_event(gateway: CannedGateway) -> None:
    everything = events()
    gateway.on(
        "GET",
        EVENTS,
        in_turn(
            Said(pieces=server_sent(everything[:2], end=False)),
            # One that it had sent before comes again.
            Said(pieces=server_sent(everything[1:], end=True)),
        ),
    )
    gateway.on("GET", f"/runs/{RUN}", detail())
    seen, _ = follow(gateway)
    assert [str(event.id)[-2:] for event in seen] == ["0a", "0b", "0c", "0e"]
    assert last_event_ids(gateway) == [None, "11"]


def test_a_run_that_is_not_requested_yet_is_waited_for(gateway: CannedGateway) -> None:
    missing = Said({"title": "Not Found", "status": 404, "code": "run_not_found", "detail": "no"}, 404)
    gateway.on("GET", EVENTS, in_turn(missing, missing, Said(pieces=server_sent(events(), end=True))))
    gateway.on("GET", f"/runs/{RUN}", detail())
    assert follow(gateway)[1].state is RunState.PARTIALLY_FAILED


def test_a_run_that_never_comes_is_a_problem(gateway: CannedGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "APPEARS_WITHIN", 0.05)
    gateway.problem("GET", EVENTS, 404, "run_not_found")
    with pytest.raises(Problem) as raised:
        follow(gateway)
    assert raised.value.failure.code == "run_not_found"


def test_without_streams_the_end_is_polled_for(gateway: CannedGateway) -> None:
    gateway.problem("GET", EVENTS, 429, "too_many_streams", retryable=True)
    states = iter([RunState.RUNNING, RunState.SUCCEEDED])
    gateway.on("GET", f"/runs/{RUN}", lambda _: Said(detail(state=next(states))))
    seen, run = follow(gateway)
    assert seen == []
    assert run.state is RunState.SUCCEEDED
    assert gateway.last.query["wait"] == [str(live.POLL)]


def test_a_passing_hindrance_does_not_end_the_wait(gateway: CannedGateway) -> None:
    gateway.on("GET", EVENTS, Said(pieces=server_sent(events(), end=True)))
    behind = Said(
        {"title": "x", "status": 503, "code": "projection_behind", "detail": "x", "retryable": True}, 503
    )
    gateway.on("GET", f"/runs/{RUN}", in_turn(behind, Said(detail())))
    assert follow(gateway)[1].state is RunState.PARTIALLY_FAILED


def test_a_refusal_ends_the_wait_at_once(gateway: CannedGateway) -> None:
    gateway.problem("GET", EVENTS, 403, "access_refused")
    with pytest.raises(Problem):
        follow(gateway)
    assert len(gateway.asked) == 1


def test_a_timeout_tells_how_the_run_stands(gateway: CannedGateway) -> None:
    gateway.on("GET", EVENTS, Said(pieces=server_sent(events()[:2], end=False)))
    gateway.on("GET", f"/runs/{RUN}", detail(state=RunState.RUNNING))
    with pytest.raises(StillRunning) as raised:
        follow(gateway, timeout=0.3)
    assert raised.value.run is not None
    assert raised.value.run.state is RunState.RUNNING


def test_garbage_in_a_stream_is_passed_over(gateway: CannedGateway) -> None:
    broken: list[Any] = [b"id: 12\nevent: progressed\ndata: {not json\n\n"]
    pieces = server_sent(events()[:2], end=False) + broken + server_sent(events()[4:], end=True)
    gateway.on("GET", EVENTS, Said(pieces=pieces))
    gateway.on("GET", f"/runs/{RUN}", detail())
    assert [event.type for event in follow(gateway)[0]] == ["run.requested", "run.started", "run.finished"]
