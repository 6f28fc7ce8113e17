"""`integrations.nightly-synchronization`: suppliers, open items and payments here and in the ERP agree."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from pydantic import Field

from services.integrations.erp.rest.connection import ErpConnection
from services.integrations.erp.rest.entry_store import EntryStore, Gone
from services.integrations.erp.rest.payment_store import PaymentComparison
from services.integrations.erp.rest.reading import Reading
from services.integrations.erp.rest.settling import settle
from shared.access import Access
from shared.errors import TagwerkError, foremost
from shared.events import Record
from shared.jobs import Retry, Safe, exponential, job, minutes
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import ErpList, Kind, Level


@job(
    "integrations.nightly-synchronization",
    title="Synchronize with the ERP",
    kind=Kind.INTEGRATION,
    owner="Accounting",
    access=Access(module="bookings", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(5),
    timeout=minutes(120),
    retry=Retry(attempts=4, backoff=exponential(minutes(1))),
    repeat=Safe("only what differs is changed, in the ERP only as it was read; afterwards nothing differs"),
    schedule="30 2 * * *",
    systems=["erp"],
    dry_run=True,
    output="suppliers and open items as the ERP has them, and payment states that agree",
    expected_result="each difference is told with before and after, and on which side it was changed",
    logs="service=integrations job=integrations.nightly-synchronization",
    troubleshooting="docs/jobs/nightly-synchronization.md",
)
async def nightly_synchronization(
    accept_gone: Annotated[
        bool, Field(description="Mark as gone whatever is missing, even if it is more than the limit")
    ] = False,
    *,
    erp: ErpConnection,
    store: EntryStore,
    payments: PaymentComparison,
    context: RunContext,
    log: RunLog,
    progress: Progress,
) -> AsyncIterator[Sequence[Record]]:
    """Compare suppliers, open items and payments with the ERP, and change what differs where it is wrong.

    Of suppliers and open items the ERP is right; of payments whoever knows of one, the account statement
    before all. A client without an ERP that can be asked has nothing to do. A dry run tells the differences.
    """
    if not erp.set_up:
        log.info("the client has no ERP that can be asked, so there is nothing to do", client=context.client)
        return
    failures: list[TagwerkError] = []
    gone = Gone(erp.settings().gone_limit, accept_gone)
    async with erp.open() as api:
        if not context.dry_run:
            # What an earlier run or attempt has decided, before anything is read anew.
            for settlement in await payments.begun():
                yield await settle(api, payments, settlement)
        for of in (ErpList.SUPPLIERS, ErpList.OPEN_ITEMS):
            reading = Reading(of, api, store, gone, context, log, progress)
            async for records in reading.records_until_it_fails():
                yield records
            if reading.failure is not None:
                failures.append(reading.failure)
                continue
            if of is ErpList.OPEN_ITEMS:
                yield await payments.compare(reading.entries)
                for settlement in [] if context.dry_run else await payments.begun():
                    yield await settle(api, payments, settlement)
    if failures:
        raise foremost(failures)
