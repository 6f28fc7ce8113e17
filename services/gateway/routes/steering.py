"""Stepping into a run: cancel it, or answer for an effect in doubt."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.gateway.context import AtLeast, MayStart, TheGateway, TheTrace
from services.gateway.fields import Text
from services.gateway.problems import ProblemError, answers
from shared import subjects
from shared.commands import Decide, Published
from shared.errors import Failure
from shared.events import CancelRequested
from shared.history import History
from shared.subjects import RunSubjects
from shared.words import Decision, RunState

router = APIRouter(tags=["runs"])

#: Seconds for a command that another service carries out.
COMMAND_TIMEOUT = 15.0


class CancelRun(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(default=None, max_length=1000)


class DecideEffect(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"effect": "reminder:INV-4711", "decision": "happened", "reason": "the customer has it"}
            ]
        },
    )

    effect: Text = Field(min_length=1)
    decision: Decision
    reason: str = Field(min_length=3, max_length=1000)


@router.post(
    "/runs/{run_id}/cancel", status_code=202, summary="Cancel a run", responses=answers(403, 404, 409)
)
async def cancel_run(
    run_id: UUID,
    asking: MayStart,
    gateway: TheGateway,
    trace: TheTrace,
    body: CancelRun | None = None,
    at_least: AtLeast = 0,
) -> Published:
    """The run stops at its next safe point; what is done stays done. Asking twice changes nothing."""
    run = await gateway.run(asking, run_id, at_least=at_least)
    await gateway.gate.job_to_start(asking, run.job, run.client)
    if run.state.final:
        raise _ended(run_id, run.state)
    subject = RunSubjects(run.job, run_id)
    messages = await gateway.bus.read(subjects.RUNS, subject.all)
    history = History.of(messages)
    if history.finished is not None:
        raise _ended(run_id, history.finished.state)
    earlier = [message.sequence for message in messages if message.subject == subject.cancel_requested]
    if earlier:
        return Published(run_id=run_id, sequence=earlier[0])
    event = CancelRequested(
        run_id=run_id,
        principal=asking.id,
        reason=body.reason if body else None,
        traceparent=trace.traceparent,
    )
    sequence = await gateway.bus.publish(subject.cancel_requested, event.encode(), msg_id=str(event.id))
    return Published(run_id=run_id, sequence=sequence)


def _ended(run_id: UUID, state: RunState) -> ProblemError:
    failure = Failure(
        code="run_ended",
        cause=f"run {run_id} has ended already: {state.replace('_', ' ')}",
        concern=str(run_id),
        next_step="Read the run; there is nothing to cancel any more.",
    )
    return ProblemError(failure, state=state)


@router.post(
    "/runs/{run_id}/decisions",
    summary="Answer for an effect in doubt",
    responses=answers(403, 404, 409),
)
async def decide_effect(
    run_id: UUID,
    body: DecideEffect,
    asking: MayStart,
    gateway: TheGateway,
    trace: TheTrace,
    at_least: AtLeast = 0,
) -> Published:
    """`happened` closes the effect; `repeat` lets the next rerun do it again."""
    run = await gateway.run(asking, run_id, at_least=at_least)
    await gateway.gate.job_to_start(asking, run.job, run.client)
    command = Decide(
        run_id=run_id,
        job=run.job,
        effect=body.effect,
        decision=body.decision,
        principal=asking.id,
        reason=body.reason,
        traceparent=trace.traceparent,
    )
    subject = subjects.decide(subjects.service_of(run.job))
    return await gateway.bus.ask(subject, command, Published, timeout=COMMAND_TIMEOUT)
