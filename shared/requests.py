"""Requesting a run: one conditional publish, so that the same request causes the same run once."""

from dataclasses import dataclass

from shared import subjects
from shared.bus import Bus, Conflict
from shared.errors import TagwerkError
from shared.events import Requested, decode_run_event
from shared.jobs import CatalogueEntry
from shared.subjects import RunSubjects
from shared.telemetry.messages import sending_run
from shared.words import Lane


@dataclass(frozen=True, slots=True)
class RequestedRun:
    """What a request led to."""

    request: Requested
    #: Sequence of the request in RUNS.
    sequence: int
    #: The run had been requested before; this request changed nothing.
    existing: bool


class IdempotencyConflict(TagwerkError):
    def __init__(self, job: str, key: str | None) -> None:
        super().__init__(
            "idempotency_conflict",
            f"the idempotency key {key} was used before to start {job} with other parameters",
            concern=job,
            next_step="Use a new key for a new request, or send the same parameters again.",
        )


async def request_run(bus: Bus, request: Requested, lane: Lane) -> RequestedRun:
    """Publish the request. Raises `IdempotencyConflict` if the same run was requested differently."""
    run = RunSubjects(request.job, request.run_id)
    with sending_run(request) as traceparent:
        # What it leads to is a consequence of this publish.
        request = request.model_copy(update={"traceparent": traceparent})
        try:
            sequence = await bus.publish(run.requested(lane), request.encode(), expect_last=(run.all, 0))
            return RequestedRun(request, sequence, existing=False)
        except Conflict:
            pass
    messages = await bus.read(subjects.RUNS, run.all)
    earlier = decode_run_event(messages[0].data) if messages else None
    if not isinstance(earlier, Requested):
        raise IdempotencyConflict(request.job, request.idempotency_key)
    same = earlier.parameters == request.parameters and earlier.dry_run == request.dry_run
    if earlier.id != request.id and not same:
        raise IdempotencyConflict(request.job, request.idempotency_key)
    return RequestedRun(earlier, messages[0].sequence, existing=earlier.id != request.id)


def effective_principal(entry: CatalogueEntry, principal: str) -> str:
    """As whom a run of this job works when `principal` asks for it."""
    return principal if entry.runs_as == "user" else entry.runs_as
