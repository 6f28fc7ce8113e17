"""The status service: the projector and its queries, put together."""

import functools
import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from services.status.dead_letters import DeadLetterRelay
from services.status.declaration import DECLARATION
from services.status.details import Details
from services.status.lag import measure_lag
from services.status.overview import Overviews
from services.status.progress import Progress
from services.status.projector import Projector
from services.status.queries import Queries
from services.status.rebuild import Rebuilds
from services.status.repetitions import Repetitions
from services.status.search import Search
from services.status.spans.door import listen
from services.status.spans.queries import Traces
from services.status.spans.store import Spans
from services.status.tree import Trees
from shared import subjects
from shared.bus import Bus
from shared.catalogue import catalogue
from shared.commands import (
    CallsQuery,
    ChangesQuery,
    DurationsQuery,
    EventsQuery,
    LastRunsQuery,
    LogsQuery,
    OverviewQuery,
    Rebuild,
    RecordsQuery,
    RepeatsQuery,
    RunQuery,
    RunsQuery,
    SearchQuery,
    SystemCallsQuery,
    TraceQuery,
    TracesQuery,
    TreeQuery,
)
from shared.database import Pool
from shared.entry import serve
from shared.errors import Failure
from shared.service import Service
from shared.settings import Settings

#: Of the connections: each query is planned for what it asks, because clients and jobs are of very different
#: size, and no index is read to its end to be sorted piece by piece where one has the order.
FOR_QUERIES = {"plan_cache_mode": "force_custom_plan", "enable_incremental_sort": "off"}

MIGRATIONS = Path(__file__).parent / "migrations"

Request = TypeVar("Request", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service consists of, once bus and database are there."""

    progress: Progress
    projector: Projector
    dead_letters: DeadLetterRelay
    rebuilds: Rebuilds
    queries: Queries
    details: Details
    overviews: Overviews
    trees: Trees
    search: Search
    spans: Spans
    traces: Traces
    repetitions: Repetitions


def assemble(
    bus: Bus,
    pool: Pool,
    tell_trouble: Callable[[Failure | None], None],
    *,
    keeps_spans: bool = False,
    spans_days: int = 3,
) -> Parts:
    """Build the parts; `tell_trouble` hears why the projection is stopped, or None when it goes on."""
    progress = Progress(pool, tell_trouble)
    projector = Projector(bus.nc, pool, progress)
    queries = Queries(pool, progress)
    return Parts(
        progress=progress,
        projector=projector,
        dead_letters=DeadLetterRelay(bus, pool, projector, progress),
        rebuilds=Rebuilds(pool, projector, progress),
        queries=queries,
        details=Details(pool, queries, progress, catalogue(bus)),
        overviews=Overviews(pool, progress),
        trees=Trees(pool, queries, progress),
        search=Search(pool, progress),
        spans=Spans(pool, days=spans_days),
        traces=Traces(pool, spans_days if keeps_spans else 0),
        repetitions=Repetitions(pool, progress),
    )


def build(settings: Settings) -> Service:
    service = Service(DECLARATION, settings, migrations=MIGRATIONS, database_settings=FOR_QUERIES)

    def tell_trouble(failure: Failure | None) -> None:
        service.trouble = failure

    @functools.cache
    def parts() -> Parts:
        return assemble(
            service.bus,
            service.pool,
            tell_trouble,
            keeps_spans=settings.otlp_listen is not None,
            spans_days=settings.spans_days,
        )

    def answer(
        name: str, model: type[Request], handler: Callable[[Parts], Callable[[Request], Awaitable[BaseModel]]]
    ) -> None:
        async def handle(request: Request) -> BaseModel:
            return await handler(parts())(request)

        service.answer(name, model, handle)

    answer(subjects.query("status", "runs"), RunsQuery, lambda p: p.queries.runs)
    answer(subjects.query("status", "run"), RunQuery, lambda p: p.details.run)
    answer(subjects.query("status", "records"), RecordsQuery, lambda p: p.queries.records)
    answer(subjects.query("status", "calls"), CallsQuery, lambda p: p.queries.calls)
    answer(subjects.query("status", "changes"), ChangesQuery, lambda p: p.queries.changes)
    answer(subjects.query("status", "logs"), LogsQuery, lambda p: p.queries.logs)
    answer(subjects.query("status", "events"), EventsQuery, lambda p: p.queries.events)
    answer(subjects.query("status", "overview"), OverviewQuery, lambda p: p.overviews.overview)
    answer(subjects.query("status", "last-runs"), LastRunsQuery, lambda p: p.overviews.last_runs)
    answer(subjects.query("status", "durations"), DurationsQuery, lambda p: p.overviews.durations)
    answer(subjects.query("status", "tree"), TreeQuery, lambda p: p.trees.tree)
    answer(subjects.query("status", "search"), SearchQuery, lambda p: p.search.search)
    answer(subjects.query("status", "repeats"), RepeatsQuery, lambda p: p.repetitions.repeats)
    answer(subjects.query("status", "system-calls"), SystemCallsQuery, lambda p: p.repetitions.system_calls)
    answer(subjects.query("status", "trace"), TraceQuery, lambda p: p.traces.trace)
    answer(subjects.query("status", "traces"), TracesQuery, lambda p: p.traces.traces)
    answer(subjects.REBUILD, Rebuild, lambda p: p.rebuilds.request)
    service.measure("projection lag", lambda: measure_lag(service.bus.nc, parts().progress))
    service.background("projector", lambda: parts().projector.run())
    service.background("dead letters", lambda: parts().dead_letters.run())
    service.background("rebuilds", lambda: parts().rebuilds.run())
    if (address := settings.otlp_listen) is not None:
        service.background("spans", lambda: listen(parts().spans, address))
        service.background("spans to the database", lambda: parts().spans.write())
        service.background("old spans", lambda: parts().spans.tidy())
    return service


def main() -> None:
    # The fold makes many objects that live for one batch; looking through all of them again and again, as
    # the collector does by default, takes as long as the fold itself.
    gc.set_threshold(100_000, 50, 100)
    serve(build)
