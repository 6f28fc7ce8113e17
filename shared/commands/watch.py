"""What the scheduler's watch has noticed, and is not over."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.commands.common import Query
from shared.words import Lane


class WatchQuery(Query):
    """`query.scheduler.watch` -> `Watched`: what the scope lets see; queues have no client."""


class WatchCase(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    #: The run takes too long, its worker gives no heartbeat, or nobody works on the job's requests.
    kind: Literal["overdue", "lost", "unworked"]
    job: str
    #: When it was noticed.
    since: datetime
    #: Of `overdue` and `lost`.
    run_id: UUID | None = None
    client: str | None = None
    #: `<host>:<pid>`, of `lost`.
    worker: str | None = None
    #: Of `unworked`: the requests that waited when it was noticed, and in which queue.
    waiting: int | None = None
    lane: Lane | None = None


class Watched(BaseModel):
    #: The earliest first.
    items: list[WatchCase]
