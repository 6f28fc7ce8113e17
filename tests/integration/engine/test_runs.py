"""A run from its request to its end, on a real bus and a real database."""

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from shared.clients.retrying import RETRIES
from shared.events import Called, Finished, Logged, Requested, Started
from shared.requests import IdempotencyConflict
from shared.subjects import RunSubjects
from shared.words import CallOutcome, Lane, Outcome, RunState
from tests.support.engine import Engine


async def test_a_run_tells_that_it_was_requested_started_and_finished(engine: Engine) -> None:
    await engine.start("lab")
    told = await engine.run("lab.noop")
    assert told.types == ["requested", "started", "finished"]
    assert told.end.state is RunState.SUCCEEDED
    assert told.attempts == [1]


async def test_records_logs_and_progress_arrive_before_the_end(engine: Engine) -> None:
    await engine.start("lab")
    told = await engine.run("lab.records", count=1200)
    assert [record.key for record in told.records] == [f"item:{n}" for n in range(1, 1201)]
    assert told.types[-1] == "finished"
    assert "progressed" in told.types
    lines = [line for event in told.events if isinstance(event, Logged) for line in event.lines]
    assert [(line.message, line.fields) for line in lines] == [("counting", {"count": 1200})]


async def test_failed_records_make_a_run_partially_failed_and_all_of_them_make_it_failed(
    engine: Engine,
) -> None:
    await engine.start("lab")
    some, every = await asyncio.gather(
        engine.run("lab.records", count=3, fail=[2]), engine.run("lab.records", count=2, fail=[1, 2])
    )
    assert some.end.state is RunState.PARTIALLY_FAILED
    assert some.end.failure is not None
    assert some.end.failure.code == "records_failed"
    assert [record.outcome for record in some.records] == [Outcome.CREATED, Outcome.FAILED, Outcome.CREATED]
    assert every.end.state is RunState.FAILED


async def test_wrong_parameters_end_the_run_with_the_field_named(engine: Engine) -> None:
    await engine.start("lab")
    told = await engine.run("lab.records", count="many")
    assert told.end.state is RunState.FAILED
    assert told.end.failure is not None
    assert told.end.failure.code == "parameters_invalid"
    assert "count" in told.end.failure.cause


async def test_the_same_request_twice_at_the_same_moment_is_one_run(engine: Engine) -> None:
    await engine.start("lab")
    from shared.ids import run_id_of

    run_id = run_id_of("main", "ada", "lab.noop", "key-1")
    both = await asyncio.gather(*(engine.request("lab.noop", run_id=run_id, key="key-1") for _ in range(8)))
    assert sorted(one.existing for one in both) == [False] + [True] * 7
    assert {one.sequence for one in both} == {both[0].sequence}
    told = await engine.ended("lab.noop", run_id)
    assert told.types == ["requested", "started", "finished"]


async def test_the_same_key_with_other_parameters_is_refused(engine: Engine) -> None:
    first = await engine.request("lab.records", key="k", count=1)
    with pytest.raises(IdempotencyConflict):
        await engine.request("lab.records", key="k", run_id=first.request.run_id, count=2)


async def test_a_limit_holds_over_two_workers(engine: Engine, tmp_path: Path) -> None:
    await engine.start("lab")
    await engine.start("lab")
    runs = [await engine.request("lab.limited", folder=str(tmp_path), pause=0.05) for _ in range(10)]
    for run in runs:
        await engine.ended("lab.limited", run.request.run_id)
    at_once = most = 0
    events = sorted(
        (line.split()[::-1] for line in (tmp_path / "log").read_text().splitlines()),
        key=lambda event: float(event[0]),
    )
    for _, sign in events:
        at_once += 1 if sign == "+" else -1
        most = max(most, at_once)
    assert most == 2


