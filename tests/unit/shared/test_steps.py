"""The engine's decisions, from histories of runs."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from shared.bus import Stored
from shared.errors import Failure
from shared.events import (
    AttemptFailed,
    CancelRequested,
    DoubtfulEffect,
    Due,
    Finished,
    Record,
    Recorded,
    Requested,
    RunEvent,
    Started,
)
from shared.history import History
from shared.runner.steps import (
    Again,
    End,
    Ignore,
    Stale,
    Start,
    after_failure,
    after_stop,
    after_success,
    first_step,
)
from shared.subjects import RunSubjects
from shared.words import Lane, Outcome, RunState, Trigger
from tests.support.lab.jobs import flaky, risky_flaky

RUN = RunSubjects("lab.noop", UUID(int=1))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLOSED = Failure(code="external_system_unavailable", cause="closed", next_step="wait", retryable=True)
REQUESTED = Requested(
    run_id=RUN.run_id, job=RUN.job, client="c", principal="p", effective_principal="p", trigger=Trigger.MANUAL
)


def history(*events: RunEvent) -> History:
    subjects = {
        "run.requested": RUN.requested(Lane.INTERACTIVE),
        "run.due": RUN.due(Lane.INTERACTIVE),
        "run.attempt_failed": RUN.attempt_failed(Lane.INTERACTIVE),
        "run.cancel_requested": RUN.cancel_requested,
    }
    return History.of(
        # What a stopping worker hands over is not parked with the scheduler.
        Stored(
            RUN.ev if event == HANDED_OVER else subjects.get(event.type, RUN.ev), number, event.encode(), {}
        )
        for number, event in enumerate((REQUESTED, *events), 1)
    )


def started(attempt: int, delivery: int = 1) -> Started:
    return Started(run_id=RUN.run_id, attempt=attempt, worker="w", work_item=1, delivery=delivery)


def failed(attempt: int, *, counts: bool = True) -> AttemptFailed:
    return AttemptFailed(
        run_id=RUN.run_id, attempt=attempt, failure=CLOSED, next_attempt_at=NOW, counts=counts
    )


HANDED_OVER = failed(1, counts=False)
CANCEL = CancelRequested(run_id=RUN.run_id, principal="p")
DOUBT = [DoubtfulEffect(effect="send:a", cause="no answer")]


def test_a_fresh_run_starts_with_attempt_1() -> None:
    assert first_step(history(), (1, 1)) == Start(1, 0)


def test_a_crash_leads_to_the_next_attempt_and_three_to_the_end() -> None:
    assert first_step(history(started(1)), (1, 2)) == Start(2, 1)
    assert first_step(history(started(1), started(2, 2)), (1, 3)) == Start(3, 2)
    step = first_step(history(started(1), started(2, 2), started(3, 3)), (1, 4))
    assert isinstance(step, End)
    assert step.failure is not None
    assert (step.state, step.failure.code) == (RunState.FAILED, "worker_crashed")


def test_a_delivery_that_another_one_has_overtaken_is_not_answered() -> None:
    assert first_step(history(started(1), started(2, 3)), (1, 2)) == Stale()
    assert first_step(history(started(1), started(2, 3)), (1, 3)) == Stale()


def test_a_work_item_whose_retry_has_started_is_done_with() -> None:
    retried = history(
        started(1),
        failed(1),
        Due(run_id=RUN.run_id, attempt=2),
        started(2).model_copy(update={"work_item": 4}),
    )
    assert isinstance(first_step(retried, (1, 2)), Ignore)
    assert first_step(retried, (4, 1)) == Stale()


def test_a_work_item_that_was_handed_over_costs_no_crash() -> None:
    step = first_step(history(started(1), HANDED_OVER), (1, 2))
    assert step == Start(2, 0)


def test_a_parked_retry_belongs_to_the_scheduler_until_it_is_due() -> None:
    parked = history(started(1), failed(1))
    assert isinstance(first_step(parked, (1, 2)), Ignore)
    due = history(started(1), failed(1), Due(run_id=RUN.run_id, attempt=2))
    assert first_step(due, (4, 1)) == Start(2, 0)


def test_a_cancelled_run_does_not_start() -> None:
    step = first_step(history(CANCEL), (1, 1))
    assert isinstance(step, End)
    assert step.state is RunState.CANCELLED


def test_an_ended_run_is_left_alone() -> None:
    ended = history(started(1), Finished(run_id=RUN.run_id, attempt=1, state=RunState.SUCCEEDED))
    assert isinstance(first_step(ended, (1, 2)), Ignore)


def test_the_end_of_a_stale_attempt_does_not_count() -> None:
    late = history(
        started(1), started(2, 2), Finished(run_id=RUN.run_id, attempt=1, state=RunState.SUCCEEDED)
    )
    assert late.finished is None


def test_records_say_nothing_of_a_runs_life_but_move_its_end() -> None:
    record = Record(key="a", outcome=Outcome.CREATED, message='"type":"run.finished"')
    read = history(started(1), Recorded(run_id=RUN.run_id, attempt=1, records=[record] * 500))
    assert (read.last_sequence, len(read.ids), read.finished, read.open_attempt) == (3, 2, None, True)


def test_a_request_whose_parameters_look_like_records_is_a_request() -> None:
    asked = REQUESTED.model_copy(update={"parameters": {"type": "run.recorded"}})
    assert History.of([Stored(RUN.ev, 1, asked.encode(), {})]).request == asked
    # As another writer may order the fields.
    fields = orjson.loads(asked.encode())
    turned = orjson.dumps({"parameters": fields.pop("parameters"), **fields})
    assert History.of([Stored(RUN.ev, 1, turned, {})]).request == asked


def test_records_decide_how_a_job_that_ran_through_has_ended() -> None:
    good, bad, unsure = Outcome.CREATED, Outcome.FAILED, Outcome.UNKNOWN
    for outcomes, state in (
        ([], RunState.SUCCEEDED),
        ([good, Outcome.SKIPPED], RunState.SUCCEEDED),
        ([good, bad], RunState.PARTIALLY_FAILED),
        ([bad, bad], RunState.FAILED),
        ([good, bad, unsure], RunState.INTERRUPTED),
    ):
        assert after_success(Counter(outcomes), []).state is state
    assert after_success(Counter(), DOUBT) == End(RunState.INTERRUPTED, in_doubt=tuple(DOUBT))


def test_a_retry_waits_longer_each_time_and_attempts_run_out() -> None:
    first = after_failure(flaky, CLOSED, 0, NOW, [])
    second = after_failure(flaky, CLOSED, 1, NOW, [])
    assert first == Again(CLOSED, NOW + timedelta(seconds=0.2))
    assert second == Again(CLOSED, NOW + timedelta(seconds=0.4))
    assert after_failure(flaky, CLOSED, 2, NOW, []) == End(RunState.FAILED, CLOSED)


@pytest.mark.parametrize(("asked", "waited"), [(0.1, 0.2), (90, 90), (10**7, 24 * 3600)])
def test_a_retry_waits_as_long_as_the_counterpart_asks_but_no_longer_than_a_day(
    asked: float, waited: float
) -> None:
    failure = CLOSED.model_copy(update={"retry_after": asked})
    assert after_failure(flaky, failure, 0, NOW, []) == Again(failure, NOW + timedelta(seconds=waited))


def test_what_is_not_understood_is_repeated_only_where_repeating_is_safe() -> None:
    strange = CLOSED.model_copy(update={"retryable": False, "origin": "RuntimeError at x:1"})
    assert isinstance(after_failure(flaky, strange, 0, NOW, []), Again)
    assert isinstance(after_failure(risky_flaky, strange, 0, NOW, []), End)


def test_an_effect_in_doubt_is_never_retried() -> None:
    assert after_failure(flaky, CLOSED, 0, NOW, DOUBT) == End(
        RunState.INTERRUPTED, CLOSED, in_doubt=tuple(DOUBT)
    )


def test_a_stop_tells_what_was_done_before() -> None:
    end = after_stop(RunState.CANCELLED, Counter([Outcome.CREATED]), [], "cancelled")
    assert end.note == "1 record handled before; they stay as they are"
    assert after_stop(RunState.CANCELLED, Counter(), DOUBT, "cancelled").state is RunState.INTERRUPTED
    timed_out = after_stop(RunState.TIMED_OUT, Counter(), [], "the time-out of 3 s was reached")
    assert timed_out.failure is not None
    assert timed_out.failure.code == "timed_out"
