"""Messages that cannot be handled, or are too large to be told: an answer, and nobody else is disturbed."""

import asyncio
import time

import pytest

from shared import subjects
from shared.bus import Bus, PublishRefused
from shared.dead_letters import KeptDeadLetter, list_dead_letters, replay
from shared.errors import TagwerkError
from shared.events import Logged
from shared.ids import new_id
from shared.subjects import RunSubjects
from shared.words import Lane, RunState
from tests.support.engine import Engine


async def letters(bus: Bus, count: int, timeout: float = 5.0) -> list[KeptDeadLetter]:
    deadline = time.monotonic() + timeout
    while len(found := await list_dead_letters(bus)) < count:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)
    return found


async def test_a_subject_that_names_no_run_goes_to_the_dead_letters(engine: Engine) -> None:
    await engine.start()
    for subject in (
        "run.lab.noop.nonsense.interactive.requested",
        "run.lab.noop.nonsense.attempt_failed.interactive",
        "run.lab.noop.nonsense.cancel_requested",
    ):
        await engine.bus.publish(subject, b"{}")
    found = await letters(engine.bus, 3)
    assert {letter.reason.code for letter in found} == {"subject_unreadable"}
    assert (await engine.run("lab.noop")).end.state is RunState.SUCCEEDED


async def test_a_large_poison_message_is_buried_too_and_can_be_replayed(engine: Engine) -> None:
    await engine.start("lab")
    poison = b"\x00" + b"no event " * 80_000
    subject = RunSubjects("lab.noop", new_id()).requested(Lane.INTERACTIVE)
    await engine.bus.publish(subject, poison)
    (letter,) = await letters(engine.bus, 1)
    assert letter.reason.code == "request_undecodable"
    await replay(engine.bus, letter.id)
    found = await engine.bus.read(subjects.RUNS, subject)
    assert [message.data for message in found] == [poison, poison]


async def test_a_publish_that_the_bus_can_never_take_is_refused_at_once(engine: Engine) -> None:
    with pytest.raises(PublishRefused, match="1048576"):
        await engine.bus.publish("event.document.uploaded", b"x" * 2_000_000, msg_id="large")


async def test_more_log_lines_at_once_than_fit_into_one_message_all_arrive(engine: Engine) -> None:
    await engine.start("lab")
    told = await engine.run("lab.bulky", lines=12_000)
    assert told.end.state is RunState.SUCCEEDED
    lines = [line for event in told.events if isinstance(event, Logged) for line in event.lines]
    assert [line.fields["number"] for line in lines] == list(range(12_000))


@pytest.mark.parametrize("stored", [False, True])
async def test_a_record_too_large_to_be_told_fails_its_run_and_no_other(engine: Engine, stored: bool) -> None:
    await engine.start("lab")
    told = await engine.run("lab.bulky", size=2_000_000, stored=stored)
    assert told.attempts == [1]
    assert told.end.failure is not None
    assert told.end.failure.code == "record_too_large"
    assert told.end.failure.concern == "bulky"
    other = await engine.run("lab.store", keys=["a"])
    assert other.end.state is RunState.SUCCEEDED


async def test_a_request_too_large_for_the_bus_is_refused_at_once(engine: Engine) -> None:
    with pytest.raises((TagwerkError, PublishRefused)):
        await engine.request("lab.store", keys=["x" * 2_000_000])
