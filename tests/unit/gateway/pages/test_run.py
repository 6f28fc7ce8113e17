"""What the page of a run shows, without a bus."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.gateway.pages.run.page import advice_of
from services.gateway.pages.run.picture import NARROWEST, WIDTH, picture_of
from services.gateway.pages.run.possibilities import possibilities_of
from services.gateway.pages.run.tabs import (
    EVENT_LIMIT,
    VALUE_LIMIT,
    Asked,
    as_json,
    event_of,
    trace_id_of,
    values_of,
)
from services.gateway.pages.run.ticket import ticket_of
from shared.commands import Attempt, CallRow, EventRow, RunDetail
from shared.errors import Failure
from shared.events import DoubtfulEffect
from shared.words import CallOutcome, Danger, RunState
from tests.unit.gateway.pages.jobs import CLERK, NOW, READER, entry, run

JOB = "integrations.import-daily-rates"
DOUBT = DoubtfulEffect(effect="mail:1", cause="no answer")
FAILURE = Failure(
    code="file_empty", cause="the file is empty", concern="rates.csv", next_step="Ask the bank."
)


def detail(state: RunState = RunState.SUCCEEDED, **changes: Any) -> RunDetail:
    facts: dict[str, Any] = {
        **run(JOB).model_dump(),
        "state": state,
        "requested_at": NOW,
        "started_at": NOW + timedelta(seconds=2),
        "finished_at": NOW + timedelta(seconds=10) if state.final else None,
        "expected_runtime": 4.0,
    }
    return RunDetail.model_validate({**facts, **changes})


def attempt(number: int, began: float, ended: float | None, outcome: str) -> Attempt:
    return Attempt(
        attempt=number,
        worker="w:1",
        started_at=NOW + timedelta(seconds=began),
        ended_at=None if ended is None else NOW + timedelta(seconds=ended),
        outcome=outcome,
    )


def test_the_picture_has_every_wait_and_attempt_in_its_place() -> None:
    shown = picture_of(detail(attempts=[attempt(1, 2, 4, "failed"), attempt(2, 6, 10, "succeeded")]), [], NOW)
    assert [(one.sort, one.x, one.width, one.seconds) for one in shown.segments] == [
        ("queued", 0, 200, 2),
        ("attempt", 200, 200, 2),
        ("wait", 400, 200, 2),
        ("attempt", 600, 400, 4),
    ]
    assert shown.expected == 600
    assert shown.end == WIDTH


def test_what_goes_on_reaches_to_now_and_leaves_room_for_what_is_expected() -> None:
    running = detail(RunState.RUNNING, attempts=[attempt(1, 2, None, "running")], expected_runtime=8)
    shown = picture_of(running, [], NOW + timedelta(seconds=5))
    [queued, working] = shown.segments
    assert (queued.width, working.x, working.width) == (200, 200, 300)
    assert (shown.end, shown.expected) == (500, WIDTH)
    waiting = detail(RunState.WAITING, attempts=[attempt(1, 2, 4, "failed")], expected_runtime=None)
    shown = picture_of(waiting, [], NOW + timedelta(seconds=8))
    assert [one.sort for one in shown.segments] == ["queued", "attempt", "wait"]
    assert shown.segments[-1].seconds == 4


@pytest.mark.parametrize("state", list(RunState))
def test_a_run_without_attempts_is_one_wait(state: RunState) -> None:
    shown = picture_of(detail(state, started_at=None, attempts=[]), [], NOW + timedelta(seconds=3))
    assert [one.sort for one in shown.segments] == ["queued"]


def test_an_end_that_is_far_away_is_not_drawn() -> None:
    shown = picture_of(detail(expected_runtime=3600, attempts=[attempt(1, 2, 10, "succeeded")]), [], NOW)
    assert shown.expected is None
    assert shown.end == WIDTH


def test_of_an_attempt_whose_worker_died_nobody_knows_how_long_it_took() -> None:
    crashed = detail(attempts=[attempt(1, 2, None, "crashed"), attempt(2, 6, 10, "succeeded")])
    shown = picture_of(crashed, [], NOW)
    assert [(one.sort, one.seconds) for one in shown.segments] == [
        ("queued", 2),
        ("attempt", None),
        ("attempt", 4),
    ]


def test_everything_is_seen_and_nothing_lies_outside() -> None:
    call = CallRow(
        run_id=UUID(int=1), attempt=1, system="bank", operation="fetch", outcome=CallOutcome.FAILED,
        started_at=NOW + timedelta(seconds=10), duration_ms=0.1,
    )  # fmt: skip
    before = call.model_copy(update={"started_at": NOW - timedelta(seconds=1)})
    moment = detail(calls=5, attempts=[attempt(1, 10, 10, "failed")])
    shown = picture_of(moment, [before, call], NOW)
    places = [(one.x, one.width) for one in shown.segments] + [(one.x, one.width) for one in shown.calls]
    assert len(places) == 4
    for x, width in places:
        assert width >= NARROWEST
        assert 0 <= x <= WIDTH - NARROWEST
    assert shown.more_calls == 3
    at_once = detail(finished_at=NOW, started_at=NOW, attempts=[attempt(1, 0, 0, "succeeded")])
    assert picture_of(at_once, [], NOW).segments[0].width >= NARROWEST


@pytest.mark.parametrize("state", list(RunState))
def test_what_can_be_done_follows_the_state(state: RunState) -> None:
    able = possibilities_of(detail(state, counts={"created": 3, "failed": 2}), entry(), CLERK)
    assert able.cancel.allowed == (not state.final)
    assert able.rerun.allowed == able.rerun_failed.allowed == state.final
    assert not able.decide.allowed
    for one in (able.cancel, able.rerun, able.rerun_failed, able.decide):
        assert one.allowed == (one.why_not == "")


def test_why_something_cannot_be_done() -> None:
    assert possibilities_of(detail(), None, CLERK).rerun.why_not == "The catalogue does not know this job."
    looks = possibilities_of(detail(RunState.RUNNING), entry(), READER)
    assert (looks.cancel.why_not, looks.cancel.roles) == ("Only for the roles", ("accounting", "trustee"))
    assert looks.rerun == looks.cancel
    asked = possibilities_of(detail(RunState.RUNNING, cancel_requested=True), entry(), CLERK)
    assert asked.cancel.why_not == "A cancel has been requested already."
    doubtful = possibilities_of(detail(RunState.INTERRUPTED, in_doubt=[DOUBT]), entry(), CLERK)
    assert doubtful.decide.allowed
    assert "decide" in doubtful.rerun.why_not
    assert possibilities_of(detail(), entry(), CLERK).rerun_failed.why_not != ""
    retired = possibilities_of(detail(), entry(retired=True), CLERK)
    assert retired.rerun.why_not == "No service offers this job any more."
    foreign = possibilities_of(detail(client="other"), entry(), CLERK)
    assert not foreign.rerun.allowed


def test_what_a_rerun_asks_for() -> None:
    safe = possibilities_of(detail(), entry(), CLERK)
    assert (safe.risk, safe.confirmation) == (None, False)
    dangerous = entry(safe_to_repeat=False, repeat="it pays twice", danger=Danger.EXTERNAL_BOOKING)
    able = possibilities_of(detail(), dangerous, CLERK)
    assert (able.risk, able.confirmation) == ("it pays twice", True)


def test_advice_is_linked_where_there_is_some() -> None:
    assert advice_of(entry(), FAILURE) == f"/jobs/{JOB}#file_empty"
    other = FAILURE.model_copy(update={"code": "unheard_of"})
    assert advice_of(entry(), other) == f"/jobs/{JOB}#trouble"
    assert advice_of(entry(), None) is None
    assert advice_of(None, FAILURE) is None
    assert advice_of(entry(troubleshooting="docs/jobs/none.md"), FAILURE) is None


def test_a_ticket_tells_what_support_asks_for() -> None:
    text = ticket_of(
        detail(
            RunState.FAILED,
            failure=FAILURE,
            in_doubt=[DOUBT],
            counts={"created": 2},
            parameters={"keys": ["k" * 5000]},
            attempts=[attempt(1, 2, 10, "failed")],
        ),
        version="1.2.3",
        url="https://tagwerk.example/runs/1",
        trace_id="ab" * 16,
    )
    for wanted in (
        "https://tagwerk.example/runs/1",
        f"Job: {JOB}",
        "Requested: 2026-11-27 13:03:07.000 UTC by cleo (manual)",
        "Failure: file_empty",
        "Concerns: rates.csv",
        "Next step: Ask the bank.",
        "- mail:1: no answer",
        "- 1 on w:1: 2026-11-27 13:03:09.000 UTC to 2026-11-27 13:03:17.000 UTC, failed",
        f"Trace: {'ab' * 16}",
        "Tagwerk 1.2.3",
    ):
        assert wanted in text, wanted
    assert len(text) < 6000


def test_parameters_are_those_given_and_the_defaults() -> None:
    schema = {"properties": {"since": {"type": "string", "format": "date"}, "count": {"default": 5}}}
    values = values_of(detail(parameters={"since": "2026-10-01", "gone": [1, 2]}), entry(parameters=schema))
    assert [(value.name, value.text, value.given) for value in values] == [
        ("since", "2026-10-01", True),
        ("count", "5", False),
        ("gone", "[1,2]", True),
    ]
    assert [value.declared is not None for value in values] == [True, True, False]
    assert len(as_json(["x" * 5000])) == VALUE_LIMIT + 1


def test_a_large_event_is_cut() -> None:
    row = EventRow(sequence=7, subject="run.x", event={"type": "run.recorded", "text": "x" * 9000})
    event = event_of(row)
    assert (len(event.text), event.cut) == (EVENT_LIMIT, True)
    small = event_of(row.model_copy(update={"event": {"a": 1}}))
    assert (small.text, small.cut) == ('{\n  "a": 1\n}', False)


def test_an_empty_field_of_a_form_is_none() -> None:
    assert Asked(key="  ", cursor="").key is None
    assert Asked(key=" item:1 ").key == "item:1"


def test_the_trace_is_that_of_the_request() -> None:
    assert trace_id_of(detail(traceparent=f"00-{'a' * 32}-{'b' * 16}-01")) == "a" * 32
    assert trace_id_of(detail()) is None
