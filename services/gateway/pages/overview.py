"""How the runs of jobs stand, for the pages that show it."""

from collections.abc import Sequence

from services.gateway.context import QUERY_TIMEOUT, Gateway
from shared import subjects
from shared.access import Principal
from shared.commands import LastRuns, LastRunsQuery, Overview, OverviewQuery, RunGlance


async def read_overview(
    gateway: Gateway,
    principal: Principal,
    *,
    job: str | None = None,
    client: str | None = None,
) -> Overview:
    """The numbers of what `principal` may see; of one job, or for one client, if they are named."""
    scope = await gateway.gate.scope(principal)
    query = OverviewQuery(job=job, client=client, last_runs=False, **scope)
    return await gateway.bus.ask(subjects.query("status", "overview"), query, Overview, timeout=QUERY_TIMEOUT)


async def read_last_runs(gateway: Gateway, principal: Principal) -> Sequence[RunGlance]:
    """The last run of each job, of those that `principal` may see."""
    query = LastRunsQuery(**await gateway.gate.scope(principal))
    subject = subjects.query("status", "last-runs")
    return (await gateway.bus.ask(subject, query, LastRuns, timeout=QUERY_TIMEOUT)).items
