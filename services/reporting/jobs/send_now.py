"""`reporting.send-now`: a kept report to more people, or into the folder."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from services.reporting.archive import Archive
from services.reporting.delivery import Delivery, recipient_key
from services.reporting.parameters import IntoFolder, Recipients
from services.reporting.reports import Report, Reports
from services.reporting.sending import ATTEMPTS, deliver, distinct
from shared.access import Access
from shared.choices import ChosenFrom
from shared.errors import TagwerkError
from shared.events import Record
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext
from shared.words import Kind, Level, Outcome

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=200)]


@job(
    "reporting.send-now",
    title="Send a report now",
    kind=Kind.REPORTING,
    owner="Accounting",
    access=Access(module="reports", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(1),
    retry=Retry(attempts=ATTEMPTS, backoff=exponential(seconds(10))),
    repeat=Safe("nobody is sent a report twice, unless a new reason is given for it"),
    systems=["mail-server"],
    locations=["reports-folder"],
    dry_run=True,
    output="a mail with the files to each recipient, or the files in the folder",
    expected_result="each recipient is sent the report, or had it before",
    logs="service=reporting job=reporting.send-now",
    troubleshooting="docs/jobs/send-now.md",
)
async def send_now(
    report: Annotated[
        UUID | None, ChosenFrom("report"), Field(description="Which report; none: the newest of the job")
    ] = None,
    job: Annotated[
        str, Field(pattern=r"^[a-z0-9_.-]{1,100}$", description="The job of which the newest report is sent")
    ] = "reporting.due-date-report",
    recipients: Recipients = [],  # noqa: B006
    folder: IntoFolder = False,
    again: Annotated[
        Reason | None,
        Field(description="Why those who have had the report are sent it once more; none: they are not"),
    ] = None,
    *,
    archive: Archive,
    reports: Reports,
    delivery: Delivery,
    context: RunContext,
    progress: Progress,
) -> AsyncIterator[Sequence[Record]]:
    """Send a report that was made to more people, or put its files into the folder.

    The files are the ones that were made then. Who has had the report is not sent it again, unless you say
    why; the same reason sends it once.
    """
    if not recipients and not folder:
        raise TagwerkError(
            "nobody_to_send_to",
            "neither recipients nor the folder are given",
            concern="recipients",
            next_step="Name a mail address, or choose the folder.",
        )
    delivery.expect(recipients, folder)
    found = await archive.find(report, job)
    if context.dry_run:
        yield await _foreseen(found, recipients, folder, again, delivery)
        return
    chosen = await archive.choose(found)
    async for records in deliver(
        chosen, recipients, folder, reports, delivery, context, progress, again=again
    ):
        yield records


async def _foreseen(
    report: Report, recipients: Sequence[str], folder: bool, again: str | None, delivery: Delivery
) -> list[Record]:
    told = []
    if folder:
        told += [
            Record(
                key=f"report:{report.report_id}/folder/{file.format}",
                outcome=Outcome.SKIPPED,
                label=file.name,
                message="it would be put into the folder",
            )
            for file in report.files
        ]
    addresses = distinct(recipients)
    had = await delivery.had(report, addresses)
    for address in addresses:
        before = had.get(address.lower())
        said = "it would be sent"
        if before is not None:
            said = f"has had this report on {before:%Y-%m-%d %H:%M:%S} UTC" + (
                f"; it would be sent again: {again}" if again else "; it would not be sent"
            )
        told.append(Record(key=recipient_key(address), outcome=Outcome.SKIPPED, label=address, message=said))
    return told
