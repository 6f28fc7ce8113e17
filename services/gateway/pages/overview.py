"""What the catalogue tells of runs: the last one of each job, typical durations, what is going on."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.gateway.context import QUERY_TIMEOUT, Gateway
from shared import subjects
from shared.access import Principal
from shared.commands import RunsPage, RunsQuery, RunSummary
from shared.words import RunState

#: Newest runs that are looked at.
LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class JobOverview:
    last: RunSummary
    #: Seconds: the median of the last successful runs; None without one.
    typical: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    jobs: dict[str, JobOverview] = field(default_factory=dict)
    needs_attention: int = 0
    running: int = 0
    waiting: int = 0


async def read_overview(gateway: Gateway, principal: Principal) -> Overview:
    query = RunsQuery(**await gateway.gate.scope(principal), limit=LOOKED_AT)
    page = await gateway.bus.ask(subjects.query("status", "runs"), query, RunsPage, timeout=QUERY_TIMEOUT)
    return overview_of(page.items)


def overview_of(runs: Sequence[RunSummary]) -> Overview:
    """`runs`: the newest first."""
    jobs: dict[str, JobOverview] = {}
    for run in runs:
        if run.job not in jobs:
            jobs[run.job] = JobOverview(run, _typical([other for other in runs if other.job == run.job]))
    states = [run.state for run in runs]
    return Overview(
        jobs,
        needs_attention=sum(run.action_required for run in runs),
        running=states.count(RunState.RUNNING),
        waiting=states.count(RunState.QUEUED) + states.count(RunState.WAITING),
    )


def _typical(runs: Sequence[RunSummary]) -> float | None:
    durations = [run.duration for run in runs if run.state is RunState.SUCCEEDED and run.duration is not None]
    return statistics.median(durations) if durations else None
