"""How the runs of jobs stand, for the pages that show it."""

from services.gateway.context import QUERY_TIMEOUT, Gateway
from shared import subjects
from shared.access import Principal
from shared.commands import Overview, OverviewQuery


async def read_overview(
    gateway: Gateway,
    principal: Principal,
    *,
    job: str | None = None,
    client: str | None = None,
    last_runs: bool = True,
) -> Overview:
    """Of what `principal` may see; of one job, or for one client, if they are named."""
    scope = await gateway.gate.scope(principal)
    query = OverviewQuery(job=job, client=client, last_runs=last_runs, **scope)
    return await gateway.bus.ask(subjects.query("status", "overview"), query, Overview, timeout=QUERY_TIMEOUT)
