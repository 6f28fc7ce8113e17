"""Histories of runs, as they would lie in RUNS, for tests of whatever reads them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.errors import Failure
from shared.events import (
    AttemptFailed,
    Called,
    CancelRequested,
    Decided,
    DoubtfulEffect,
    Due,
    Finished,
    Logged,
    Progressed,
    Record,
    Recorded,
    Requested,
    RunEvent,
    Started,
)
from shared.feed import RawMessage
from shared.ids import derived_id
from shared.subjects import RunSubjects
from shared.words import Decision, Lane, Outcome, RunState, Trigger

START = datetime(2026, 3, 1, 14, 2, 11, tzinfo=UTC)
JOB = "documents.ocr"


def failure(code: str = "record_invalid", cause: str = "the page is empty", **more: Any) -> Failure:
    return Failure(code=code, cause=cause, next_step=more.pop("next_step", "Scan it again."), **more)


def record(key: str, outcome: Outcome | str, **more: Any) -> Record:
    if outcome in (Outcome.FAILED, Outcome.UNKNOWN):
        more.setdefault("failure", failure())
    return Record(key=key, outcome=Outcome(outcome), **more)


class RunTeller:
    """Tells the events of one run; each a second after the one before, in the order of the calls."""

    def __init__(self, name: str = "run", *, job: str = JOB, start: datetime = START) -> None:
        self.name = name
        self.run_id: UUID = derived_id("test-run", name)
        self.job = job
        self.subjects = RunSubjects(job, self.run_id)
        self._time = start - timedelta(seconds=1)
        self._told = 0
        #: (subject, payload) in order.
        self.messages: list[tuple[str, bytes]] = []

    def requested(self, **more: Any) -> "RunTeller":
        fields: dict[str, Any] = {
            "job": self.job, "client": "muster-ag", "principal": "ada", "effective_principal": "ada",
            "trigger": Trigger.MANUAL, **more,
        }  # fmt: skip
        return self.tell(Requested(**self._common(0), **fields), self.subjects.requested(Lane.BULK))

    def started(self, attempt: int = 1, **more: Any) -> "RunTeller":
        return self.tell(Started(**self._common(attempt), **{"worker": "host:123", **more}))

    def progressed(self, attempt: int, done: int, total: int | None = None) -> "RunTeller":
        return self.tell(Progressed(**self._common(attempt), done=done, total=total))

    def recorded(self, attempt: int, *records: Record) -> "RunTeller":
        return self.tell(Recorded(**self._common(attempt), records=list(records)))

    def called(self, attempt: int, *calls: Any) -> "RunTeller":
        return self.tell(Called(**self._common(attempt), calls=list(calls)))

    def logged(self, attempt: int, *lines: Any) -> "RunTeller":
        return self.tell(Logged(**self._common(attempt), lines=list(lines)))

    def attempt_failed(self, attempt: int, *, counts: bool = True, **more: Any) -> "RunTeller":
        common = self._common(attempt)
        event = AttemptFailed(
            **common,
            failure=more.pop("failure", failure("connection_failed", "the scanner did not answer")),
            next_attempt_at=common["time"] + timedelta(seconds=5),
            counts=counts,
        )
        return self.tell(event, self.subjects.attempt_failed(Lane.BULK))

    def due(self, attempt: int) -> "RunTeller":
        return self.tell(Due(**self._common(attempt)), self.subjects.due(Lane.BULK))

    def cancel_requested(self, principal: str = "bob", reason: str | None = None) -> "RunTeller":
        event = CancelRequested(**self._common(0), principal=principal, reason=reason)
        return self.tell(event, self.subjects.cancel_requested)

    def decided(self, effect: str, decision: Decision, record: str | None = None) -> "RunTeller":
        return self.tell(
            Decided(
                **self._common(0), effect=effect, decision=decision, principal="carla", reason="I asked them",
                record=record,
            )
        )  # fmt: skip

    def finished(
        self,
        attempt: int = 1,
        state: RunState | str = RunState.SUCCEEDED,
        *,
        in_doubt: Iterable[DoubtfulEffect] = (),
        **more: Any,
    ) -> "RunTeller":
        return self.tell(
            Finished(**self._common(attempt), state=RunState(state), in_doubt=list(in_doubt), **more)
        )

    def raw(self, payload: bytes, subject: str | None = None) -> "RunTeller":
        """Something that no event of ours is."""
        self.messages.append((subject or self.subjects.ev, payload))
        return self

    def again(self) -> "RunTeller":
        """The last message once more, as a second publish of the same event."""
        self.messages.append(self.messages[-1])
        return self

    def tell(self, event: RunEvent, subject: str | None = None) -> "RunTeller":
        self.messages.append((subject or self.subjects.ev, event.encode()))
        return self

    def _common(self, attempt: int) -> dict[str, Any]:
        self._told += 1
        self._time += timedelta(seconds=1)
        return {
            "id": derived_id("test-event", self.name, str(self._told)),
            "time": self._time,
            "run_id": self.run_id,
            "attempt": attempt,
        }


def in_stream(messages: Iterable[tuple[str, bytes]], first: int = 1) -> list[RawMessage]:
    """`messages` as the stream holds them, from sequence `first` on, one stored each millisecond."""
    return [
        RawMessage(sequence, subject, START + timedelta(milliseconds=sequence), payload)
        for sequence, (subject, payload) in enumerate(messages, first)
    ]
