"""Finding a run, record, job or document by what a person has in hand: an id, a number, a name."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.commands.common import Query
from shared.words import Outcome, RunState

#: How something matched: all of it, or how it begins; a job also by words of its title.
Match = Literal[
    "run_id",
    "run_id_beginning",
    "record_key",
    "record_key_beginning",
    "job_id",
    "job_title",
    "document_id",
    "document_id_beginning",
    "file_name",
    "file_name_beginning",
    "invoice_number",
    "invoice_number_beginning",
]


class SearchQuery(Query):
    """`query.status.search` and `query.documents.search` -> `SearchHits`."""

    #: What was typed.
    q: str = Field(min_length=1, max_length=200)
    #: Of each kind.
    limit: int = Field(default=20, ge=1, le=100)


class SearchHit(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["run", "record", "job", "document"]
    #: Of a run or document its id, of a job too, of a record its key.
    id: str
    title: str
    match: Match
    client: str | None = None
    #: Of a run; of a record the one that touched it last.
    job: str | None = None
    run_id: str | None = None
    state: RunState | None = None
    outcome: Outcome | None = None
    #: When the run was requested, the record last touched, the document uploaded.
    at: datetime | None = None

    @property
    def whole(self) -> bool:
        """Whether it is just what was typed."""
        return not self.match.endswith(("_beginning", "_title"))


class SearchHits(BaseModel):
    items: list[SearchHit]
    #: There are more that match.
    more: bool = False
