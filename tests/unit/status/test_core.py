"""The fold, rule by rule, and what must hold for every history."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.status.core import fold, missing_records, missing_runs
from services.status.messages import Decoded, decode
from services.status.rows import Changes, RecordRow, RunRow
from shared.events import DoubtfulEffect
from shared.feed import RawMessage
from shared.words import Decision, Outcome, RunState
from tests.support.run_events import RunTeller, failure, in_stream, record


def folded(*runs: RunTeller) -> tuple[dict[UUID, RunRow], Changes]:
    """The rows after everything that `runs` told, one run after the other."""
    messages = in_stream([message for run in runs for message in run.messages])
    states: dict[UUID, RunRow] = {}
    return states, fold(states, [decode(raw) for raw in messages], Changes())


def row(run: RunTeller) -> RunRow:
    return folded(run)[0][run.run_id]


def outcomes(run: RunTeller) -> dict[str, Outcome]:
    return {key: entry.outcome for key, entry in row(run).known.items()}


def test_a_run_goes_from_queued_over_running_to_its_end() -> None:
    run = RunTeller().requested()
    assert row(run).state is RunState.QUEUED
    assert row(run.started(1)).state is RunState.RUNNING
    end = row(run.finished(1))
    assert (end.state, end.duration, end.action_required) == (RunState.SUCCEEDED, 1.0, False)


def test_the_first_end_in_stream_order_counts() -> None:
    end = row(RunTeller().requested().started(1).finished(1, "cancelled").finished(1, "succeeded"))
    assert end.state is RunState.CANCELLED


def test_a_failed_attempt_waits_until_the_next_one_is_due() -> None:
    run = RunTeller().requested().started(1).attempt_failed(1)
    waiting = row(run)
    assert waiting.state is RunState.WAITING
    assert waiting.next_attempt_at is not None
    assert waiting.failure is not None
    due = row(run.due(2))
    assert (due.state, due.next_attempt_at) == (RunState.QUEUED, None)
    again = row(run.started(2))
    assert (again.state, again.attempt, again.failure) == (RunState.RUNNING, 2, None)
    assert again.started_at == waiting.started_at


def test_a_start_that_is_said_twice_does_not_end_the_wait() -> None:
    run = RunTeller().requested().started(1).attempt_failed(1)
    assert row(run.started(1)).state is RunState.WAITING


def test_a_handed_over_attempt_waits_for_a_worker_and_not_for_a_time() -> None:
    handed_over = row(RunTeller().requested().started(1).attempt_failed(1, counts=False))
    assert (handed_over.state, handed_over.next_attempt_at) == (RunState.QUEUED, None)


def test_what_attempt_1_created_is_not_unchanged_in_attempt_2() -> None:
    run = RunTeller().requested().started(1).recorded(1, record("a", "created")).started(2)
    run.recorded(2, record("a", "unchanged"))
    assert outcomes(run) == {"a": Outcome.CREATED}
    assert row(run).counts == {"created": 1}


def test_a_real_outcome_replaces_a_failure_and_keeps_its_place() -> None:
    run = RunTeller().requested().started(1)
    run.recorded(1, record("a", "failed"), record("b", "unknown"), record("c", "skipped")).started(2)
    run.recorded(2, record("c", "created"), record("b", "updated"), record("a", "unchanged"))
    end = row(run)
    assert [(e.key, e.position, e.outcome.value, e.failure) for e in end.known.values()] == [
        ("a", 1, "unchanged", None),
        ("b", 2, "updated", None),
        ("c", 3, "created", None),
    ]
    assert end.counts == {"unchanged": 1, "updated": 1, "created": 1}


def test_a_record_that_fails_after_it_was_changed_has_been_changed_all_the_same() -> None:
    run = RunTeller().requested().started(1).recorded(1, record("a", "updated")).started(2)
    end = row(run.recorded(2, record("a", "failed")))
    assert (end.counts, end.changed, end.known["a"].changed) == ({"failed": 1}, 1, True)


def test_what_was_created_and_then_updated_was_created() -> None:
    run = RunTeller().requested().started(1).recorded(1, record("a", "created"), record("a", "updated"))
    assert outcomes(run) == {"a": Outcome.CREATED}


def test_outcomes_that_a_relay_publishes_after_the_end_still_count() -> None:
    run = RunTeller().requested().started(1).finished(1).recorded(1, record("a", "created"))
    assert row(run).counts == {"created": 1}
    assert row(run).state is RunState.SUCCEEDED


def test_an_effect_that_happened_makes_its_record_updated_and_ends_the_need_for_action() -> None:
    doubt = DoubtfulEffect(effect="mail", cause="a timeout", record="a")
    run = RunTeller().requested().started(1).recorded(1, record("a", "unknown"))
    run.finished(1, "interrupted", in_doubt=[doubt])
    before = row(run)
    assert (before.state, before.action_required, before.changed) == (RunState.INTERRUPTED, True, 0)
    after = row(run.decided("mail", Decision.HAPPENED))
    assert (after.state, after.action_required, after.in_doubt) == (RunState.INTERRUPTED, False, [])
    assert (after.known["a"].outcome, after.changed) == (Outcome.UPDATED, 1)


def test_an_effect_to_be_done_again_makes_its_record_failed_and_retryable() -> None:
    doubt = DoubtfulEffect(effect="mail", cause="a timeout", record="a")
    run = RunTeller().requested().started(1).recorded(1, record("a", "unknown"))
    run.finished(1, "interrupted", in_doubt=[doubt]).decided("mail", Decision.REPEAT)
    end = row(run)
    assert end.counts == {"failed": 1}
    assert '"retryable":true' in (end.known["a"].failure or "")


def test_action_is_required_as_long_as_one_effect_is_in_doubt() -> None:
    doubts = [DoubtfulEffect(effect=effect, cause="a timeout") for effect in ("mail", "booking")]
    run = RunTeller().requested().started(1).finished(1, "interrupted", in_doubt=doubts)
    assert row(run.decided("mail", Decision.HAPPENED)).action_required
    assert not row(run.decided("booking", Decision.HAPPENED)).action_required


def test_a_cancel_shows_until_the_end_and_not_when_it_came_after_it() -> None:
    assert row(RunTeller().requested().cancel_requested()).cancel_requested
    assert not row(RunTeller().requested().started(1).finished(1).cancel_requested()).cancel_requested


def test_each_final_state_says_whether_action_is_required() -> None:
    required = {
        state: row(RunTeller().requested().started(1).finished(1, state)).action_required
        for state in RunState
        if state.final
    }
    assert required == {
        RunState.SUCCEEDED: False, RunState.PARTIALLY_FAILED: True, RunState.FAILED: True,
        RunState.CANCELLED: False, RunState.TIMED_OUT: True, RunState.INTERRUPTED: False,
    }  # fmt: skip


def test_an_unknown_type_changes_nothing_but_is_archived() -> None:
    run = RunTeller().requested()
    before = row(run)
    event = (
        f'{{"type":"run.paused","id":"{run.run_id}","run_id":"{run.run_id}","time":"2026-03-01T00:00:00Z"}}'
    )
    states, changes = folded(run.raw(event.encode()))
    assert _without_sequence(states[run.run_id]) == _without_sequence(before)
    assert changes.archive[-1].type == "run.paused"
    assert not changes.dead


def test_what_cannot_be_decoded_marks_its_run_and_becomes_a_dead_letter() -> None:
    run = RunTeller().requested()
    foreign = RunTeller("foreign").requested().messages[0][1]
    nobodys = ("run.documents.ocr.no-uuid.ev", b"{}")
    undated = f'{{"type":"run.due","id":"{run.run_id}","run_id":"{run.run_id}"}}'.encode()
    for payload in (b"{", b"[]", b'{"type":"run.started"}', foreign, undated):
        states, changes = folded(RunTeller().requested().raw(payload))
        assert states[run.run_id].history_incomplete, payload
        assert [letter.raw.payload for letter in changes.dead] == [payload]
    states, changes = folded(run.raw(nobodys[1], nobodys[0]))
    assert not states[run.run_id].history_incomplete
    assert [letter.raw.subject for letter in changes.dead] == [nobodys[0]]
    assert changes.archive[-1].run_id is None


def test_a_history_without_its_beginning_is_incomplete() -> None:
    run = RunTeller()
    assert row(run.started(1)).history_incomplete
    assert row(run.finished(1)).state is RunState.SUCCEEDED


def test_a_run_that_begins_with_its_request_is_taken_for_new() -> None:
    new, old = RunTeller("new").requested().started(1), RunTeller("old").started(2)
    batch = [decode(raw) for raw in in_stream(new.messages + old.messages)]
    assert missing_runs({}, batch) == {old.run_id}


# --- for every history -------------------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c"])
RECORDS = st.builds(record, KEYS, st.sampled_from(list(Outcome)))
DOUBTS = st.lists(
    st.builds(DoubtfulEffect, effect=st.sampled_from(["mail", "pay"]), cause=st.just("?"), record=KEYS)
)


@st.composite
def told_runs(draw: st.DrawFn, name: str) -> RunTeller:
    """Any run, sensible or not."""
    run = RunTeller(name)
    if draw(st.integers(0, 9)):
        run.requested()
    for _ in range(draw(st.integers(0, 12))):
        attempt = draw(st.integers(0, 3))
        match draw(st.integers(0, 10)):
            case 0 | 1:
                run.started(attempt)
            case 2 | 3 | 4:
                run.recorded(attempt, *draw(st.lists(RECORDS, min_size=1, max_size=4)))
            case 5:
                run.progressed(attempt, draw(st.integers(0, 9)), draw(st.none() | st.integers(0, 9)))
            case 6:
                run.attempt_failed(attempt, counts=draw(st.booleans()))
            case 7:
                run.due(attempt)
            case 8:
                run.cancel_requested()
            case 9:
                run.decided(draw(st.sampled_from(["mail", "pay"])), draw(st.sampled_from(list(Decision))))
            case 10:
                state = draw(st.sampled_from(list(RunState)))
                run.finished(
                    attempt, state, in_doubt=draw(DOUBTS), failure=draw(st.none() | st.just(failure()))
                )
    if not draw(st.integers(0, 9)):
        run.raw(draw(st.sampled_from([b"", b"{}", b'{"type":"run.later"}'])))
    return run


@st.composite
def streams(draw: st.DrawFn) -> list[Decoded]:
    """The messages of some runs, in turns."""
    runs = [draw(told_runs(name)) for name in ("x", "y", "z")]
    turns = draw(st.permutations([i for i, run in enumerate(runs) for _ in run.messages]))
    left = [iter(run.messages) for run in runs]
    return [decode(raw) for raw in in_stream(next(left[i]) for i in turns)]


@pytest.mark.parametrize("split", range(1, 6))
def test_a_decision_finds_the_record_in_doubt_wherever_memory_was_lost(split: int) -> None:
    run = RunTeller().requested().started(1).recorded(1, record("a", "unknown"))
    run.finished(1, "interrupted", in_doubt=[DoubtfulEffect(effect="mail", cause="?", record="a")])
    stream = [decode(raw) for raw in in_stream(run.decided("mail", Decision.HAPPENED).messages)]
    database = Database()
    for batch in (stream[:split], stream[split:]):
        database.project(batch, forget=True)
    assert database.records[run.run_id, "a"]["outcome"] is Outcome.UPDATED
    assert database.runs[run.run_id]["counts"] == {"updated": 1}


@given(streams(), st.lists(st.integers(1, 7)), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_split_into_batches_gives_the_same_rows(
    stream: list[Decoded], sizes: list[int], forgetful: bool
) -> None:
    whole = Database()
    whole.project(stream)
    piecewise = Database()
    begin = 0
    for size in [*sizes, len(stream)]:
        piecewise.project(stream[begin : begin + size], forget=forgetful)
        begin += size
    assert piecewise.content() == whole.content()


@given(streams(), st.data())
@settings(max_examples=300, deadline=None)
def test_what_a_superseded_attempt_says_never_changes_anything(
    stream: list[Decoded], data: st.DataObject
) -> None:
    raws = [message.raw for message in stream]
    place = data.draw(st.integers(0, len(raws)))
    states: dict[UUID, RunRow] = {}
    fold(states, stream[:place], Changes())
    superseded = [run for run in states.values() if run.attempt > 1]
    if not superseded:
        return
    run = data.draw(st.sampled_from(sorted(superseded, key=lambda run: str(run.run_id))))
    attempt = data.draw(st.integers(0, run.attempt - 1))
    name = next(name for name in "xyz" if RunTeller(name).run_id == run.run_id)
    late = RunTeller(name)
    late.started(attempt).recorded(attempt, record("a", "created"), record("new", "deleted"))
    late.progressed(attempt, 99).attempt_failed(attempt).finished(attempt, "timed_out")
    inserted = late.messages[data.draw(st.integers(0, len(late.messages) - 1))]
    messages = [(raw.subject, raw.payload) for raw in raws]
    messages.insert(place, inserted)
    assert _rows(messages) == _rows([(raw.subject, raw.payload) for raw in raws])


def _rows(messages: Sequence[tuple[str, bytes]]) -> Any:
    states: dict[UUID, RunRow] = {}
    changes = fold(states, [decode(raw) for raw in in_stream(messages)], Changes())
    return (
        {run_id: _without_sequence(run) for run_id, run in states.items()},
        len(changes.calls),
        len(changes.logs),
    )


def _without_sequence(run: RunRow) -> dict[str, Any]:
    values = _plain(run)
    # The row tells how far it goes; a stale event is part of the run's history.
    del values["sequence"], values["first_sequence"]
    if run.request is None:
        # Of a run without a request it is the time at which the server stored its first message.
        del values["requested_at"]
    return values


def _plain(value: Any) -> dict[str, Any]:
    plain = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, RunRow):
        plain["known"] = {key: _plain(entry) for key, entry in value.known.items()}
    return plain


class Database:
    """Keeps rows as the store does, and gives them back without what only memory knew."""

    def __init__(self) -> None:
        self.runs: dict[UUID, dict[str, Any]] = {}
        self.records: dict[tuple[UUID, str], dict[str, Any]] = {}
        self.archive: list[Any] = []
        self.dead: list[RawMessage] = []
        self._states: dict[UUID, RunRow] = {}

    def project(self, batch: Sequence[Decoded], *, forget: bool = False) -> None:
        if forget:
            self._states.clear()
        for run_id in missing_runs(self._states, batch) & self.runs.keys():
            self._states[run_id] = RunRow(
                **{**self.runs[run_id], "all_known": False, "known": {}, "request": None}
            )
        for run_id, key in missing_records(self._states, batch):
            if (run_id, key) in self.records:
                self._states[run_id].known[key] = RecordRow(**self.records[run_id, key])
        changes = fold(self._states, batch, Changes())
        for run in changes.runs.values():
            self.runs[run.run_id] = {**_copied(run), "known": None, "all_known": None, "request": None}
        for run_id, records in changes.records.items():
            for key, entry in records.items():
                self.records[run_id, key] = _copied(entry)
        self.archive += changes.archive
        self.dead += [letter.raw for letter in changes.dead]

    def content(self) -> Any:
        return self.runs, self.records, self.archive, self.dead


def _copied(value: Any) -> dict[str, Any]:
    plain = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: dict(v) if isinstance(v, dict) else v for name, v in plain.items()}
