"""Retries, cancels, time-outs, stops and effects: what follows when an attempt does not simply end well."""

import asyncio
import time
from pathlib import Path

import pytest

from shared import subjects
from shared.commands import Decide, Published
from shared.errors import TagwerkError
from shared.events import AttemptFailed, DoubtfulEffect, Due
from shared.words import Decision, Outcome, RunState
from tests.support.engine import Engine, Told


def failures(told: Told) -> list[AttemptFailed]:
    return [event for event in told.events if isinstance(event, AttemptFailed)]


async def test_a_retryable_failure_waits_and_then_succeeds(engine: Engine) -> None:
    await engine.start()
    told = await engine.run("lab.flaky", fails=2)
    assert told.types == [
        "requested", "started", "attempt_failed", "due", "started", "attempt_failed", "due", "started",
        "recorded", "finished",
    ]  # fmt: skip
    assert told.end.state is RunState.SUCCEEDED
    first, second = failures(told)
    due = [event for event in told.events if isinstance(event, Due)]
    assert due[0].time >= first.next_attempt_at
    assert (second.next_attempt_at - second.time) > (first.next_attempt_at - first.time)


async def test_attempts_are_used_up(engine: Engine) -> None:
    await engine.start()
    told = await engine.run("lab.flaky", fails=9)
    assert told.attempts == [1, 2, 3]
    assert told.end.state is RunState.FAILED
    assert told.end.failure is not None
    assert told.end.failure.code == "external_system_unavailable"


async def test_an_unknown_error_is_tried_again_only_where_that_is_safe(engine: Engine) -> None:
    await engine.start()
    safe, risky = await asyncio.gather(
        engine.run("lab.flaky", fails=1, known=False), engine.run("lab.risky-flaky")
    )
    assert safe.end.state is RunState.SUCCEEDED
    assert risky.attempts == [1]
    assert risky.end.failure is not None
    assert risky.end.failure.code == "unexpected_error"
    assert risky.end.failure.origin is not None
    assert "RuntimeError at lab/jobs.py" in risky.end.failure.origin.replace("support/", "")


async def test_an_ordered_job_keeps_its_slot_while_it_waits(engine: Engine, tmp_path: Path) -> None:
    await engine.start()
    first = await engine.request("lab.ordered", name="a", folder=str(tmp_path), fails=2)
    second = await engine.request("lab.ordered", name="b", folder=str(tmp_path))
    await engine.ended("lab.ordered", second.request.run_id)
    await engine.ended("lab.ordered", first.request.run_id)
    assert (tmp_path / "log").read_text() == "ab"


async def test_a_cancel_stops_at_the_next_record(engine: Engine) -> None:
    await engine.start()
    run = await engine.request("lab.sleep", steps=1000, step_seconds=0.02)
    await engine.until("lab.sleep", run.request.run_id, lambda told: len(told.records) >= 3)
    await engine.cancel("lab.sleep", run.request.run_id)
    told = await engine.ended("lab.sleep", run.request.run_id)
    assert told.end.state is RunState.CANCELLED
    assert told.end.note is not None
    assert f"{len(told.records)} records handled before" in told.end.note


async def test_a_cancel_of_a_job_that_does_not_yield_takes_effect_after_the_grace(engine: Engine) -> None:
    await engine.start("lab")
    run = await engine.request("lab.call", url="http://127.0.0.1:9/")
    await engine.ended("lab.call", run.request.run_id)
    stuck = await engine.request("lab.sleep", steps=1, step_seconds=60)
    await engine.until("lab.sleep", stuck.request.run_id, lambda told: "started" in told.types)
    began = time.monotonic()
    await engine.cancel("lab.sleep", stuck.request.run_id)
    told = await engine.ended("lab.sleep", stuck.request.run_id)
    assert told.end.state is RunState.CANCELLED
    assert time.monotonic() - began > 0.25


async def test_a_cancel_after_the_work_is_done_comes_too_late(engine: Engine) -> None:
    await engine.start("lab")
    run = await engine.request("lab.sleep", steps=1, step_seconds=0.3)
    await engine.until("lab.sleep", run.request.run_id, lambda told: "started" in told.types)
    # Seen by the stream's condition only: the worker's own ear is closed.
    told = await engine.ended("lab.sleep", run.request.run_id)
    await engine.cancel("lab.sleep", run.request.run_id)
    again = await engine.told("lab.sleep", run.request.run_id)
    assert again.end == told.end
    assert again.end.state is RunState.SUCCEEDED


async def test_a_queued_run_is_cancelled_at_once(engine: Engine) -> None:
    await engine.start("scheduler")
    run = await engine.request("lab.noop")
    await engine.cancel("lab.noop", run.request.run_id)
    told = await engine.ended("lab.noop", run.request.run_id)
    assert told.end.state is RunState.CANCELLED
    assert told.attempts == []
    await engine.start("lab")
    await engine.run("lab.noop")
    assert (await engine.told("lab.noop", run.request.run_id)).attempts == []


async def test_a_waiting_run_is_cancelled_at_once_and_never_due(engine: Engine) -> None:
    await engine.start()
    run = await engine.request("lab.flaky", fails=9)
    await engine.until("lab.flaky", run.request.run_id, lambda told: "attempt_failed" in told.types)
    await engine.cancel("lab.flaky", run.request.run_id)
    told = await engine.ended("lab.flaky", run.request.run_id)
    assert told.end.state is RunState.CANCELLED
    await asyncio.sleep(0.6)
    assert (await engine.told("lab.flaky", run.request.run_id)).types == told.types


