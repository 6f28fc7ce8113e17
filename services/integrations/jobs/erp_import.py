"""`integrations.erp-import`: suppliers, cost centers and open items as the ERP has them."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from pydantic import Field

from services.integrations.erp.rest.connection import ErpConnection
from services.integrations.erp.rest.entry_store import EntryStore, Gone
from services.integrations.erp.rest.reading import Reading
from shared.access import Access
from shared.errors import TagwerkError, foremost
from shared.events import Record
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import ErpList, Kind, Level


@job(
    "integrations.erp-import",
    title="Import from the ERP",
    kind=Kind.INTEGRATION,
    owner="Accounting",
    access=Access(module="bookings", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(2),
    timeout=minutes(60),
    retry=Retry(attempts=3, backoff=exponential(seconds(10))),
    repeat=Safe("entries are known by their id in the ERP; what is stored already stays unchanged"),
    systems=["erp"],
    dry_run=True,
    output="suppliers, cost centers and open items",
    expected_result="every entry of the ERP is stored as it is there; what is gone there is marked",
    logs="service=integrations job=integrations.erp-import",
    troubleshooting="docs/jobs/erp-import.md",
)
async def erp_import(
    lists: Annotated[list[ErpList], Field(description="Only these; none: all")] = [],  # noqa: B006
    accept_gone: Annotated[
        bool, Field(description="Mark as gone whatever is missing, even if it is more than the limit")
    ] = False,
    *,
    erp: ErpConnection,
    store: EntryStore,
    context: RunContext,
    log: RunLog,
    progress: Progress,
) -> AsyncIterator[Sequence[Record]]:
    """Read suppliers, cost centers and open items from the ERP, and store what is new or has changed.

    A list that the ERP says has not changed costs one call. One that fails does not keep the others back; the
    run then fails in the end. A dry run reads all of them, and tells what it would store.
    """
    settings = erp.settings()
    gone = Gone(settings.gone_limit, accept_gone)
    failures: list[TagwerkError] = []
    async with erp.open() as api:
        for of in dict.fromkeys(lists or ErpList):
            reading = Reading(of, api, store, gone, context, log, progress)
            async for records in reading.records_until_it_fails():
                yield records
            if reading.failure is not None:
                failures.append(reading.failure)
    if failures:
        raise foremost(failures)
