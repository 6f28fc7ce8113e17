"""A cancel or a stop is heard whenever it comes: before the first step, over a lost connection, twice."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from nats.aio.msg import Msg

from shared import bus, subjects
from shared.bus import Bus, Conflict
from shared.events import AttemptFailed, CancelRequested
from shared.words import RunState
from tests.conftest import MakeNatsServer
from tests.support.engine import Engine
from tests.support.servers import NatsServer


@pytest.fixture
def server(make_nats_server: MakeNatsServer) -> NatsServer:
    """A nats-server of the test's own, which it may kill."""
    return make_nats_server()


class SlowStart:
    """Holds the acknowledgement of `started` back, as a slow disk under the bus does."""

    def __init__(self, bus: Bus, delay: float) -> None:
        self._publish, self._delay = bus.publish, delay

    async def __call__(self, subject: str, payload: bytes, **options: object) -> int:
        sequence = await self._publish(subject, payload, **options)  # type: ignore[arg-type]
        if b'"run.started"' in payload:
            await asyncio.sleep(self._delay)
        return sequence


async def test_a_cancel_that_overtakes_the_acknowledgement_of_started_is_heard(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.start()
    lab = engine.service("lab")
    monkeypatch.setattr(lab.bus, "publish", SlowStart(lab.bus, 0.3))
    run = await engine.request("lab.sleep", steps=100, step_seconds=0.05)
    await engine.until("lab.sleep", run.request.run_id, lambda told: "started" in told.types)
    await engine.cancel("lab.sleep", run.request.run_id)
    told = await engine.ended("lab.sleep", run.request.run_id)
    assert told.end.state is RunState.CANCELLED


async def test_a_stop_that_overtakes_the_acknowledgement_of_started_is_heard(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.start("lab")
    lab = engine.service("lab")
    monkeypatch.setattr(lab.bus, "publish", SlowStart(lab.bus, 0.3))
    run = await engine.request("lab.sleep", steps=100, step_seconds=0.05)
    await engine.until("lab.sleep", run.request.run_id, lambda told: "started" in told.types)
    await engine.stop_services()
    told = await engine.told("lab.sleep", run.request.run_id)
    (handed_over,) = (event for event in told.events if isinstance(event, AttemptFailed))
    assert handed_over.failure.code == "worker_stopped"


async def test_a_stop_does_not_wait_for_the_grace_of_a_cancel(engine: Engine) -> None:
    await engine.start("lab", cancel_grace=30.0)
    run = await engine.request("lab.sleep", steps=1, step_seconds=60)
    await engine.until("lab.sleep", run.request.run_id, lambda told: "started" in told.types)
    await engine.cancel("lab.sleep", run.request.run_id)
    await asyncio.sleep(0.1)
    await engine.stop_services()
    # A worker that waited would have been left behind by the stop, and could tell of no end.
    told = await engine.told("lab.sleep", run.request.run_id)
    assert told.end.state is RunState.CANCELLED


async def test_a_cancel_that_a_worker_missed_while_it_was_away_is_heard_when_it_is_back(
    server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    async with Engine(server.url(), database_url, tmp_path) as engine:
        await engine.start("lab")
        run = await engine.request("lab.sleep", steps=200, step_seconds=0.05)
        await engine.until("lab.sleep", run.request.run_id, lambda told: "started" in told.types)
        lab = engine.service("lab")
        # The worker's connection breaks and stays away until the cancel is stored.
        away = asyncio.Event()
        connect = lab.bus.nc._select_next_server

        async def later() -> None:
            await away.wait()
            await connect()

        lab.bus.nc._select_next_server = later  # type: ignore[method-assign]
        lab.bus.nc._transport.close()  # type: ignore[union-attr]
        await asyncio.sleep(0.3)
        assert lab.bus.nc.is_reconnecting
        await engine.cancel("lab.sleep", run.request.run_id)
        await asyncio.sleep(0.1)
        away.set()
        told = await engine.ended("lab.sleep", run.request.run_id)
        assert told.end.state is RunState.CANCELLED


async def test_an_attempt_outlives_an_outage_of_the_bus_and_is_not_begun_again_beside_itself(
    server: NatsServer, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Away for longer than the request waits for a sign of life, a publish for its acknowledgement, and a
    # read for its answer; one run ends in the middle of it, the other after it.
    monkeypatch.setattr(bus, "GIVE_UP_AFTER", 3.0)
    async with Engine(server.url(), database_url, tmp_path) as engine:
        await engine.start("lab")
        runs = [await engine.request("lab.sleep", steps=steps, step_seconds=0.1) for steps in (6, 75)]
        for run in runs:
            await engine.until("lab.sleep", run.request.run_id, lambda told: len(told.records) >= 3)
        server.kill()
        await asyncio.sleep(6)
        server.start()
        for run in runs:
            told = await engine.ended("lab.sleep", run.request.run_id)
            assert told.end.state is RunState.SUCCEEDED
            assert told.attempts == [1]


async def test_a_cancel_read_after_a_conflict_with_one_s_own_started_is_heard(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.start("lab")
    lab = engine.service("lab")
    publish = lab.bus.publish

    async def lose_the_acknowledgement(subject: str, payload: bytes, **options: Any) -> int:
        sequence = await publish(subject, payload, **options)
        if b'"run.started"' in payload:
            # Sent again, and refused. Meanwhile somebody cancelled, and nobody heard it.
            cancel = CancelRequested(run_id=subjects.parse_run_subject(subject).run_id, principal="ada")
            await publish(subject, cancel.encode(), msg_id=str(cancel.id))
            raise Conflict("wrong last sequence")
        return sequence

    monkeypatch.setattr(lab.bus, "publish", lose_the_acknowledgement)
    told = await engine.run("lab.sleep", steps=200, step_seconds=0.05)
    assert told.end.state is RunState.CANCELLED
    assert told.attempts == [1]


async def test_a_job_that_turns_its_end_into_another_error_is_handed_over_all_the_same(
    engine: Engine,
) -> None:
    await engine.start("lab")
    run = await engine.request("lab.disguise")
    await engine.until("lab.disguise", run.request.run_id, lambda told: "started" in told.types)
    await engine.stop_services()
    told = await engine.told("lab.disguise", run.request.run_id)
    assert told.types == ["requested", "started", "attempt_failed"]


async def test_a_job_that_awaits_something_cancelled_fails_and_counts_as_no_crash(engine: Engine) -> None:
    await engine.start("lab")
    told = await engine.run("lab.await-cancelled")
    assert told.attempts == [1]
    assert told.end.failure is not None
    assert told.end.failure.code == "unexpected_error"


async def test_a_job_that_never_waits_does_not_hold_up_the_others(engine: Engine) -> None:
    await engine.start("lab")
    ended = asyncio.Event()

    async def hear(msg: Msg) -> None:
        if b'"run.finished"' in msg.data:
            ended.set()

    await engine.bus.nc.subscribe("run.lab.rush.*.ev", cb=hear)
    rush = await engine.request("lab.rush", count=150_000)
    await asyncio.wait_for(ended.wait(), 60)
    told = await engine.told("lab.rush", rush.request.run_id)
    assert told.end.state is RunState.SUCCEEDED
    *items, turns = told.records
    assert len(items) == 150_000
    assert int(turns.key.removeprefix("turns:")) >= 5
