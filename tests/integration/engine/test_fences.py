"""Who was overtaken changes nothing: no end, no retry, no acknowledgement, no second effect."""

import asyncio
from contextlib import suppress
from pathlib import Path

import asyncpg

from shared import subjects
from shared.database import open_pool
from shared.events import CancelRequested, Finished, RunEventBase, Started
from shared.history import History
from shared.outbox import Relay
from shared.pull import Delivery
from shared.requests import RequestedRun
from shared.runner.lifecycle import Lifecycle, NothingToStart
from shared.subjects import RunSubjects
from shared.words import Lane, RunState
from tests.support.engine import Engine


async def say(engine: Engine, run: RequestedRun, event: RunEventBase) -> int:
    """Publish as another worker, or as a gateway, would."""
    where = RunSubjects(run.request.job, run.request.run_id)
    subject = where.cancel_requested if isinstance(event, CancelRequested) else where.ev
    return await engine.bus.publish(subject, event.encode(), msg_id=str(event.id))


async def test_an_overtaken_attempt_that_still_yields_records_does_not_end_the_run(engine: Engine) -> None:
    await engine.start("lab")
    run = await engine.request("lab.sleep", steps=8, step_seconds=0.1)
    run_id = run.request.run_id
    await engine.until("lab.sleep", run_id, lambda told: len(told.records) >= 2)
    newer = Started(run_id=run_id, attempt=2, worker="elsewhere:1", work_item=run.sequence, delivery=2)
    await say(engine, run, newer)
    await engine.until("lab.sleep", run_id, lambda told: len(told.records) == 8)
    await asyncio.sleep(0.5)
    told = await engine.told("lab.sleep", run_id)
    assert told.finished is None, told.types
    # Not acknowledged either: should the newer attempt die, the request comes again.
    info = await engine.bus.js.consumer_info(subjects.RUNS, "lab-sleep-interactive")
    assert info.num_ack_pending == 1


async def test_an_overtaken_attempt_that_fails_parks_no_retry(engine: Engine) -> None:
    await engine.start()
    run = await engine.request("lab.stumble", steps=6)
    run_id = run.request.run_id
    await engine.until("lab.stumble", run_id, lambda told: len(told.records) >= 2)
    newer = Started(run_id=run_id, attempt=2, worker="elsewhere:1", work_item=run.sequence, delivery=2)
    await say(engine, run, newer)
    await engine.until("lab.stumble", run_id, lambda told: len(told.records) == 6)
    await asyncio.sleep(0.5)
    told = await engine.told("lab.stumble", run_id)
    assert "attempt_failed" not in told.types
    assert "due" not in told.types


async def test_the_end_of_a_stale_attempt_does_not_silence_the_newest(engine: Engine) -> None:
    await engine.start("lab")
    run = await engine.request("lab.sleep", steps=6, step_seconds=0.1)
    run_id = run.request.run_id
    await engine.until("lab.sleep", run_id, lambda told: len(told.records) >= 2)
    # As published by a worker of the attempt before this one, which woke up late.
    await say(engine, run, Finished(run_id=run_id, attempt=0, state=RunState.FAILED))
    await asyncio.sleep(1.0)
    told = await engine.told("lab.sleep", run_id)
    ends = [event.attempt for event in told.events if isinstance(event, Finished)]
    assert ends == [0, 1]


async def test_a_cancel_between_two_records_is_not_forgotten(engine: Engine) -> None:
    await engine.start("lab")
    run = await engine.request("lab.sleep", steps=4, step_seconds=0.2)
    run_id = run.request.run_id
    await engine.until("lab.sleep", run_id, lambda told: len(told.records) >= 1)
    # Heard by nobody: on a subject that no worker listens to, as if it had been away.
    cancel = CancelRequested(run_id=run_id, principal="ada")
    where = RunSubjects("lab.sleep", run_id)
    await engine.bus.publish(where.ev, cancel.encode(), msg_id=str(cancel.id))
    told = await engine.ended("lab.sleep", run_id)
    assert told.end.state is RunState.SUCCEEDED
    assert told.end.note == "the cancel came too late: the job had done its work"


async def test_a_run_that_ended_while_its_redelivery_was_prepared_is_not_started_again(
    engine: Engine,
) -> None:
    await engine.start("lab")
    await engine.stop_services()
    pool = await open_pool(engine.settings().database_url)
    try:
        for end in (Finished, CancelRequested):
            run = await engine.request("lab.sleep", steps=1)
            run_id = run.request.run_id
            where = RunSubjects("lab.sleep", run_id)
            first = Started(run_id=run_id, attempt=1, worker="elsewhere:1", work_item=run.sequence)
            await say(engine, run, first)
            history = History.of(await engine.bus.read(subjects.RUNS, where.all))
            if end is Finished:
                await say(engine, run, Finished(run_id=run_id, attempt=1, state=RunState.SUCCEEDED))
            else:
                await say(engine, run, CancelRequested(run_id=run_id, principal="ada"))
            lifecycle = Lifecycle(engine.bus, pool, Relay(pool, engine.bus))
            again = Delivery(
                where.requested(Lane.INTERACTIVE), b"", {}, run.sequence, 2, 0, "lab", "nobody", engine.bus.nc
            )
            with suppress(NothingToStart):
                await lifecycle.start(where, history, again)
            told = await engine.told("lab.sleep", run_id)
            assert told.attempts == [1], told.types
            assert told.types.count("finished") == 1
    finally:
        await pool.close()


async def test_a_cancel_after_a_crash_in_the_middle_of_an_effect_tells_of_the_doubt(
    engine: Engine, tmp_path: Path, database_url: str
) -> None:
    first = await engine.spawn()
    run = await engine.request("lab.send", letters=["x"], folder=str(tmp_path), mode="die-after")
    await first.wait()
    await engine.cancel("lab.send", run.request.run_id)
    await engine.start("lab")
    told = await engine.ended("lab.send", run.request.run_id)
    assert told.end.state is RunState.INTERRUPTED
    assert [(doubt.effect, doubt.record) for doubt in told.end.in_doubt] == [("send:x", "letter:x")]
    connection = await asyncpg.connect(database_url)
    # A person can decide it.
    assert await connection.fetchval("select state from lab.effects where effect = 'send:x'") == "unknown"
    await connection.close()
