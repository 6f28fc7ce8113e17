"""What the gateway answers beyond the queries of `shared.commands`, as its OpenAPI describes it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.access import Principal
from shared.commands import Breaker, LastCall, RunDetail, SearchHit
from shared.errors import Failure
from shared.jobs import CatalogueEntry
from shared.words import ApprovalState, CheckVerdict, Danger, PaymentState, PrincipalKind, RunState


class Answered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class StartedRun(Answered):
    """A run was asked for, or had been by the same request before."""

    run_id: UUID
    job: str
    client: str
    #: Sequence in RUNS: what `at_least` waits for.
    sequence: int
    #: The same request had been sent before; this one changed nothing.
    existing: bool


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


class FoundItem(SearchHit):
    #: Why it was found, in words, and where to read it.
    why: str
    link: str


class UnansweredPart(Answered):
    """A part of the search that did not answer."""

    part: str
    cause: str
    next_step: str


class SearchResults(Answered):
    items: list[FoundItem]
    more: bool = False
    unanswered: list[UnansweredPart] = Field(default_factory=list)


class DocumentText(Answered):
    """What `tagwerk document ID --text --json` answers; pages are parted by form feeds."""

    document_id: UUID
    text: str


class ChainEntry(Answered):
    """One thing that happened to a document."""

    at: datetime
    #: `uploaded`, `run`, or what happened to its approval: `requested`, `approved`, `payment`, ...
    kind: str
    principal: str | None = None
    words: str
    run_id: UUID | None = None
    job: str | None = None
    state: RunState | None = None
    caused_by_event: str | None = None
    caused_by_run: UUID | None = None


class DocumentChain(Answered):
    """What `tagwerk document ID --chain` answers: runs, approval and payment in the order of time."""

    document_id: UUID
    file_name: str
    approval: ApprovalState | None = None
    payment: PaymentState | None = None
    entries: list[ChainEntry]


class JobView(CatalogueEntry):
    """A job of the catalogue, and what the one who asks may do with it."""

    may_start: bool
    #: Why they may start it, or why not.
    reason: str
    #: Whether a start wants the job's id typed once more, and a reason.
    needs_confirmation: bool


class Check(Answered):
    """One check of a preflight."""

    #: `permission`, `parameters`, `repetition`, `service`, `system`, `location`.
    check: str
    #: The system or location.
    concern: str | None = None
    verdict: CheckVerdict
    code: str
    words: str
    cause: str | None = None
    mend: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class Effect(Answered):
    """What a run would do where, as whom, and for whom."""

    words: str
    output: str
    expected_result: str
    locations: list[str]
    systems: list[str]
    client: str | None
    principal: str
    effective_principal: str
    elevates: bool
    danger: Danger | None
    dry_run: bool


class Preflight(Answered):
    """What `tagwerk preflight JOB` answers."""

    job: str
    client: str | None
    dry_run: bool
    may_start: bool
    needs_confirmation: bool
    confirmed: bool
    checks: list[Check]
    effect: Effect
    checked_at: datetime


class Instance(Answered):
    """One process of a service."""

    service: str
    instance: str
    ready: bool
    trouble: Failure | None = None


class SystemState(Answered):
    """A service, a system outside or a location, as it is now."""

    name: str
    #: `service`, `system`, `location`.
    kind: str
    service: str
    jobs: list[str]
    verdict: CheckVerdict
    words: str
    mend: str | None = None
    checked_at: datetime
    duration_ms: float | None = None
    instances: list[Instance] = Field(default_factory=list)
    client: str | None = None
    last_succeeded: LastCall | None = None
    last_failed: LastCall | None = None
    breakers: list[Breaker] = Field(default_factory=list)


class SystemsPage(Answered):
    items: list[SystemState]


class JobPage(Answered):
    items: list[JobView]


class Me(Answered):
    """Who is signed in, and what they may do."""

    id: str
    name: str
    kind: PrincipalKind
    roles: list[str]
    #: `*` stands for every client.
    clients: list[str]
    #: The client that is meant where none is named; None if one has to be.
    default_client: str | None
    may_operate_platform: bool


class PrincipalPage(Answered):
    items: list[Principal]


class TokenRow(Answered):
    """A token without its secret."""

    id: UUID
    principal: str
    name: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None = None
    scopes: list[str]
    #: The only jobs and clients; None for all that the principal has.
    jobs: list[str] | None = None
    clients: list[str] | None = None


class TokenPage(Answered):
    items: list[TokenRow]


class IssuedToken(TokenRow):
    #: Shown this once.
    token: str


class PasswordSet(Answered):
    """What `tagwerk principals set-password` answers."""

    principal: str
    #: They choose another one when they sign in.
    must_change: bool


class Revoked(Answered):
    """What `tagwerk tokens revoke` answers."""

    id: UUID


class SavedFile(Answered):
    """A file that was saved: an export of the audit log, a report."""

    file: str
    #: Bytes.
    size: int


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
