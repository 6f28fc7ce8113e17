"""What is asked before a run is started: runs like it, systems and locations, choices of live data."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.commands.common import Query
from shared.commands.status import RunSummary
from shared.errors import Failure
from shared.events import DoubtfulEffect
from shared.words import BreakerState, CallOutcome, CheckVerdict


class RepeatsQuery(Query):
    """`query.status.repeats` -> `Repeats`."""

    job: str
    client: str
    #: The parameters in every way in which they may have been written: with and without those that are the
    #: default.
    parameters: list[dict[str, Any]] = Field(min_length=1, max_length=10)


class DoubtfulRun(BaseModel):
    """A run that waits for a person's decision."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: UUID
    finished_at: datetime
    in_doubt: list[DoubtfulEffect]


class Repeats(BaseModel):
    """Earlier runs of a job for a client with equal parameters. Dry runs and reruns of some records only are
    none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: Those that have not ended, the newest first; at most 10.
    under_way: list[RunSummary] = Field(default_factory=list)
    #: The one that ended last.
    last: RunSummary | None = None
    #: Runs of the job for the client, whatever their parameters, that left an effect in doubt; at most 10.
    in_doubt: list[DoubtfulRun] = Field(default_factory=list)


class SystemCallsQuery(Query):
    """`query.status.system-calls` -> `SystemCalls`."""

    systems: list[str] = Field(max_length=1000)


class LastCall(BaseModel):
    """The newest call of a system with an outcome."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    system: str
    outcome: CallOutcome
    run_id: UUID
    job: str
    client: str
    operation: str
    started_at: datetime
    duration_ms: float
    detail: str | None = None
    failure: Failure | None = None


class SystemCalls(BaseModel):
    """For each system the newest call with each outcome, as far as the asker may see its run. Of systems that
    are called very often the newest thousand are looked through."""

    items: list[LastCall]


class ProbeQuery(BaseModel):
    """`query.<service>.probe` -> `ProbeAnswer`: can its systems be reached, its locations be written?"""

    model_config = ConfigDict(frozen=True, extra="ignore")

    names: list[str] = Field(max_length=100)
    #: Locations may be another's for each client.
    client: str


class Probed(BaseModel):
    """What came of looking at one system or location."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    #: `ok`; `warning` if it cannot be used now; `unknown` if nobody can tell.
    verdict: CheckVerdict
    #: What was found, or why it cannot be used; without credentials.
    words: str
    mend: str | None = None
    #: Stable, if it cannot be used.
    code: str | None = None
    checked_at: datetime
    duration_ms: float


class Breaker(BaseModel):
    """How the calls of a service to one address of a system outside stand."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    system: str
    #: `<host>:<port>`.
    host: str
    state: BreakerState
    #: When it opened; None while it is closed.
    since: datetime | None = None
    #: Calls in a row that did not reach the system, and the beginning of the first one.
    failures: int
    failing_since: datetime | None = None
    #: Why the last one did not, in words.
    last_error: str | None = None
    #: When it is tried again; None while it is closed.
    next_try: datetime | None = None
    #: When a call last reached it, give or take a minute.
    last_success: datetime | None = None


class ProbeAnswer(BaseModel):
    items: list[Probed]
    #: Of the systems that were asked for, those that have been called.
    breakers: list[Breaker] = Field(default_factory=list)


class ChoicesQuery(BaseModel):
    """`query.<service>.choices` -> `ChoicesPage`: values that a parameter can have now."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: What the parameter names as its source: `account`.
    source: str
    client: str
    #: Only those that contain this.
    text: str | None = None
    limit: int = Field(default=50, ge=1, le=500)


class Choice(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    value: str
    #: What a person calls it.
    label: str
    #: What helps to choose: an amount, a date.
    detail: str | None = None


class ChoicesPage(BaseModel):
    items: list[Choice]
    #: There are more than `limit`: say what to look for.
    more: bool = False
