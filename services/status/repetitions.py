"""What one wants to know before a run is started: runs like it, and when its systems were last called."""

from services.status import reading
from services.status.digest import parameters_digest
from services.status.progress import Progress
from services.status.queries import within
from shared.commands import (
    DoubtfulRun,
    LastCall,
    Repeats,
    RepeatsQuery,
    RunSummary,
    SystemCalls,
    SystemCallsQuery,
)
from shared.database import Pool
from shared.paging import Conditions
from shared.words import CallOutcome

#: Runs that are named.
NAMED = 10
#: Calls of one system and outcome that are looked through for one that the asker may see.
LOOKED_THROUGH = 1_000


class Repetitions:
    def __init__(self, pool: Pool, progress: Progress) -> None:
        self._pool = pool
        self._progress = progress

    async def repeats(self, query: RepeatsQuery) -> Repeats:
        await self._progress.reach(query.at_least)
        if not _sees(query):
            return Repeats()
        digests = {parameters_digest(query.job, query.client, one) for one in query.parameters}
        under_way: list[RunSummary] = []
        ended: list[RunSummary] = []
        for digest in sorted(digests):
            under_way += await self._like(digest, "r.finished_at is null", NAMED)
            ended += await self._like(digest, "r.finished_at is not null", 1)
        return Repeats(
            under_way=sorted(under_way, key=lambda run: run.requested_at, reverse=True)[:NAMED],
            last=max(ended, key=lambda run: run.finished_at or run.requested_at, default=None),
            in_doubt=await self._in_doubt(query),
        )

    async def _like(self, digest: bytes, which: str, limit: int) -> list[RunSummary]:
        where = Conditions()
        where.add("r.parameters_digest = {}", digest)
        where.add(which)
        rows = await self._pool.fetch(
            f"select {reading.SUMMARY} from runs r where {where.sql}"  # noqa: S608
            f" order by r.finished_at desc, r.run_id desc limit {limit}",
            *where.arguments,
        )
        return [reading.summary(row) for row in rows]

    async def _in_doubt(self, query: RepeatsQuery) -> list[DoubtfulRun]:
        where = Conditions()
        where.add("r.job = {}", query.job)
        where.add("r.client = {}", query.client)
        where.add("r.in_doubt is not null")
        rows = await self._pool.fetch(
            f"select r.run_id, r.finished_at, r.in_doubt from runs r where {where.sql}"  # noqa: S608
            f" order by r.finished_at desc limit {NAMED}",
            *where.arguments,
        )
        return [
            DoubtfulRun(run_id=row["run_id"], finished_at=row["finished_at"], in_doubt=reading.doubts(row))
            for row in rows
        ]

    async def system_calls(self, query: SystemCallsQuery) -> SystemCalls:
        await self._progress.reach(query.at_least)
        seen = Conditions()
        systems, outcomes = seen.argument(query.systems), seen.argument([str(one) for one in CallOutcome])
        within(seen, query.scope)
        rows = await self._pool.fetch(
            "select found.* from"  # noqa: S608
            f" unnest({systems}::text[]) as asked (system), unnest({outcomes}::text[]) as ended (outcome),"
            " lateral (select c.*, r.job, r.client from"
            " (select * from calls c where c.system = asked.system and c.outcome = ended.outcome"
            f" order by c.started_at desc limit {LOOKED_THROUGH}) c join runs r on r.run_id = c.run_id"
            f" where {seen.sql} order by c.started_at desc limit 1) found"
            " order by found.system, found.outcome",
            *seen.arguments,
        )
        return SystemCalls(
            items=[
                LastCall(
                    failure=reading.failure(row["failure"]),
                    **{
                        name: row[name]
                        for name in (
                            "system", "outcome", "run_id", "job", "operation", "started_at", "duration_ms",
                            "detail",
                        )
                    },
                    client=row["client"] or "unknown",
                )
                for row in rows
            ]
        )  # fmt: skip


def _sees(query: RepeatsQuery) -> bool:
    """Whether the asker may see runs of this job for this client; then they may see each of them."""
    clients, jobs = query.scope.clients, query.scope.jobs
    return (clients is None or query.client in clients) and (jobs is None or query.job in jobs)
