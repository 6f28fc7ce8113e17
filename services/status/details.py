"""One run with its seven answers, its attempts and its timeline."""

import asyncio
from uuid import UUID

import asyncpg

from services.status import reading
from services.status.answers import NAMED_IN_DATA, answers
from services.status.facts import Facts
from services.status.gist import Gist
from services.status.progress import Progress
from services.status.queries import Queries, within
from services.status.timeline import Shortened, Story, tell
from shared.buckets import Bucket
from shared.commands import RecordRow, RunDetail, RunQuery, RunSummary, Scope
from shared.database import Pool
from shared.events import DoubtfulEffect
from shared.feed import RawMessage
from shared.jobs import CatalogueEntry
from shared.paging import Conditions
from shared.words import Outcome, RunState

#: Events of a run that its timeline tells, of the kinds that can be many.
TOLD = 1_000
#: Caused runs and reruns that are named.
RELATED = 200
#: Seconds between two looks at a run that another replica projects.
STANDBY_LOOK = 0.1
#: Seconds between two looks at a run that this one projects, should it lose the lead meanwhile.
LEADING_LOOK = 2.0

_MANY = ["run.progressed", "run.recorded", "run.called", "run.logged"]


class Details:
    def __init__(
        self, pool: Pool, queries: Queries, progress: Progress, catalogue: Bucket[CatalogueEntry]
    ) -> None:
        self._pool = pool
        self._queries = queries
        self._progress = progress
        self._catalogue = catalogue

    async def run(self, query: RunQuery) -> RunDetail:
        """The run, after its end or after `query.wait` seconds, whichever comes first."""
        await self._progress.reach(query.at_least)
        if query.wait > 0:
            await self._wait_for_end(query)
        row = await self._queries.run_row(query.run_id, query.scope, reading.DETAIL)
        summary = reading.summary(row)
        request = reading.loads(row["request"], {})
        in_doubt = reading.doubts(row)
        job = await self._catalogue.get(summary.job)
        story = tell(
            await self._messages(
                query.run_id, row["first_sequence"], row["sequence"], TOLD if query.timeline else 0
            )
        )
        if not query.timeline:
            story.timeline = []
        facts = Facts(
            run=summary,
            attempts=story.attempts,
            changed=row["changed"],
            note=row["note"],
            in_doubt=in_doubt,
            failed=await self._failed(summary),
            calls=reading.call_counts(row),
            cancelled_by=story.cancelled_by,
            job=job,
        )
        return await self._detail(row, request, facts, story, in_doubt, query.scope)

    async def _detail(
        self,
        row: asyncpg.Record,
        request: dict[str, object],
        facts: Facts,
        story: Story,
        in_doubt: list[DoubtfulEffect],
        scope: Scope,
    ) -> RunDetail:
        run = facts.run
        return RunDetail.model_validate(
            {
                **run.model_dump(),
                "parameters": reading.loads(row["parameters"], {}),
                "reason": row["reason"],
                "idempotency_key": row["idempotency_key"],
                "only_records": request.get("only_records"),
                "traceparent": request.get("traceparent"),
                "note": row["note"],
                "in_doubt": in_doubt,
                "expected_runtime": facts.job.expected_runtime if facts.job is not None else None,
                "answers": answers(facts),
                "attempts": story.attempts,
                "timeline": story.timeline,
                "caused_runs": await self._related("cause_run", run.run_id, scope),
                "reruns": await self._related("rerun_of", run.run_id, scope),
            }
        )

    async def _wait_for_end(self, query: RunQuery) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + query.wait
        with self._progress.watch(query.run_id) as ended:
            while True:
                row = await self._queries.run_row(query.run_id, query.scope, "r.state")
                left = deadline - loop.time()
                if RunState(row["state"]).final or left <= 0:
                    return
                look = LEADING_LOOK if self._progress.leading else STANDBY_LOOK
                try:
                    async with asyncio.timeout(min(look, left)):
                        await ended.wait()
                except TimeoutError:
                    continue

    async def _messages(self, run_id: UUID, first: int, last: int, told: int) -> list[RawMessage | Shortened]:
        """Those of the run in their order; of the kinds that can be many the first `told`."""
        message = "sequence, subject, time, case when gist is null then payload end as payload, gist"
        rows = await self._pool.fetch(
            f"(select {message} from archive where run_id = $1 and sequence between $2"  # noqa: S608
            " and $3 and (type is null or type <> all($4)))"
            " union all"
            f" (select {message} from archive where run_id = $1 and sequence between $2"
            " and $3 and type = any($4) order by sequence limit $5)"
            " order by sequence",
            run_id,
            first,
            last,
            _MANY,
            told,
        )
        return [
            Shortened(row["sequence"], Gist.model_validate_json(row["gist"]))
            if row["gist"] is not None
            else RawMessage(row["sequence"], row["subject"], row["time"], row["payload"])
            for row in rows
        ]

    async def _failed(self, run: RunSummary) -> list[RecordRow]:
        """The first records that failed or are in doubt."""
        rows: list[asyncpg.Record] = []
        for outcome in (Outcome.FAILED, Outcome.UNKNOWN):
            if run.counts.get(outcome):
                rows += await self._pool.fetch(
                    f"select {reading.RECORD} from records c join runs r on r.run_id = c.run_id"  # noqa: S608
                    " where c.run_id = $1 and c.outcome = $2 order by c.position limit $3",
                    run.run_id,
                    outcome,
                    NAMED_IN_DATA,
                )
        return [reading.record(row) for row in sorted(rows, key=lambda row: row["position"])[:NAMED_IN_DATA]]

    async def _related(self, column: str, run_id: UUID, scope: Scope) -> list[UUID]:
        where = Conditions()
        where.add(f"r.{column} = {{}}", run_id)
        within(where, scope)
        rows = await self._pool.fetch(
            f"select r.run_id from runs r where {where.sql}"  # noqa: S608
            f" order by r.requested_at, r.run_id limit {RELATED}",
            *where.arguments,
        )
        return [row["run_id"] for row in rows]
