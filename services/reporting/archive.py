"""Finding a report that was kept, to send it once more."""

from typing import Protocol
from uuid import UUID

from services.reporting.reports import Report, read_kept
from shared.access import Principal, decide_access
from shared.buckets import Bucket
from shared.bus import Bus
from shared.errors import TagwerkError
from shared.jobs import CatalogueEntry
from shared.outbox import Outbox
from shared.runner.context import RunContext
from shared.subjects import CATALOGUE, PRINCIPALS


class Archive(Protocol):
    """The kept reports of one run's client, as far as the one who asks may see them."""

    async def find(self, report: UUID | None, job: str | None) -> Report:
        """The report with this id, or else the newest of this job. Raises `report_not_found`."""

    async def choose(self, report: Report) -> Report:
        """The report that this run sends: what an earlier attempt chose, or else this one."""


class KeptArchive:
    """In PostgreSQL."""

    def __init__(self, outbox: Outbox, context: RunContext, bus: Bus) -> None:
        self._outbox = outbox
        self._context = context
        self._bus = bus

    async def find(self, report: UUID | None, job: str | None) -> Report:
        async with self._outbox.transaction() as tx:
            row = await tx.connection.fetchrow(
                "select report_id, job from reports where client = $1 and"
                " case when $2::uuid is null then job = $3 else report_id = $2 end"
                " order by created_at desc, report_id limit 1",
                self._context.client,
                report,
                job,
            )
            found = None if row is None else await read_kept(tx, row["report_id"])
        # What may not be seen is not there.
        if row is None or found is None or not await self._sees(row["job"]):
            raise TagwerkError(
                "report_not_found",
                "there is no such report" if report is not None else f"{job} has made no report yet",
                concern=str(report or job),
                next_step="`tagwerk reports list` names those that there are.",
            )
        return found

    async def choose(self, report: Report) -> Report:
        async with self._outbox.transaction() as tx:
            await tx.connection.execute(
                "insert into report_runs (run_id, client, report_id) values ($1, $2, $3)"
                " on conflict do nothing",
                self._context.run_id,
                self._context.client,
                report.report_id,
            )
            chosen = await tx.connection.fetchval(
                "select report_id from report_runs where run_id = $1", self._context.run_id
            )
            return await read_kept(tx, chosen)

    async def _sees(self, job: str) -> bool:
        asker = await Bucket(self._bus, PRINCIPALS, Principal).get(self._context.principal)
        entry = await Bucket(self._bus, CATALOGUE, CatalogueEntry).get(job)
        if asker is None or entry is None:
            return False
        return decide_access(asker, entry.access, client=self._context.client).allowed
