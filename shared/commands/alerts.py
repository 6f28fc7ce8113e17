"""Alerts, who was told of them, and silences."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.commands.common import PagedQuery, Query
from shared.words import AlertKind, AlertNews, Severity, TellingState


class AlertsQuery(PagedQuery):
    """`query.reporting.alerts` -> `AlertsPage`: the open ones, the urgent and oldest first; or those that are
    over, the last first."""

    state: Literal["open", "closed"] = "open"
    #: Whether the asker may see those that are about no job: of systems, queues, dead letters.
    platform: bool = False
    kind: AlertKind | None = None
    job: str | None = None
    client: str | None = None
    alert_id: UUID | None = None


class AlertTelling(BaseModel):
    """Who was told what of an alert."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    what: AlertNews
    #: A mail address, or `webhook:<name>`.
    destination: str
    #: None: it waits for others to go with it, for the hour's limit, or for the end of a silence.
    state: TellingState | None = None
    #: When it was sent or given up; else when it was decided to tell it.
    at: datetime
    #: Why it waits, failed, or is in doubt.
    cause: str | None = None
    #: Of a mail: its Message-ID begins with it. Of a webhook: `webhook-id`.
    telling_id: UUID | None = None


class AlertRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    alert_id: UUID
    kind: AlertKind
    severity: Severity
    #: A job, a schedule, a system, a durable.
    concern: str
    job: str | None = None
    client: str | None = None
    #: The rule of the file that decides who is told; `shown only` for none.
    rule: str
    #: Why, in words, and what to do.
    why: str
    next_step: str
    #: The last run that it is about.
    run_id: UUID | None = None
    opened_at: datetime
    #: When it happened last, and how often while it was open.
    last_at: datetime
    count: int
    #: It began before alerts were told here, so nobody was.
    quiet: bool = False
    #: The silence that covers it now.
    silence: "SilenceRow | None" = None
    closed_at: datetime | None = None
    #: Who closed it and why, if its cause was not seen to go.
    closed_by: str | None = None
    close_reason: str | None = None
    tellings: list[AlertTelling] = Field(default_factory=list)


class AlertsPage(BaseModel):
    items: list[AlertRow]
    next_cursor: str | None = None
    #: Open ones that the asker may see, whatever the page shows.
    open: int = 0


class SilencesQuery(Query):
    """`query.reporting.silences` -> `SilencesPage`: those in force, the first to end first; then those that
    ended, the last first. The scope's clients have to be all that a silence names."""

    silence_id: UUID | None = None
    limit: int = Field(default=50, ge=1, le=500)


class SilenceRow(BaseModel):
    """What is not told for a while. Empty lists mean every kind, job, client; jobs and clients are
    patterns."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    silence_id: UUID
    kinds: list[AlertKind]
    jobs: list[str]
    clients: list[str]
    reason: str
    created_by: str
    created_at: datetime
    ends_at: datetime
    #: Who ended it before its time.
    ended_by: str | None = None
    active: bool


class SilencesPage(BaseModel):
    items: list[SilenceRow]


class SetSilence(BaseModel):
    """`command.reporting.silence` -> `SilenceRow`; `silence_invalid`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kinds: list[AlertKind] = Field(default_factory=list)
    jobs: list[str] = Field(default_factory=list, max_length=50)
    clients: list[str] = Field(default_factory=list, max_length=50)
    reason: str
    ends_at: datetime
    principal: str


class EndSilence(BaseModel):
    """`command.reporting.end-silence` -> `SilenceRow`; `silence_not_found`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    silence_id: UUID
    principal: str


class CloseAlert(BaseModel):
    """`command.reporting.close-alert` -> `AlertRow`: somebody says that it is done; `alert_not_found`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    alert_id: UUID
    reason: str
    principal: str
