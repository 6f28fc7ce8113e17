"""`reporting.due-date-report`: what is due until a day, as files that one can download, get by mail or find
in a folder."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from services.reporting.day import Today
from services.reporting.delivery import Delivery, recipient_key, refused
from services.reporting.due_dates.content import Content, totals_of
from services.reporting.reports import Report, Reports, Wish
from shared.access import Access
from shared.errors import ExternalSystemNotReached, NotDone
from shared.events import Record
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext
from shared.words import Kind, Level, Outcome, ReportFormat

#: Days from today until which an invoice is named, if nothing else is said.
DUE_WITHIN: Final = timedelta(days=30)
_ATTEMPTS: Final = 4

Address = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=254, pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$"
    ),
]


@job(
    "reporting.due-date-report",
    title="Due date report",
    kind=Kind.REPORTING,
    owner="Accounting",
    access=Access(module="reports", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(1),
    retry=Retry(attempts=_ATTEMPTS, backoff=exponential(seconds(10))),
    repeat=Safe("what says the same is the same report, and nobody is sent a report that they have had"),
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
    language: Annotated[Literal["en", "de"], Field(description="English (en) or German (de)")] = "en",
    formats: Annotated[
        list[ReportFormat],
        Field(min_length=1, max_length=3, description="PDF, Excel (xlsx), or CSV for programs"),
    ] = [ReportFormat.PDF, ReportFormat.XLSX],  # noqa: B006
    recipients: Annotated[
        list[Address], Field(max_length=50, description="Mail addresses; none: nobody is sent a mail")
    ] = [],  # noqa: B006
    folder: Annotated[
        bool, Field(description="Put the files into the folder of the installation besides")
    ] = False,
    *,
    today: Today,
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
    addresses = list({recipient_key(address): address for address in reversed(recipients)}.values())[::-1]
    wish = Wish(
        until=until or today.day + DUE_WITHIN,
        language=language,
        formats=[format for format in ReportFormat if format in formats],
    )
    if context.dry_run:
        yield _foreseen(await reports.content(wish), addresses)
        return
    report = await reports.make(wish)
    yield [record for record in reports.records(report) if context.wants(record.key)]
    if folder:
        yield await delivery.put(report, await reports.contents(report))
    wanted = [address for address in addresses if context.wants(recipient_key(address))]
    if wanted:
        async for record in _sent(report, wanted, reports, delivery, context, progress):
            yield [record]


async def _sent(
    report: Report,
    addresses: Sequence[str],
    reports: Reports,
    delivery: Delivery,
    context: RunContext,
    progress: Progress,
) -> AsyncIterator[Record]:
    """One mail after the other. What may succeed later does not keep the others from theirs, and is tried
    again with the whole run; those who have theirs are then passed over."""
    contents = await reports.contents(report)
    later: list[NotDone] = []
    away: NotDone | None = None
    async with delivery.mails() as mails:
        for place, address in enumerate(addresses, 1):
            try:
                if away is not None:
                    raise away
                yield await mails.send(report, contents, address)
            except NotDone as error:
                if isinstance(error, ExternalSystemNotReached):
                    away = error
                if error.failure.retryable and context.attempt < _ATTEMPTS:
                    later.append(error)
                else:
                    yield refused(address, error)
            await progress(place, len(addresses))
    if later:
        raise later[0]


def _foreseen(content: Content, addresses: Sequence[str]) -> list[Record]:
    overdue = " and ".join(f"{total.currency} {total.overdue:,.2f}" for total in totals_of(content))
    said = f"it would name {len(content.lines):,} invoices" + (f", {overdue} overdue" if overdue else "")
    return [
        Record(key="report:due-dates", outcome=Outcome.SKIPPED, label="due date report", message=said),
        *(
            Record(
                key=recipient_key(address), outcome=Outcome.SKIPPED, label=address, message="it would be sent"
            )
            for address in addresses
        ),
    ]
