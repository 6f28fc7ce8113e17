"""The runs around a run: those that led to it, those that it caused, and its reruns."""

from services.gateway.context import Gateway
from services.gateway.identity.asker import Asker
from services.gateway.routes.overview import read_tree
from shared.commands import RunDetail, RunTree


async def read_family(gateway: Gateway, asking: Asker, run: RunDetail) -> RunTree | None:
    """None for a run that names no other: most of them."""
    origin = run.rerun_of or (run.cause.run_id if run.cause else None)
    if origin is None and not run.caused_runs and not run.reruns:
        return None
    return await read_tree(run.run_id, asking, gateway)
