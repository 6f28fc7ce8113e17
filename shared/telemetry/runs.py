"""The span of an attempt: every try of a run is one, under the request that all of them belong to."""

from types import TracebackType
from typing import Final, Self

from opentelemetry.trace import INVALID_SPAN, Span, SpanKind

from shared.events import Requested, Started
from shared.runner.steps import Again, End
from shared.subjects import RUNS
from shared.telemetry.messages import RUN_DUE, RUN_REQUESTED, Delivered, message
from shared.telemetry.spans import Entry, entry, failed, recorded
from shared.words import RunState

_REQUESTED: Final = message("process", "process", RUNS, RUN_REQUESTED)
_DUE: Final = message("process", "process", RUNS, RUN_DUE)

#: Ends that somebody has to look at.
_BAD = frozenset({RunState.FAILED, RunState.PARTIALLY_FAILED, RunState.TIMED_OUT, RunState.INTERRUPTED})


class AttemptSpan:
    """Around an attempt, and what it says of its end."""

    __slots__ = ("_entry", "_span")

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._span: Span = INVALID_SPAN

    def __enter__(self) -> Self:
        self._span = self._entry.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entry.__exit__(kind, error, trace)

    def ended(self, result: End | Again) -> None:
        """A failed attempt is an error, even if the next one succeeds."""
        if not self._span.is_recording():
            return
        state = RunState.WAITING if isinstance(result, Again) else result.state
        self._span.set_attribute("tagwerk.run.state", state.value)
        if isinstance(result, Again) or state in _BAD:
            failed(self._span, state.value if result.failure is None else result.failure.code)

    def handed_over(self) -> None:
        """The process was asked to stop; another one goes on."""
        self._span.set_attribute("tagwerk.run.state", RunState.WAITING.value)
        self._span.set_attribute("error.type", "worker_stopped")


def given_up(request: Requested, attempt: int, end: End) -> None:
    """The run has ended without another attempt, after `attempt` of them: the spans of those that were killed
    are lost, and a run that failed has to be found."""
    if not recorded():
        return
    attributes = {
        **_REQUESTED,
        "tagwerk.run.id": str(request.run_id),
        "tagwerk.job": request.job,
        "tagwerk.client": request.client,
        "tagwerk.attempt": attempt,
    }
    with AttemptSpan(entry("end run", SpanKind.CONSUMER, attributes, parent=request.traceparent)) as span:
        span.ended(end)


def attempt_at_work(
    request: Requested, started: Started, delivery: Delivered, *, due: bool, began: int
) -> AttemptSpan:
    """Around one attempt, from the arrival of its work item on (`began`, nanoseconds since 1970).

    An attempt whose process is killed leaves no span: the next one tells of it by `tagwerk.crashes`.
    """
    attributes = _DUE if due else _REQUESTED
    if recorded():
        attributes = {
            **attributes,
            "tagwerk.run.id": str(started.run_id),
            "tagwerk.job": request.job,
            "tagwerk.client": request.client,
            "tagwerk.attempt": started.attempt,
        }
        if delivery.delivered > 1:
            attributes["messaging.nats.delivered"] = delivery.delivered
        if started.crashes:
            attributes["tagwerk.crashes"] = started.crashes
    return AttemptSpan(
        entry("process run.requested", SpanKind.CONSUMER, attributes, parent=request.traceparent, began=began)
    )
