"""The runs around a run: those that led to it, those that it caused, and its reruns."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.gateway.context import QUERY_TIMEOUT, Gateway
from shared import subjects
from shared.access import Principal
from shared.commands import RunDetail, RunQuery, RunsPage, RunsQuery, RunSummary
from shared.errors import TagwerkError

#: Generations before a run that are shown.
ANCESTORS = 6
#: Runs that are shown of each sort.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Family:
    #: From the first cause to the direct one, as far as the reader may see them.
    ancestors: Sequence[RunSummary] = ()
    caused: Sequence[RunSummary] = ()
    reruns: Sequence[RunSummary] = ()
    #: Whether there are more of them.
    more_caused: bool = False
    more_reruns: bool = False

    @property
    def alone(self) -> bool:
        return not (self.ancestors or self.caused or self.reruns)


def origin_of(run: RunSummary) -> UUID | None:
    """The run that led to `run`: the one that it repeats, or else the one that caused it."""
    return run.rerun_of or (run.cause.run_id if run.cause else None)


async def read_family(gateway: Gateway, asking: Principal, run: RunDetail) -> Family:
    """Asks only for what the run itself names."""
    ancestors: list[RunSummary] = []
    origin = origin_of(run)
    scope = await gateway.gate.scope(asking)
    while origin is not None and len(ancestors) < ANCESTORS:
        query = RunQuery(run_id=origin, **scope)
        try:
            found = await gateway.bus.ask(
                subjects.query("status", "run"), query, RunDetail, timeout=QUERY_TIMEOUT
            )
        except TagwerkError as error:
            if error.failure.code != "run_not_found":
                raise
            # Hidden, as for none: the chain begins here for this reader.
            break
        ancestors.insert(0, found)
        origin = origin_of(found)
    caused, more_caused = await _runs(gateway, scope, run.caused_runs, caused_by_run=run.run_id)
    reruns, more_reruns = await _runs(gateway, scope, run.reruns, rerun_of=run.run_id)
    return Family(ancestors, caused, reruns, more_caused, more_reruns)


async def _runs(
    gateway: Gateway, scope: dict[str, object], named: Sequence[UUID], **which: UUID
) -> tuple[Sequence[RunSummary], bool]:
    if not named:
        return (), False
    query = RunsQuery.model_validate({**scope, **which, "sort": "requested_at", "limit": SHOWN})
    page = await gateway.bus.ask(subjects.query("status", "runs"), query, RunsPage, timeout=QUERY_TIMEOUT)
    return page.items, page.next_cursor is not None
