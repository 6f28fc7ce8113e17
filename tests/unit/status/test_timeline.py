"""Attempts and timeline, told from the messages of a run."""

from services.status.timeline import Story, tell
from shared.events import Call
from shared.words import CallOutcome, Decision
from tests.support.run_events import START, RunTeller, failure, in_stream, record


def story(run: RunTeller) -> Story:
    return tell(in_stream(run.messages))


def outcomes(run: RunTeller) -> list[tuple[int, str]]:
    return [(attempt.attempt, attempt.outcome) for attempt in story(run).attempts]


def test_an_attempt_that_ended_without_a_word_crashed() -> None:
    run = RunTeller().requested().started(1)
    assert outcomes(run) == [(1, "running")]
    assert outcomes(run.started(2, crashes=1)) == [(1, "crashed"), (2, "running")]
    assert outcomes(run.finished(2)) == [(1, "crashed"), (2, "succeeded")]


def test_the_last_of_too_many_crashes_is_one_too() -> None:
    run = RunTeller().requested().started(1)
    run.finished(1, "failed", failure=failure("worker_crashed", "the worker died three times"))
    assert outcomes(run) == [(1, "crashed")]


def test_failed_and_handed_over_attempts_say_when_they_ended() -> None:
    run = (
        RunTeller().requested().started(1).attempt_failed(1).due(2).started(2).attempt_failed(2, counts=False)
    )
    attempts = story(run.started(3)).attempts
    assert [a.outcome for a in attempts] == ["failed", "handed_over", "running"]
    assert attempts[0].ended_at is not None
    assert attempts[0].next_attempt_at is not None
    assert attempts[1].next_attempt_at is None


def test_a_run_that_is_cancelled_while_it_waits_has_no_cancelled_attempt() -> None:
    run = RunTeller().requested().started(1).attempt_failed(1).cancel_requested().finished(1, "cancelled")
    assert outcomes(run) == [(1, "failed")]
    assert story(run).cancelled_by == "bob"


def test_the_timeline_says_everything_in_sentences_and_marks_what_was_stale() -> None:
    call = Call(
        system="mail-server", operation="send", outcome=CallOutcome.SUCCEEDED, started_at=START, duration_ms=1
    )
    run = RunTeller().requested().started(1).recorded(1, record("a", "created"), record("b", "failed"))
    run.started(2, worker="host:9", crashes=1).recorded(1, record("c", "created"))
    run.progressed(2, 1, 3).progressed(2, 2, 3).called(2, call).cancel_requested(reason="wrong file")
    run.finished(2, note="the cancel came too late").finished(2, "failed").cancel_requested()
    run.decided("mail:1", Decision.HAPPENED).raw(b"{")
    assert [(entry.type, entry.words, entry.stale) for entry in story(run).timeline] == [
        ("run.requested", "ada requested it (manual).", False),
        ("run.started", "Attempt 1 started on host:123.", False),
        ("run.recorded", "2 records: 1 created, 1 failed.", False),
        ("run.started", "Attempt 2 started on host:9; the worker of the attempt before had died.", False),
        ("run.recorded", "1 record: 1 created.", True),
        ("run.progressed", "2 of 3 done.", False),
        ("run.called", "1 external call: send at mail-server succeeded.", False),
        ("run.cancel_requested", "bob asked to cancel it: wrong file.", False),
        ("run.finished", "The run succeeded. The cancel came too late.", False),
        ("run.finished", "The run failed.", True),
        ("run.cancel_requested", "bob asked to cancel it, after it had ended.", True),
        ("run.decided", "carla decided that mail:1 happened: I asked them.", False),
        ("undecodable", "A message could not be read; it lies with the dead letters.", False),
    ]
    assert story(run).timeline[0].sequence == 1