async def test_a_run_that_takes_too_long_is_timed_out(engine: Engine) -> None:
    await engine.start("lab")
    told = await engine.run("lab.stubborn")
    assert told.end.state is RunState.TIMED_OUT
    assert told.end.failure is not None
    assert told.end.failure.code == "timed_out"
    assert [record.key for record in told.records] == ["first"]


async def test_a_worker_that_is_asked_to_stop_hands_its_work_over_at_once(engine: Engine) -> None:
    await engine.start("lab")
    run = await engine.request("lab.sleep", steps=20, step_seconds=0.05)
    await engine.until("lab.sleep", run.request.run_id, lambda told: "started" in told.types)
    await engine.stop_services()
    await engine.start("lab")
    told = await engine.ended("lab.sleep", run.request.run_id)
    assert told.end.state is RunState.SUCCEEDED
    assert told.attempts == [1, 2]
    (handed_over,) = failures(told)
    assert handed_over.failure.code == "worker_stopped"
    assert not handed_over.counts


# --- effects -----------------------------------------------------------------------------------------


def sent(folder: Path) -> list[str]:
    return (folder / "sent").read_text().split()


async def test_an_effect_happens_once_and_a_second_run_changes_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    await engine.start("lab")
    for expected in (Outcome.CREATED, Outcome.UNCHANGED):
        told = await engine.run("lab.send", letters=["a", "b"], folder=str(tmp_path))
        assert {record.outcome for record in told.records} == {expected}
    assert sent(tmp_path) == ["a", "b"]


async def test_a_refused_effect_is_not_in_doubt_and_is_tried_again(engine: Engine, tmp_path: Path) -> None:
    await engine.start()
    told = await engine.run("lab.send", letters=["a", "b"], folder=str(tmp_path), mode="refused")
    assert told.end.state is RunState.SUCCEEDED
    assert told.attempts == [1, 2]
    assert sent(tmp_path) == ["a", "b"]


async def test_a_lost_answer_leaves_the_record_unknown_and_the_others_go_on(
    engine: Engine, tmp_path: Path
) -> None:
    await engine.start()
    told = await engine.run("lab.send", letters=["a", "b"], folder=str(tmp_path), mode="lost-answer")
    assert told.end.state is RunState.INTERRUPTED
    assert told.end.in_doubt == [
        DoubtfulEffect(effect="send:a", cause="no answer in time, after it had begun", record="letter:a")
    ]
    assert [record.outcome for record in told.records] == [Outcome.UNKNOWN, Outcome.CREATED]
    assert sent(tmp_path) == ["a", "b"]


async def test_another_run_leaves_an_effect_in_doubt_to_the_run_that_holds_it(
    engine: Engine, tmp_path: Path
) -> None:
    await engine.start()
    holder = await engine.run("lab.send", letters=["a"], folder=str(tmp_path), mode="lost-answer")
    other = await engine.run("lab.send", letters=["a", "b"], folder=str(tmp_path))
    assert other.end.state is RunState.PARTIALLY_FAILED
    assert other.end.in_doubt == []
    failure = other.records[0].failure
    assert failure is not None
    assert str(holder.run_id) in failure.next_step
    request = Decide(
        run_id=holder.run_id, job="lab.send", effect="send:a", decision=Decision.HAPPENED, principal="ada",
        reason="it arrived",
    )  # fmt: skip
    await engine.bus.ask(subjects.decide("lab"), request, Published)
    again = await engine.run("lab.send", letters=["a", "b"], folder=str(tmp_path))
    assert {record.outcome for record in again.records} == {Outcome.UNCHANGED}
    assert sent(tmp_path) == ["a", "b"]


async def test_a_lost_answer_is_looked_up_where_the_counterpart_can_tell(
    engine: Engine, tmp_path: Path
) -> None:
    await engine.start()
    told = await engine.run(
        "lab.send", letters=["a"], folder=str(tmp_path), mode="lost-answer", checkable=True
    )
    assert told.end.state is RunState.SUCCEEDED
    assert sent(tmp_path) == ["a"]


async def test_a_decision_to_repeat_lets_a_rerun_do_it_again_and_one_that_it_happened_does_not(
    engine: Engine, tmp_path: Path
) -> None:
    await engine.start()
    for decision, expected in ((Decision.HAPPENED, ["a"]), (Decision.REPEAT, ["a", "b", "b"])):
        letter = "a" if decision is Decision.HAPPENED else "b"
        told = await engine.run("lab.send", letters=[letter], folder=str(tmp_path), mode="lost-answer")
        request = Decide(
            run_id=told.run_id, job="lab.send", effect=f"send:{letter}", decision=decision, principal="ada",
            reason="I asked",
        )  # fmt: skip
        published = await engine.bus.ask(subjects.decide("lab"), request, Published)
        after = await engine.told("lab.send", told.run_id)
        assert after.types[-1] == "decided"
        assert published.sequence > 0
        with pytest.raises(TagwerkError, match=r"no effect .* waits for a decision"):
            await engine.bus.ask(subjects.decide("lab"), request, Published)
        again = await engine.run(
            "lab.send", letters=[letter], folder=str(tmp_path), only_records=[f"letter:{letter}"]
        )
        assert again.end.state is RunState.SUCCEEDED
        assert sent(tmp_path) == expected
