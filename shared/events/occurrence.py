"""The verdict on an occurrence of a schedule, as it lies in OCCURRENCES."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.events.message import Message
from shared.events.run import Requested
from shared.words import OccurrenceVerdict


class Occurrence(Message):
    """Published on the condition that nobody has said anything about this occurrence."""

    type: Literal["occurrence.decided"] = "occurrence.decided"
    schedule: str
    job: str
    client: str
    nominal: datetime
    verdict: OccurrenceVerdict
    reason: str | None = None
    #: Of one that is started: the request, which whoever gets this message publishes.
    request: Requested | None = None
    #: It waits for the end of this run, the one before; `cancel_before` cancels that.
    after_run: UUID | None = None
    cancel_before: bool = False
    #: Run of the newest occurrence up to this one that was started.
    last_run: UUID | None = None
    last_started_at: datetime | None = None
