"""Processes are killed in the middle of work; what was promised holds."""

import asyncio
import signal
from pathlib import Path

import asyncpg
from opentelemetry.trace import StatusCode

from shared.words import Outcome, RunState
from tests.support.engine import Engine
from tests.support.nursery import Newborn
from tests.support.spans import recording


async def test_a_killed_worker_s_run_is_finished_by_another_and_nothing_is_stored_twice(
    engine: Engine, database_url: str
) -> None:
    first = await engine.spawn()
    with recording() as spans:
        run = await engine.request("lab.store", keys=["a", "b", "c"], die_after=2)
        assert await first.wait() == -signal.SIGKILL
        await engine.start("lab")
        told = await engine.ended("lab.store", run.request.run_id)
        await spans.until(lambda: spans.named("process run.requested"))
    # The span of the first attempt died with its process; that of the second says so.
    [second] = spans.named("process run.requested", **{"tagwerk.attempt": 2, "tagwerk.crashes": 1})
    assert spans.above(second) is spans.named("send run.requested")[0]
    assert told.end.state is RunState.SUCCEEDED
    assert told.attempts == [1, 2]
    # What attempt 1 committed was published before attempt 2 began, although its process was gone.
    second_start = [n for n, kind in enumerate(told.types) if kind == "started"][1]
    before = {
        record.key: record.outcome
        for event in told.events[:second_start]
        for record in getattr(event, "records", [])
    }
    assert before == {"a": Outcome.CREATED, "b": Outcome.CREATED}
    after = [(record.key, record.outcome) for record in told.records[len(before) :]]
    assert after == [("a", Outcome.UNCHANGED), ("b", Outcome.UNCHANGED), ("c", Outcome.CREATED)]
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select count(*) from lab.items") == 3
    assert await connection.fetchval("select count(*) from lab.outbox") == 0
    await connection.close()


async def test_a_run_that_kills_every_worker_is_given_up_after_three(engine: Engine) -> None:
    run = await engine.request("lab.crash")
    for _ in range(3):
        worker = await engine.spawn()
        await worker.wait()
    with recording() as spans:
        await engine.start("lab")
        told = await engine.ended("lab.crash", run.request.run_id)
        await spans.until(lambda: spans.named("end run", **{"error.type": "worker_crashed"}))
    [end] = spans.named("end run", **{"tagwerk.run.id": str(run.request.run_id), "tagwerk.attempt": 3})
    assert end.status.status_code is StatusCode.ERROR, "kept by whoever keeps what failed"
    assert told.attempts == [1, 2, 3]
    assert told.end.failure is not None
    assert told.end.failure.code == "worker_crashed"


async def test_sigterm_lets_a_worker_process_end_well(engine: Engine) -> None:
    worker = await engine.spawn()
    run = await engine.request("lab.sleep", steps=50, step_seconds=0.05)
    await engine.until("lab.sleep", run.request.run_id, lambda told: "started" in told.types)
    assert await worker.end(signal.SIGTERM) == 0
    await engine.spawn()
    told = await engine.ended("lab.sleep", run.request.run_id)
    assert told.attempts == [1, 2]
    assert told.end.state is RunState.SUCCEEDED


async def test_a_paused_worker_that_wakes_up_is_fenced_off(engine: Engine, database_url: str) -> None:
    sleeper = await engine.spawn()
    keys = [f"k{n}" for n in range(12)]
    run = await engine.request("lab.store", keys=keys, pause=0.3)
    await engine.until("lab.store", run.request.run_id, lambda told: len(told.records) > 0)
    await pause_between_transactions(sleeper, database_url)
    await engine.start("lab")
    await engine.until("lab.store", run.request.run_id, lambda told: told.attempts == [1, 2])
    sleeper.send(signal.SIGCONT)
    told = await engine.ended("lab.store", run.request.run_id)
    await asyncio.sleep(0.5)
    told = await engine.told("lab.store", run.request.run_id)
    assert told.types.count("finished") == 1
    assert told.end.attempt == 2
    created = [record.key for record in told.records if record.outcome is Outcome.CREATED]
    assert sorted(created) == sorted(keys)


async def pause_between_transactions(process: Newborn, database_url: str) -> None:
    """Stop it at a moment when no one waits for a lock of its own."""
    connection = await asyncpg.connect(database_url)
    while True:
        process.send(signal.SIGSTOP)
        await asyncio.sleep(0.05)
        if not await connection.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and xact_start is not null"
        ):
            await connection.close()
            return
        process.send(signal.SIGCONT)
        await asyncio.sleep(0.02)


async def test_an_effect_that_died_in_the_middle_is_in_doubt(engine: Engine, tmp_path: Path) -> None:
    for mode, sent in (("die-before", ""), ("die-after", "x\n")):
        folder = tmp_path / mode
        folder.mkdir()
        first = await engine.spawn()
        letter = f"x-{mode}"
        run = await engine.request("lab.send", letters=[letter, "y"], folder=str(folder), mode=mode)
        await first.wait()
        second = await engine.spawn()
        told = await engine.ended("lab.send", run.request.run_id)
        assert told.end.state is RunState.INTERRUPTED
        assert [effect.effect for effect in told.end.in_doubt] == [f"send:{letter}"]
        lines = (folder / "sent").read_text().split()
        assert lines.count(letter) == bool(sent)
        await second.end()


async def test_an_effect_that_died_is_done_exactly_once_where_the_counterpart_can_tell(
    engine: Engine, tmp_path: Path
) -> None:
    for mode in ("die-before", "die-after"):
        folder = tmp_path / mode
        folder.mkdir()
        letter = f"z-{mode}"
        first = await engine.spawn()
        run = await engine.request(
            "lab.send", letters=[letter], folder=str(folder), mode=mode, checkable=True
        )
        await first.wait()
        second = await engine.spawn()
        told = await engine.ended("lab.send", run.request.run_id)
        assert told.end.state is RunState.SUCCEEDED
        assert (folder / "sent").read_text().split() == [letter]
        await second.end()
