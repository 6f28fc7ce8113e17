"""All runs of each job in numbers, and how long its last runs took."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from services.status import reading
from services.status.progress import Progress
from services.status.run_list import list_runs
from services.status.run_sizes import bound
from services.status.totals import EVERY, typical_of
from shared.commands import (
    Durations,
    DurationsQuery,
    JobOverview,
    LastRuns,
    LastRunsQuery,
    Overview,
    OverviewQuery,
    RunDuration,
    RunsQuery,
    RunSummary,
    Scope,
)
from shared.database import Pool
from shared.paging import Conditions
from shared.words import RunState

_STATES = tuple(state.value for state in RunState)
_STATEMENT = (
    f"select job, {', '.join(f'sum({state})::bigint as {state}' for state in _STATES)},"  # noqa: S608
    " sum(action_required)::bigint as action_required, sum(ended)::bigint as ended,"
    " sum(good)::bigint as good,"
    " array_agg(typical) filter (where typical is not null) as medians,"
    " array_agg(good) filter (where typical is not null) as weights{}"
    " from totals where {} group by job order by job"
)
_LAST_RUN = (
    ", (array_agg(last_run order by last_requested_at desc, last_run desc)"
    " filter (where last_run is not null))[1] as last_run"
)
_GLANCES = (
    "select r.run_id, r.job, r.state, r.requested_at, r.counts, r.sequence from ("
    "select distinct on (job) last_run from totals where {} and last_run is not null"
    " order by job, last_requested_at desc, last_run desc) l join runs r on r.run_id = l.last_run"
)


class Overviews:
    def __init__(self, pool: Pool, progress: Progress) -> None:
        self._pool = pool
        self._progress = progress

    async def overview(self, query: OverviewQuery) -> Overview:
        await self._progress.reach(query.at_least)
        where = _within(query.scope, query.job, query.client)
        # Which run was the last one needs an order, which costs half of the statement.
        last_run = _LAST_RUN if query.last_runs else ""
        rows = await self._pool.fetch(_STATEMENT.format(last_run, where.sql), *where.arguments)
        last = await self._last(rows) if query.last_runs else {}
        return Overview(
            states=_states({state: sum(row[state] for row in rows) for state in _STATES}),
            action_required=sum(row["action_required"] for row in rows),
            jobs=[
                JobOverview(
                    job=row["job"],
                    states=_states(row),
                    action_required=row["action_required"],
                    last=last.get(row["last_run"]) if last else None,
                    ended=row["ended"],
                    succeeded=row["good"],
                    typical=typical_of(row["medians"] or [], row["weights"] or []),
                )
                for row in rows
            ],
        )

    async def _last(self, rows: Sequence[asyncpg.Record]) -> dict[Any, RunSummary]:
        found = await self._pool.fetch(
            f"select {reading.SUMMARY} from runs r where r.run_id = any($1)",  # noqa: S608
            [row["last_run"] for row in rows if row["last_run"] is not None],
        )
        return {row["run_id"]: reading.summary(row) for row in found}

    async def last_runs(self, query: LastRunsQuery) -> LastRuns:
        await self._progress.reach(query.at_least)
        where = _within(query.scope)
        rows = await self._pool.fetch(_GLANCES.format(where.sql), *where.arguments)
        return LastRuns(items=[reading.glance(row) for row in rows])

    async def durations(self, query: DurationsQuery) -> Durations:
        await self._progress.reach(query.at_least)
        started = [state for state in RunState if state is not RunState.QUEUED]
        page = await list_runs(
            self._pool,
            RunsQuery(
                scope=query.scope, job=query.job, client=query.client, state=started, limit=query.limit
            ),
        )
        return Durations(
            items=[
                RunDuration(
                    run_id=run.run_id, started_at=run.started_at, state=run.state, duration=run.duration
                )
                for run in page.items
                if run.started_at is not None
            ]
        )


def _within(scope: Scope, job: str | None = None, client: str | None = None) -> Conditions:
    """The rows of the totals that tell of what may be seen and is asked for."""
    where = Conditions()
    clients, jobs = bound(scope.clients, client), bound(scope.jobs, job)
    where.add("client = any({})", [EVERY] if clients is None else list(clients))
    if jobs is not None:
        where.add("job = any({})", list(jobs))
    return where


def _states(counts: Any) -> dict[str, int]:
    """Those that there are, in the order of the vocabulary."""
    return {state: number for state in _STATES if (number := counts[state]) > 0}
