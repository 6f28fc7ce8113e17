"""`integrations.erp-export`: approved invoices become bookings in DATEV, each once."""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.integrations.erp.handover import ErpHandover
from services.integrations.erp.store import ErpExports, Wish
from shared.access import Access
from shared.choices import ChosenFrom
from shared.events import Record
from shared.intake import original_key
from shared.jobs import Retry, Risky, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext, RunLog
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
        "each run exports the invoices that were approved since the last one, and whoever takes the files "
        "books them; no invoice is exported twice"
    ),
    danger=Danger.EXTERNAL_BOOKING,
    limit=1,
    dry_run=True,
    systems=["erp-sftp"],
    locations=["file-store", "erp-folder"],
    output="a DATEV stack of bookings (EXTF) for each fiscal year, with a ZIP of its documents",
    expected_result="every approved invoice stands in one export, or has its reason",
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
    store: ErpExports,
    handover: ErpHandover,
    context: RunContext,
    log: RunLog,
    progress: Progress,
) -> AsyncIterator[Sequence[Record]]:
    """Export the approved invoices that are not booked yet: a DATEV file and its documents, each once.

    An export that an earlier run or attempt has begun is completed first, with the same bytes. There is no
    place to stop between the decision what is booked and its end: a cancel comes before, or after.
    """
    wish = Wish(until, frozenset(documents))
    keys = {original_key(one.document_id): one.document_id for one in await store.candidates(wish)}
    missing = frozenset(keys[key] for key in await handover.missing(list(keys)))
    if context.dry_run:
        yield await store.foresee(wish, missing)
        return
    yield await store.told()
    for export in await store.begun():
        log.info("completes an export that was begun before", export=export.name)
        await handover.hand_over(export, store)
        yield await store.complete(export.id)
    left_out = await store.reserve(wish, missing)
    made: list[Record] = []
    for export in await store.begun():
        await handover.hand_over(export, store)
        made += await store.complete(export.id)
        await progress(len(left_out) + len(made), None, f"export {export.name}")
    yield [*left_out, *made]
