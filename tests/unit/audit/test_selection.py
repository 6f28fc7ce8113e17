"""What of RUNS and AUDIT becomes an entry, and what it says."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.core import NewEntry, columns_of
from services.audit.selection import LARGEST_CONTENT, entry_of
from shared.audit import AuditEntry
from shared.events import CancelRequested, Decided, Finished, Requested, RunEvent, Started
from shared.feed import RawMessage
from shared.subjects import AUDIT, RUNS, RunSubjects
from shared.words import Decision, Lane, RunState, Trigger

RUN = UUID("01956000-0000-7000-8000-000000000001")
CREATED = "2026-01-01T00:00:00Z"
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
SUBJECTS = RunSubjects("integrations.create-payment-file", RUN)


def raw(subject: str, payload: bytes, sequence: int = 1) -> RawMessage:
    return RawMessage(sequence, subject, datetime(2026, 3, 1, tzinfo=UTC), payload)


def of_run(event: RunEvent, subject: str = SUBJECTS.ev) -> NewEntry | None:
    return entry_of(RUNS, CREATED, raw(subject, event.encode()))


def test_a_start_says_who_for_whom_why_and_that_it_was_confirmed() -> None:
    event = Requested(
        run_id=RUN,
        job=SUBJECTS.job,
        client="muster-ag",
        principal="ada",
        effective_principal="service-payments",
        trigger=Trigger.MANUAL,
        parameters={"until": "2026-03-31"},
        reason="payments of this week",
        confirmed=True,
        traceparent=TRACEPARENT,
    )
    entry = of_run(event, SUBJECTS.requested(Lane.INTERACTIVE))
    assert entry is not None
    assert (entry.event_id, entry.kind) == (event.id, "run_requested")
    fields = entry.content.fields
    digest = fields["after"].pop("parameters_sha256")
    assert fields.pop("time").endswith("Z")
    assert fields == {
        "action": "run_requested", "principal": "ada", "effective_principal": "service-payments",
        "client": "muster-ag", "concern": SUBJECTS.job, "reason": "payments of this week",
        "after": {"trigger": "manual", "confirmed": True}, "run_id": str(RUN), "trace_id": TRACE,
    }  # fmt: skip
    # Not what the parameters are, but that they were these.
    assert len(digest) == 64
    other = of_run(event.model_copy(update={"parameters": {}}), SUBJECTS.requested(Lane.INTERACTIVE))
    assert other is not None
    assert other.content.fields["after"]["parameters_sha256"] != digest


def test_a_cancel_and_a_decision_are_deeds_of_people() -> None:
    cancel = CancelRequested(run_id=RUN, principal="bob", reason="wrong file", traceparent=TRACEPARENT)
    entry = of_run(cancel, SUBJECTS.cancel_requested)
    assert entry is not None
    assert entry.kind == "run_cancel_requested"
    columns = columns_of(entry.content.fields)
    assert (columns.principal, columns.concern, columns.run_id) == ("bob", SUBJECTS.job, RUN)
    assert columns.trace_id == TRACE
    decided = Decided(
        run_id=RUN, effect="mail:7", decision=Decision.HAPPENED, principal="carla", reason="they have it"
    )
    entry = of_run(decided)
    assert entry is not None
    fields = entry.content.fields
    assert (entry.kind, fields["concern"], fields["after"]["decision"]) == (
        "effect_decided",
        "mail:7",
        "happened",
    )


@pytest.mark.parametrize(
    "event",
    [
        Started(run_id=RUN, attempt=1, worker="host:1"),
        Finished(run_id=RUN, attempt=1, state=RunState.SUCCEEDED, note='"run.decided"'),
    ],
)
def test_what_a_run_does_by_itself_is_no_entry(event: RunEvent) -> None:
    assert of_run(event) is None
    assert of_run(event, SUBJECTS.due(Lane.BULK)) is None


def test_an_entry_of_audit_is_kept_as_it_is() -> None:
    told = AuditEntry(
        action="principal_changed",
        principal="ada",
        concern="principal:bob",
        before={"roles": ["accounting"]},
        after={"roles": []},
        trace_id=TRACE,
    )
    entry = entry_of(AUDIT, CREATED, raw(told.subject, told.encode()))
    assert entry is not None
    assert (entry.event_id, entry.kind) == (told.id, "principal_changed")
    fields = entry.content.fields
    assert (fields["before"], fields["after"]) == (told.before, told.after)
    assert fields["trace_id"] == TRACE


@given(st.binary(max_size=200), st.sampled_from(["audit.signed_in", SUBJECTS.cancel_requested, SUBJECTS.ev]))
def test_what_cannot_be_read_says_so_and_is_the_same_on_every_reading(payload: bytes, subject: str) -> None:
    stream = AUDIT if subject.startswith("audit.") else RUNS
    message = raw(subject, payload, 17)
    entry = entry_of(stream, CREATED, message)
    assert entry_of(stream, CREATED, message) == entry
    if subject == SUBJECTS.ev:
        assert entry is None
        return
    assert entry is not None
    assert entry.kind == "unreadable"
    assert entry.content.fields["concern"] == f"{stream} 17"
    assert entry != entry_of(stream, "another stream", message)


@pytest.mark.parametrize(
    "change",
    [{"id": None}, {"time": None}, {"time": "0001-01-01T00:00:00+05:00"}, {"time": "2026-03-01T00:00:00"}],
)
def test_an_entry_without_id_or_a_usable_time_is_unreadable(change: dict[str, Any]) -> None:
    told = AuditEntry(action="signed_in", principal="ada", concern="session:1")
    fields = {name: value for name, value in (told.model_dump(mode="json") | change).items() if value}
    entry = entry_of(AUDIT, CREATED, raw(told.subject, json.dumps(fields).encode()))
    assert entry is not None
    assert entry.kind == "unreadable"


def test_of_a_huge_change_the_hash_is_kept() -> None:
    told = AuditEntry(
        action="rule_changed", principal="ada", concern="rules", after={"text": "x" * LARGEST_CONTENT}
    )
    entry = entry_of(AUDIT, CREATED, raw(told.subject, told.encode()))
    assert entry is not None
    assert len(entry.content.text) < 1_000
    assert list(entry.content.fields["after"]) == ["sha256"]
