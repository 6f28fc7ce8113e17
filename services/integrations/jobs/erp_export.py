"""`integrations.erp-export`: approved invoices become bookings, in DATEV or in the ERP, each once."""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.integrations.erp.exporting import Exporter, Wish
from shared.access import Access
from shared.choices import ChosenFrom
from shared.events import Record
from shared.jobs import Retry, Risky, exponential, job, minutes, seconds
from shared.runner.context import RunContext
from shared.words import Danger, Kind, Level


@job(
    "integrations.erp-export",
    title="Export to the ERP",
    kind=Kind.INTEGRATION,
    owner="Accounting",
    access=Access(module="bookings", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(1),
    timeout=minutes(60),
    retry=Retry(attempts=3, backoff=exponential(seconds(5))),
    repeat=Risky(
        "each run exports the invoices that were approved since the last one, and the ERP, or whoever takes "
        "the files, books them; no invoice is exported twice"
    ),
    danger=Danger.EXTERNAL_BOOKING,
    limit=1,
    dry_run=True,
    systems=["erp", "erp-sftp"],
    locations=["file-store", "erp-folder"],
    output="a DATEV stack of bookings (EXTF) for each fiscal year, with a ZIP of its documents; or bookings "
    "in the ERP, each with its document",
    expected_result="every approved invoice is exported once, or has its reason",
    logs="service=integrations job=integrations.erp-export",
    troubleshooting="docs/jobs/erp-export.md",
)
async def erp_export(
    until: Annotated[date | None, Field(description="Invoices dated until this day; none: all")] = None,
    documents: Annotated[
        list[UUID],
        ChosenFrom("bookable"),
        Field(max_length=5_000, description="Only these, whatever their date; none: all that are not booked"),
    ] = [],  # noqa: B006
    *,
    exporter: Exporter,
    context: RunContext,
) -> AsyncIterator[Sequence[Record]]:
    """Export the approved invoices that are not booked yet, each once: to DATEV as files, or to the ERP over
    its interface, as it is set up for the client.

    What an earlier run or attempt has begun is completed first, as it was decided then.
    """
    async for records in exporter.export(Wish(until, frozenset(documents)), dry_run=context.dry_run):
        yield records
