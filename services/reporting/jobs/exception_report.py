"""`reporting.exception-report`: what went wrong or does not go on, as files that one can download, get by
mail or find in a folder."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from pydantic import Field

from services.reporting.delivery import Delivery
from services.reporting.exceptions.content import Content
from services.reporting.exceptions.known import Exceptions, Span
from services.reporting.parameters import Formats, IntoFolder, Language, Recipients, in_order
from services.reporting.reports import Reports
from services.reporting.sending import ATTEMPTS, deliver, foreseen
from services.reporting.summaries import plural
from shared.access import Access
from shared.events import Record
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext
from shared.words import Kind, Level, Outcome, ReportFormat


@job(
    "reporting.exception-report",
    title="Exception report",
    kind=Kind.REPORTING,
    owner="Accounting",
    access=Access(module="reports", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(1),
    retry=Retry(attempts=ATTEMPTS, backoff=exponential(seconds(10))),
    repeat=Safe(
        "what says the same is the same report, and nobody is sent a report that they have had; once more "
        "has happened, it is another one, and is sent"
    ),
    schedule="0 7 * * 1-5",
    systems=["mail-server"],
    locations=["file-store", "reports-folder"],
    dry_run=True,
    output="the report as PDF, Excel or CSV file, and a mail to each recipient",
    expected_result="everything that went wrong is named, with what is to be done about it",
    logs="service=reporting job=reporting.exception-report",
    troubleshooting="docs/jobs/exception-report.md",
)
async def exception_report(
    days: Annotated[
        int | None,
        Field(ge=1, le=92, description="So many days, with today; none: since the report of an earlier day"),
    ] = None,
    stuck_after: Annotated[
        int, Field(ge=1, le=365, description="Days after which an invoice that does not go on is named")
    ] = 5,
    language: Language = "en",
    formats: Formats = [ReportFormat.PDF, ReportFormat.XLSX],  # noqa: B006
    recipients: Recipients = [],  # noqa: B006
    folder: IntoFolder = False,
    *,
    exceptions: Exceptions,
    reports: Reports,
    delivery: Delivery,
    context: RunContext,
    progress: Progress,
) -> AsyncIterator[Sequence[Record]]:
    """Report what went wrong or does not go on: runs, decisions, occurrences, messages and invoices.

    It names what the one who starts it may see. If nothing went wrong, it says so. Each recipient gets a mail
    of their own, once for each report. A dry run tells what it would say, and to whom.
    """
    delivery.expect(recipients, folder)
    span = Span(days, stuck_after)
    if context.dry_run:
        yield [_foreseen(await exceptions.content(span, language)), *foreseen(recipients)]
        return
    report = await reports.make(lambda: exceptions.content(span, language), in_order(formats))
    yield [record for record in reports.records(report) if context.wants(record.key)]
    async for records in deliver(report, recipients, folder, reports, delivery, context, progress):
        yield records


def _foreseen(content: Content) -> Record:
    waiting = sum(line.open for line in content.lines)
    said = f"it would name {plural(len(content.lines), 'exception', 'exceptions')}, {waiting:,} still to do"
    return Record(key="report:exceptions", outcome=Outcome.SKIPPED, label="exception report", message=said)
