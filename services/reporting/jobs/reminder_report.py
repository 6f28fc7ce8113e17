"""`reporting.reminder-report`: who was reminded of what, and what has happened since, as files that one can
download, get by mail or find in a folder."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from pydantic import Field

from services.reporting.delivery import Delivery
from services.reporting.parameters import Formats, IntoFolder, Language, Recipients, in_order
from services.reporting.reminded.content import Content
from services.reporting.reminded.known import Reminded
from services.reporting.reports import Reports
from services.reporting.sending import ATTEMPTS, deliver, foreseen
from services.reporting.summaries import plural
from shared.access import Access
from shared.events import Record
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext
from shared.words import Kind, Level, Outcome, ReportFormat


@job(
    "reporting.reminder-report",
    title="Reminder report",
    kind=Kind.REPORTING,
    owner="Accounting",
    access=Access(module="reports", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(1),
    retry=Retry(attempts=ATTEMPTS, backoff=exponential(seconds(10))),
    repeat=Safe("what says the same is the same report, and nobody is sent a report that they have had"),
    systems=["mail-server"],
    locations=["file-store", "reports-folder"],
    dry_run=True,
    output="the report as PDF, Excel or CSV file, and a mail to each recipient",
    expected_result="every reminder is named, with what has happened since and what is in doubt",
    logs="service=reporting job=reporting.reminder-report",
    troubleshooting="docs/jobs/reminder-report.md",
)
async def reminder_report(
    days: Annotated[int, Field(ge=1, le=366, description="So many days, with today")] = 30,
    language: Language = "en",
    formats: Formats = [ReportFormat.PDF, ReportFormat.XLSX],  # noqa: B006
    recipients: Recipients = [],  # noqa: B006
    folder: IntoFolder = False,
    *,
    reminded: Reminded,
    reports: Reports,
    delivery: Delivery,
    context: RunContext,
    progress: Progress,
) -> AsyncIterator[Sequence[Record]]:
    """Report who was reminded of which invoice, at which step, and what has happened since.

    What is in doubt stands first, then what is not done yet. Each recipient gets a mail of their own, once
    for each report. A dry run tells what it would say, and to whom.
    """
    delivery.expect(recipients, folder)
    if context.dry_run:
        yield [_foreseen(await reminded.content(days, language)), *foreseen(recipients)]
        return
    report = await reports.make(lambda: reminded.content(days, language), in_order(formats))
    yield [record for record in reports.records(report) if context.wants(record.key)]
    async for records in deliver(report, recipients, folder, reports, delivery, context, progress):
        yield records


def _foreseen(content: Content) -> Record:
    waiting = sum(line.group != "done" for line in content.lines)
    said = f"it would name {plural(len(content.lines), 'reminder', 'reminders')}, {waiting:,} not done yet"
    return Record(key="report:reminders", outcome=Outcome.SKIPPED, label="reminder report", message=said)
