"""`reporting.due-date-report`: what is due until a day, as files that one can download, get by mail or find
in a folder."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Final

from pydantic import Field

from services.reporting.day import Today
from services.reporting.delivery import Delivery
from services.reporting.due_dates.content import Content, totals_of
from services.reporting.due_dates.invoices import DueInvoices
from services.reporting.parameters import Formats, IntoFolder, Language, Recipients, in_order
from services.reporting.reports import Reports
from services.reporting.sending import ATTEMPTS, deliver, foreseen
from shared.access import Access
from shared.events import Record
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext
from shared.words import Kind, Level, Outcome, ReportFormat

#: Days from today until which an invoice is named, if nothing else is said.
DUE_WITHIN: Final = timedelta(days=30)


@job(
    "reporting.due-date-report",
    title="Due date report",
    kind=Kind.REPORTING,
    owner="Accounting",
    access=Access(module="reports", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(1),
    retry=Retry(attempts=ATTEMPTS, backoff=exponential(seconds(10))),
    repeat=Safe(
        "what says the same is the same report, and nobody is sent a report that they have had; once "
        "something has changed, it is another one, and is sent"
    ),
    systems=["mail-server"],
    locations=["file-store", "reports-folder"],
    dry_run=True,
    output="the report as PDF, Excel or CSV file, and a mail to each recipient",
    expected_result="every invoice that is due is named, with its amount and who has to act",
    logs="service=reporting job=reporting.due-date-report",
    troubleshooting="docs/jobs/due-date-report.md",
)
async def due_date_report(
    until: Annotated[
        date | None, Field(description="Invoices due until this day; none: within 30 days")
    ] = None,
    language: Language = "en",
    formats: Formats = [ReportFormat.PDF, ReportFormat.XLSX],  # noqa: B006
    recipients: Recipients = [],  # noqa: B006
    folder: IntoFolder = False,
    *,
    today: Today,
    invoices: DueInvoices,
    reports: Reports,
    delivery: Delivery,
    context: RunContext,
    progress: Progress,
) -> AsyncIterator[Sequence[Record]]:
    """Report the invoices that are due, what is overdue first: amounts by week, and who has to act.

    Each recipient gets a mail of their own, once for each report: a report of the same day that says the same
    is not sent again. A dry run tells what it would say, and to whom.
    """
    delivery.expect(recipients, folder)
    day = until or today.day + DUE_WITHIN
    if context.dry_run:
        yield [_foreseen(await invoices.content(day, language)), *foreseen(recipients)]
        return
    report = await reports.make(lambda: invoices.content(day, language), in_order(formats))
    yield [record for record in reports.records(report) if context.wants(record.key)]
    async for records in deliver(report, recipients, folder, reports, delivery, context, progress):
        yield records


def _foreseen(content: Content) -> Record:
    overdue = " and ".join(f"{total.currency} {total.overdue:,.2f}" for total in totals_of(content))
    said = f"it would name {len(content.lines):,} invoices" + (f", {overdue} overdue" if overdue else "")
    return Record(key="report:due-dates", outcome=Outcome.SKIPPED, label="due date report", message=said)
