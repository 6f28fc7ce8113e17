"""What the scheduler's watch notices, and that it is over. Each names the event that it closes."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.events.base import BusinessEventBase
from shared.words import Lane


class RunOverdue(BusinessEventBase):
    """A run takes longer than its expected runtime allows; once for each run. `run_id` names it."""

    type: Literal["event.run.overdue"] = "event.run.overdue"
    job: str
    attempt: int
    #: Of the attempt.
    started_at: datetime
    #: Seconds that the job is expected to take, and that it may take before it is overdue.
    expected_runtime: float
    allowed: float


class RunOverdueEnded(BusinessEventBase):
    """A run that was overdue has ended."""

    type: Literal["event.run.overdue_ended"] = "event.run.overdue_ended"
    job: str
    #: Id of the `event.run.overdue`.
    opened_by: UUID


class RunLost(BusinessEventBase):
    """The worker of a run gives no heartbeat any more, and no other has taken the run over; once for each
    attempt. `run_id` names the run."""

    type: Literal["event.run.lost"] = "event.run.lost"
    job: str
    attempt: int
    #: `<host>:<pid>`.
    worker: str
    started_at: datetime
    #: Seconds without a heartbeat.
    silent: float


class RunFound(BusinessEventBase):
    """A run that was lost is worked on again, or has ended."""

    type: Literal["event.run.found"] = "event.run.found"
    job: str
    #: The attempt that was lost.
    attempt: int
    #: It was heard again, another attempt took over, or the attempt ended.
    how: Literal["heard", "taken_over", "ended"]
    #: Id of the `event.run.lost`.
    opened_by: UUID


class QueueUnworked(BusinessEventBase):
    """Requests of a job wait, and nobody works on them."""

    type: Literal["event.queue.unworked"] = "event.queue.unworked"
    job: str
    #: None for a job with a concurrency limit, which has one queue.
    lane: Lane | None = None
    #: Requests that wait, those that were handed to a worker which is gone among them.
    waiting: int
    #: Whether a replica of the job's service is there all the same, and takes nothing.
    service_alive: bool


class QueueWorked(BusinessEventBase):
    """Somebody works on the requests of a job again, or none waits any more."""

    type: Literal["event.queue.worked"] = "event.queue.worked"
    job: str
    lane: Lane | None = None
    #: Id of the `event.queue.unworked`.
    opened_by: UUID
