"""Queries about all runs of each job, and how runs came from each other."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.commands.common import Query
from shared.commands.status import RunSummary
from shared.words import RunState


class OverviewQuery(Query):
    """`query.status.overview` -> `Overview`."""

    #: Only runs of this job, and for this client.
    job: str | None = None
    client: str | None = None
    #: Also the last run of each job; else its numbers alone.
    last_runs: bool = True


class JobOverview(BaseModel):
    """The runs of one job that the asker may see."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    job: str
    #: State -> number of runs.
    states: dict[str, int] = Field(default_factory=dict)
    action_required: int = 0
    #: The run that was requested last, if it is asked for.
    last: RunSummary | None = None
    #: Of the last runs that ended by themselves (up to 50 for each client): how many there are, and how many
    #: of them succeeded.
    ended: int = 0
    succeeded: int = 0
    #: Median of the seconds that the last successful runs took; of several clients the median of theirs.
    #: None without one.
    typical: float | None = None


class Overview(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    #: Of all jobs: state -> number of runs, and those that need somebody.
    states: dict[str, int] = Field(default_factory=dict)
    action_required: int = 0
    #: Jobs that have runs, by id.
    jobs: list[JobOverview] = Field(default_factory=list)


class LastRunsQuery(Query):
    """`query.status.last-runs` -> `LastRuns`: what a list of jobs shows of each one's last run."""


class RunGlance(BaseModel):
    """What a list shows of a run beside others."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: UUID
    job: str
    state: RunState
    requested_at: datetime
    #: Outcome -> number of records.
    counts: dict[str, int] = Field(default_factory=dict)
    #: Of its last event in RUNS.
    sequence: int


class LastRuns(BaseModel):
    #: Of each job the run that was requested last and that the asker may see.
    items: list[RunGlance]


class DurationsQuery(Query):
    """`query.status.durations` -> `Durations`: the last runs of one job that were started."""

    job: str
    client: str | None = None
    limit: int = Field(default=50, ge=1, le=200)


class RunDuration(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: UUID
    started_at: datetime
    state: RunState
    #: Seconds from the first start to the end; None as long as it goes on.
    duration: float | None = None


class Durations(BaseModel):
    #: The newest first.
    items: list[RunDuration]


class TreeQuery(Query):
    """`query.status.tree` -> `RunTree`, or `run_not_found`: what a run came from, and what came of it."""

    run_id: UUID


class RunNode(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    run: RunSummary
    #: How it came from the run above: it was `caused` by it, or is a `rerun` of it. None at the top.
    how: Literal["caused", "rerun"] | None = None
    #: The earliest requested first.
    children: list["RunNode"] = Field(default_factory=list)
    #: There are more children than are shown.
    more: bool = False


class RunTree(BaseModel):
    """Causes and consequences of a run, as far as the asker may see them and a few levels far."""

    #: The earliest cause.
    root: RunNode
