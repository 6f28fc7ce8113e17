"""What the gateway answers beyond the queries of `shared.commands`, as its OpenAPI describes it."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.commands import RunDetail
from shared.errors import Failure
from shared.jobs import CatalogueEntry


class Answered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class StartedRun(Answered):
    """A run was asked for, or had been by the same request before."""

    run_id: UUID
    #: Sequence in RUNS: what `at_least` waits for.
    sequence: int
    existing: bool = False


class CausedRun(Answered):
    """A run that an upload causes; its id is known before it is requested."""

    run_id: UUID
    job: str


class UploadedFile(Answered):
    """What became of one file of an upload: a document, or a problem."""

    file_name: str
    document_id: UUID | None = None
    #: The client had the same bytes already; ids are those of the first upload.
    duplicate: bool = False
    media_type: str | None = None
    sha256: str | None = None
    runs: list[CausedRun] = Field(default_factory=list)
    failure: Failure | None = None


class UploadReport(Answered):
    """What `tagwerk upload` answers; `runs` are filled by `--wait`."""

    documents: list[UploadedFile]
    runs: list[RunDetail] = Field(default_factory=list)


class DocumentText(Answered):
    """What `tagwerk document ID --text --json` answers; pages are parted by form feeds."""

    document_id: UUID
    text: str


class JobView(CatalogueEntry):
    """A job of the catalogue, and what the one who asks may do with it."""


class JobPage(Answered):
    items: list[JobView]


class DeadLetterRow(Answered):
    #: What a replay names.
    id: int
    reason: Failure
    #: Which durable could not handle it.
    durable: str
    stream: str
    subject: str
    sequence: int
    time: datetime
    payload: str


class DeadLetterPage(Answered):
    items: list[DeadLetterRow]
