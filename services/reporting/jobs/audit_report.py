"""`reporting.audit-report`: who did what in some days, and what proves it."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from services.reporting.audit_log.content import Content
from services.reporting.audit_log.entries import AuditLog, Wanted
from services.reporting.day import Today
from services.reporting.delivery import Delivery
from services.reporting.parameters import Formats, IntoFolder, Language, Recipients, in_order
from services.reporting.reports import Reports
from services.reporting.sending import ATTEMPTS, deliver, foreseen
from services.reporting.summaries import plural
from shared.access import ADMINISTRATOR, TECHNICAL, Access
from shared.events import Record
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext
from shared.words import Kind, Level, Outcome, ReportFormat

EntryKind = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[a-z][a-z0-9_]{0,63}$")]


@job(
    "reporting.audit-report",
    title="Audit report",
    kind=Kind.REPORTING,
    owner="Platform",
    access=Access(module="audit", level=Level.TECHNICAL, roles=frozenset({ADMINISTRATOR, TECHNICAL})),
    expected_runtime=minutes(1),
    retry=Retry(attempts=ATTEMPTS, backoff=exponential(seconds(10))),
    repeat=Safe(
        "what says the same is the same report, and nobody is sent a report that they have had; once the log "
        "was checked or signed anew, it is another one, and is sent"
    ),
    systems=["mail-server"],
    locations=["file-store", "reports-folder"],
    dry_run=True,
    output="the report as PDF, Excel or CSV file, and a mail to each recipient",
    expected_result="every entry of the days is named, and how far the log is checked and signed",
    logs="service=reporting job=reporting.audit-report",
    troubleshooting="docs/jobs/audit-report.md",
)
async def audit_report(
    until: Annotated[date | None, Field(description="The last day; none: yesterday")] = None,
    days: Annotated[int, Field(ge=1, le=366, description="So many days, up to the last one")] = 7,
    principal: Annotated[
        str | None, Field(max_length=100, description="Only what this one did, such as ada.admin")
    ] = None,
    kinds: Annotated[
        list[EntryKind],
        Field(max_length=50, description="Only these kinds, such as run_requested; none: all"),
    ] = [],  # noqa: B006
    at_most: Annotated[
        int, Field(ge=1, le=10_000, description="The newest of them, if there are more entries")
    ] = 2_000,
    language: Language = "en",
    formats: Formats = [ReportFormat.PDF, ReportFormat.XLSX],  # noqa: B006
    recipients: Recipients = [],  # noqa: B006
    folder: IntoFolder = False,
    *,
    today: Today,
    log: AuditLog,
    reports: Reports,
    delivery: Delivery,
    context: RunContext,
    progress: Progress,
) -> AsyncIterator[Sequence[Record]]:
    """Report who did what, from the audit log: entries of one client and of none, and what proves them.

    The report says how far the log is checked and signed, and what to look at. It is cut where there are too
    many entries, and says so. A dry run tells what it would say, and to whom.
    """
    delivery.expect(recipients, folder)
    last = until or today.day - timedelta(days=1)
    wanted = Wanted(last - timedelta(days=days - 1), last, principal or None, sorted(set(kinds)), at_most)
    if context.dry_run:
        yield [_foreseen(await log.content(wanted, language)), *foreseen(recipients)]
        return
    report = await reports.make(lambda: log.content(wanted, language), in_order(formats))
    yield [record for record in reports.records(report) if context.wants(record.key)]
    async for records in deliver(report, recipients, folder, reports, delivery, context, progress):
        yield records


def _foreseen(content: Content) -> Record:
    said = f"it would name {plural(len(content.entries), 'entry', 'entries')}" + (
        ", and there are more" if content.cut else ""
    )
    return Record(key="report:audit", outcome=Outcome.SKIPPED, label="audit report", message=said)
