"""How many runs the conditions of a list leave: from the totals, or as the database estimates it."""

from dataclasses import dataclass

import orjson

from services.status.totals import EVERY
from services.status.ways import Condition, OfJob, Sizes
from shared.commands import RunsQuery
from shared.database import Pool
from shared.paging import Conditions
from shared.words import RunState

#: The states of runs that may need somebody (`services/status/core.py`).
NEEDS_SOMEBODY = (RunState.PARTIALLY_FAILED, RunState.FAILED, RunState.TIMED_OUT, RunState.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What asker and filter leave of clients, jobs and states; None for all of them."""

    clients: tuple[str, ...] | None
    jobs: tuple[str, ...] | None
    states: tuple[str, ...] | None

    @classmethod
    def of(cls, query: RunsQuery) -> "Bounds":
        return cls(
            bound(query.scope.clients, query.client),
            bound(query.scope.jobs, query.job),
            tuple(sorted({state.value for state in query.state})) or None,
        )

    @property
    def nothing(self) -> bool:
        return self.clients == () or self.jobs == ()


def bound(seen: frozenset[str] | None, wanted: str | None) -> tuple[str, ...] | None:
    """What is left of what the asker may see (None: everything) if only `wanted` is asked for.

    No client and no job has an empty name, which in the totals means all of them.
    """
    if wanted is None:
        return None if seen is None else tuple(sorted(seen - {EVERY}))
    return (wanted,) if wanted != EVERY and (seen is None or wanted in seen) else ()


async def measure(pool: Pool, query: RunsQuery, bounds: Bounds) -> Sizes:
    rows = await pool.fetch(_statement(query, bounds), list(bounds.clients or ()))
    every = [row for row in rows if row["every"]]
    mine = rows if bounds.clients is None else [row for row in rows if not row["every"]]
    everything = sum(row["runs"] for row in every)
    of_job = {row["job"]: row["runs"] for row in every}
    jobs = {
        row["job"]: OfJob(of_job.get(row["job"], row["runs"]), row["matching"])
        for row in mine
        if row["matching"] > 0 and (bounds.jobs is None or row["job"] in bounds.jobs)
    }
    conditions = []
    if bounds.clients is not None:
        conditions.append(Condition("client", bounds.clients, sum(row["runs"] for row in mine)))
    if bounds.jobs is not None:
        size = sum(job.runs for job in jobs.values())
        conditions.append(Condition("job", tuple(sorted(jobs)), size))
    if bounds.states is not None:
        conditions.append(Condition("state", bounds.states, sum(row["chosen"] for row in every)))
    if query.action_required:
        size = sum(row["action_required"] for row in every)
        conditions.append(Condition("action_required", (), size))
    unknown = await _estimate(pool, query)
    share = period = 1.0
    for condition in unknown:
        part = min(1.0, condition.size / max(1, everything))
        share *= part
        if condition.column is None:
            period = part
    before = query.requested_before is not None
    return Sizes(everything, jobs, (*conditions, *unknown), share, period, before)


def _statement(query: RunsQuery, bounds: Bounds) -> str:
    runs = " + ".join(RunState)
    # Of the vocabulary, and of nothing else.
    chosen = " + ".join(state for state in RunState if bounds.states is None or state in bounds.states)
    matching = chosen
    if query.action_required:
        bad = [state for state in NEEDS_SOMEBODY if bounds.states is None or state in bounds.states]
        matching = f"least({' + '.join(bad) or '0'}, action_required)"
    elif query.action_required is False:
        matching = f"least({chosen}, {runs} - action_required)"
    return (
        f"select client = '{EVERY}' as every, job, sum({runs})::bigint as runs,"  # noqa: S608
        f" sum({chosen})::bigint as chosen, sum({matching})::bigint as matching,"
        " sum(action_required)::bigint as action_required"
        f" from totals where client = '{EVERY}' or client = any($1) group by 1, 2"
    )


async def _estimate(pool: Pool, query: RunsQuery) -> list[Condition]:
    """Conditions of which the totals know nothing."""
    found = []
    for column in ("principal", "trigger"):
        value = getattr(query, column)
        if value is not None:
            where = Conditions()
            where.add(f"r.{column} = {{}}", value)
            found.append(Condition(column, (value,), await _estimated(pool, where)))
    period = Conditions()
    if add_period(period, query):
        found.append(Condition(None, (), await _estimated(pool, period)))
    return found


async def _estimated(pool: Pool, where: Conditions) -> int:
    plan = await pool.fetchval(
        f"explain (format json) select from runs r where {where.sql}",
        *where.arguments,
    )
    rows: int = orjson.loads(plan)[0]["Plan"]["Plan Rows"]
    return rows


def add_period(where: Conditions, query: RunsQuery) -> bool:
    """Add the times between which runs were requested; says whether there are any."""
    if query.requested_after is not None:
        where.add("r.requested_at > {}", query.requested_after)
    if query.requested_before is not None:
        where.add("r.requested_at < {}", query.requested_before)
    return query.requested_after is not None or query.requested_before is not None
