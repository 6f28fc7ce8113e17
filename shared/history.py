"""What a worker or the scheduler must know of a run before it speaks: a fold of the run's own messages.

Pure. The projection folds the same events for people; this one decides who may do the next step.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.bus import Stored
from shared.events import (
    AttemptFailed,
    CancelRequested,
    Due,
    Finished,
    Requested,
    Started,
    Undecodable,
    UnknownEvent,
    decode_run_event,
)
from shared.subjects import parse_run_subject


@dataclass(slots=True)
class History:
    """The life of one run so far, as its messages in RUNS tell it."""

    request: Requested | None = None
    #: Sequence of the last message on any of the run's subjects: what the next condition names.
    last_sequence: int = 0
    #: Number of the newest attempt; 0 before the first.
    attempt: int = 0
    #: How the newest attempt started.
    started: Started | None = None
    #: The delivery that the newest attempt came from: work item and number of its delivery.
    delivery: tuple[int, int] = (0, 0)
    #: Attempts that failed and used up one of the job's tries.
    counted_failures: int = 0
    #: Attempts that ended without a word.
    crashes: int = 0
    #: The newest attempt failed, and the scheduler holds the next one.
    waiting: AttemptFailed | None = None
    cancel: CancelRequested | None = None
    finished: Finished | None = None
    #: The newest attempt has started and not ended.
    open_attempt: bool = False
    #: Ids of all events seen, to recognize one's own after an unclear publish.
    ids: set[str] = field(default_factory=set)

    def add(self, message: Stored) -> None:
        self.last_sequence = message.sequence
        if _tells_records(message.data):
            return
        try:
            event = decode_run_event(message.data)
        except Undecodable:
            return
        if isinstance(event, UnknownEvent):
            return
        self.ids.add(str(event.id))
        match event:
            case Requested():
                self.request = event
            case Started():
                # One that started while another was open follows a crash.
                self.crashes += self.open_attempt
                if event.attempt >= self.attempt:
                    self.attempt, self.started = event.attempt, event
                self.delivery = max(self.delivery, (event.work_item, event.delivery))
                self.open_attempt, self.waiting = True, None
            case AttemptFailed() if event.attempt == self.attempt:
                self.open_attempt = False
                self.counted_failures += event.counts
                # On `ev` stands the failure of an ordered job, which keeps its slot and is not parked.
                if parse_run_subject(message.subject).kind == "attempt_failed":
                    self.waiting = event
            case Due():
                self.waiting = None
            case CancelRequested():
                self.cancel = self.cancel or event
            case Finished():
                if self.finished is None and event.attempt >= self.attempt:
                    self.finished = event
                    self.open_attempt, self.waiting = False, None
            case _:
                pass

    @classmethod
    def of(cls, messages: Iterable[Stored]) -> "History":
        history = cls()
        for message in messages:
            history.add(message)
        return history


def _tells_records(data: bytes) -> bool:
    """Whether it is a `recorded` event, which says nothing of the run's life and may hold 500 records. The
    type stands before them, and behind nothing that could hold another."""
    at = data.find(b'"type":')
    return data.startswith(b'"type":"run.recorded"', at) and b"{" not in data[1:at]
