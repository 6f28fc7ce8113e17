"""What every query, command and answer has."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import Failure


class Scope(BaseModel):
    """What the asking principal may see. None means: no restriction."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    clients: frozenset[str] | None = None
    #: Ids of the jobs whose runs may be seen.
    jobs: frozenset[str] | None = None

    def sees(self, client: str, job: str) -> bool:
        """Whether a run of this job for this client may be seen."""
        return (self.clients is None or client in self.clients) and (self.jobs is None or job in self.jobs)


class Query(BaseModel):
    """What every query carries."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    scope: Scope = Scope()
    #: A sequence of RUNS that the answer must include; the status service waits for it up to 2 s.
    at_least: int = 0


class PagedQuery(Query):
    limit: int = Field(default=50, ge=1, le=1000)
    #: `next_cursor` of the page before.
    cursor: str | None = None


class Published(BaseModel):
    """What every command answers: where in RUNS it lies, for `at_least`."""

    run_id: UUID
    sequence: int


class Reply(BaseModel):
    """The one envelope of every answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    data: Any = None
    failure: Failure | None = None
