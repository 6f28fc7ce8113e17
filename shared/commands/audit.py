"""Queries of the audit log, which the audit service answers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.commands.common import PagedQuery, Query


class AuditFilter(Query):
    """Which entries are meant. All that is given has to fit. Of an entry whose content was removed nothing
    is known but its kind."""

    principal: str | None = None
    #: Any of these: `signed_in`, `run_requested`, ...
    kind: list[str] = Field(default_factory=list)
    client: str | None = None
    #: How the concern begins: `document:`, `documents.ocr`, `payment-file:<id>`.
    concern: str | None = None
    run_id: UUID | None = None
    #: 32 hex digits.
    trace_id: str | None = None
    #: When it was done: not before this, and before that.
    since: datetime | None = None
    until: datetime | None = None


class AuditEntriesQuery(AuditFilter, PagedQuery):
    """`query.audit.entries` -> `AuditEntriesPage`, the newest first."""


class AuditStateQuery(Query):
    """`query.audit.state` -> `AuditState`."""


class AuditExportQuery(AuditFilter):
    """`query.audit.export` -> `AuditExport`: the part behind `after`."""

    after: int = 0
    #: As the first part answered them; None in the question for it.
    first: int | None = None
    last: int | None = None


class AuditEntryRow(BaseModel):
    """One entry of the log. Of one whose content was removed nothing is known but what the log needs to prove
    the others."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: Its place in the log, from 1.
    number: int
    event_id: UUID
    recorded_at: datetime
    kind: str
    #: In hex.
    hash: str
    #: The content is gone, because its retention period is over.
    removed: bool = False
    #: When it was done.
    time: datetime | None = None
    principal: str | None = None
    effective_principal: str | None = None
    client: str | None = None
    concern: str | None = None
    reason: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    run_id: UUID | None = None
    trace_id: str | None = None


class AuditEntriesPage(BaseModel):
    items: list[AuditEntryRow]
    next_cursor: str | None = None


class AuditHead(BaseModel):
    """A signed head: what the log's end was at a moment."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ordinal: int
    #: The last entry that it covers.
    number: int
    signed_at: datetime
    #: What is signed, and the Ed25519 signature and public key in hex.
    statement: str
    signature: str
    key: str
    #: When the folder and the webhook had it; None before, or where there is none.
    written_at: datetime | None = None
    posted_at: datetime | None = None


class AuditCheck(BaseModel):
    """What a check of the whole log came to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: UUID
    finished_at: datetime
    entries: int
    heads: int
    #: The first entry that is not as it was written.
    broken: int | None = None
    #: What is wrong; None if nothing is.
    cause: str | None = None


class AuditState(BaseModel):
    """How long the log is, what is signed of it, and what the last check came to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    log_id: UUID
    entries: int
    newest_at: datetime | None = None
    #: Of the last entry, in hex.
    hash: str
    #: Whether heads are signed: there is a key.
    signs: bool
    head: AuditHead | None = None
    check: AuditCheck | None = None
    #: Every kind of entry that there is.
    kinds: list[str] = Field(default_factory=list)


class AuditLink(BaseModel):
    """What of an entry proves the chain, and its content where that is wanted and not removed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    event_id: UUID
    recorded_at: datetime
    kind: str
    #: In hex, as `hash` and `salt` are.
    content_hash: str
    hash: str
    salt: str | None = None
    #: The JSON text whose hash with the salt before it is `content_hash`.
    content: str | None = None


class AuditExport(BaseModel):
    """A part of an export."""

    log_id: UUID
    #: Of the whole export; `last` below `first` where there is nothing.
    first: int
    last: int
    #: Hash of the entry before the first link of this part, in hex.
    previous: str
    links: list[AuditLink]
    #: Heads that cover links of this part.
    heads: list[AuditHead]
    #: There are no more parts.
    done: bool
