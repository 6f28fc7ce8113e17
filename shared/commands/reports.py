"""Reports and their files."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.commands.common import PagedQuery, Query
from shared.events import Exact
from shared.words import ReportFormat


class ReportsQuery(PagedQuery):
    """`query.reporting.reports` -> `ReportsPage`, the newest first."""

    client: str | None = None
    #: Only those about this: `due-dates`, `exceptions`, `audit`.
    kind: str | None = None


class ReportFile(BaseModel):
    """A report in one format."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: ReportFormat
    #: What it is called where it is downloaded.
    file_name: str
    #: Bytes.
    size: int
    sha256: str


class ReportTotal(BaseModel):
    """What a report says is due in one currency."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    currency: str
    overdue: Exact
    overdue_count: int
    #: Not overdue.
    due: Exact
    due_count: int


class ReportMail(BaseModel):
    """That a report was sent to somebody."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    address: str
    sent_at: datetime
    #: The run that sent it.
    run_id: UUID
    #: Why it was sent to somebody who had it before.
    again: str | None = None


class ReportRow(BaseModel):
    """A report that was made. The same content is the same report, whichever run makes it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    report_id: UUID
    #: What it is about: `due-dates`.
    kind: str
    client: str
    job: str
    #: The run that made it, and as whom.
    run_id: UUID
    principal: str
    created_at: datetime
    #: `en` or `de`.
    language: str
    #: The first and the last day that it is about.
    since: date | None = None
    until: date
    #: How many things it names: invoices.
    items: int
    #: Sums of invoices, where it names some.
    totals: list[ReportTotal]
    files: list[ReportFile]
    #: To whom it was sent, the latest first.
    mails: list[ReportMail] = Field(default_factory=list)


class ReportsPage(BaseModel):
    items: list[ReportRow]
    next_cursor: str | None = None


class ReportQuery(Query):
    """`query.reporting.report` -> `ReportRow`; `report_not_found`."""

    report_id: UUID


class RemindersQuery(Query):
    """`query.reporting.reminders` -> `RemindersOfInvoice`: who was reminded of an invoice."""

    document_id: UUID


class SentReminder(BaseModel):
    """A reminder that was sent, or of which nobody knows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    on: date
    #: Id of the account whose duty it was, and of the one that got the mail.
    person: str
    recipient: str
    #: From 1 on.
    step: int
    in_doubt: bool


class RemindersOfInvoice(BaseModel):
    #: The newest first.
    items: list[SentReminder]