async def test_interactive_work_overtakes_a_backlog_of_bulk_work(engine: Engine) -> None:
    slots = 8
    bulk = [await engine.request("lab.sleep", steps=1, step_seconds=0.1, lane=Lane.BULK) for _ in range(48)]
    await engine.start("lab", slots=slots)
    await engine.until("lab.sleep", bulk[0].request.run_id, lambda told: "started" in told.types)
    urgent = await engine.request("lab.sleep", steps=1, step_seconds=0.01)
    for run in (urgent, *bulk):
        assert (await engine.ended("lab.sleep", run.request.run_id)).end.state is RunState.SUCCEEDED
    order = [event.run_id for event in await engine.history("lab.sleep") if isinstance(event, Started)]
    behind = len(order) - 1 - order.index(urgent.request.run_id)
    # It waits for the next free slot, not for those who came before it.
    assert behind >= len(bulk) - 3 * slots


async def test_a_worker_never_holds_more_than_its_slots(engine: Engine) -> None:
    runs = [
        await engine.request("lab.sleep", steps=1, step_seconds=0.03, lane=lane)
        for _ in range(20)
        for lane in Lane
    ]
    await engine.start("lab", slots=4)
    changes: list[tuple[datetime, int]] = []
    for run in runs:
        told = await engine.ended("lab.sleep", run.request.run_id)
        changes += [(event.time, 1) for event in told.events if isinstance(event, Started)]
        changes.append((told.end.time, -1))
    at_work = [sum(change for _, change in sorted(changes)[:n]) for n in range(1, len(changes) + 1)]
    assert max(at_work) == 4


async def test_a_call_of_an_external_system_is_recorded_by_its_client(engine: Engine) -> None:
    await engine.start("lab")
    told = await engine.run("lab.call", url="http://127.0.0.1:9/closed")
    calls = [call for event in told.events if isinstance(event, Called) for call in event.calls]
    assert [(call.system, call.operation, call.outcome) for call in calls] == [
        ("outside", "fetch", CallOutcome.FAILED)
    ] * (1 + RETRIES)
    assert told.end.failure is not None
    assert told.end.failure.code == "external_system_unavailable"


async def test_a_poison_request_goes_to_the_dead_letters_and_disturbs_nobody(engine: Engine) -> None:
    from shared.dead_letters import list_dead_letters
    from shared.ids import new_id

    await engine.start("lab")
    poison = RunSubjects("lab.noop", new_id()).requested(Lane.INTERACTIVE)
    await engine.bus.publish(poison, b"\x00 no event")
    stranger = Requested(
        run_id=new_id(),
        job="lab.noop",
        client="c",
        principal="p",
        effective_principal="p",
        trigger="manual",
    )
    await engine.bus.publish(RunSubjects("lab.noop", new_id()).requested(Lane.INTERACTIVE), stranger.encode())
    told = await engine.run("lab.noop")
    assert told.end.state is RunState.SUCCEEDED
    letters = []
    for _ in range(600):
        letters = await list_dead_letters(engine.bus)
        if len(letters) == 2:
            break
        await asyncio.sleep(0.05)
    assert {letter.reason.code for letter in letters} == {"request_undecodable"}
    assert bytes.fromhex(letters[-1].payload_hex) == b"\x00 no event"
    info = await engine.bus.js.consumer_info("RUNS", "lab-noop-interactive")
    assert info.num_ack_pending == 0


async def test_a_job_at_its_limit_keeps_no_slots_from_others(engine: Engine, tmp_path: Path) -> None:
    for _ in range(30):
        await engine.request("lab.limited", folder=str(tmp_path), pause=0.2)
    bulk = [await engine.request("lab.sleep", steps=1, step_seconds=0.2, lane=Lane.BULK) for _ in range(30)]
    await engine.start("lab", slots=12)
    for run in bulk:
        await engine.ended("lab.sleep", run.request.run_id)
    at_once = most = 0
    for event in await engine.history("lab.sleep"):
        at_once += isinstance(event, Started) - isinstance(event, Finished)
        most = max(most, at_once)
    # Two slots are at work on the other job, and the rest is free.
    assert most >= 8
