"""Traces by run, by id, and by what took long or failed."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg

from services.status.spans.core import of_run
from services.status.spans.decoding import facts_of
from shared.commands import Scope, Span, Trace, TraceQuery, TraceRow, TracesPage, TracesQuery
from shared.database import Pool
from shared.errors import TagwerkError
from shared.paging import Conditions
from shared.telemetry.spans import WAITED

#: Spans of one trace that are read, and those of them that are answered.
READ: Final = 5_000
ANSWERED: Final = 1_000

_KINDS: Final = ("internal", "internal", "server", "client", "producer", "consumer")


class Traces:
    def __init__(self, pool: Pool, days: int) -> None:
        """`days` that spans are kept; 0 where none come in."""
        self._pool = pool
        self._days = days

    async def trace(self, query: TraceQuery) -> Trace:
        """Empty where nothing is kept. Raises `trace_not_found` for a trace that is asked for by its id."""
        trace_id = query.trace_id
        if query.run_id is not None:
            trace_id = await self._pool.fetchval(
                "select trace_id from spans where run_id = $1 order by started_at limit 1", query.run_id
            )
        rows = await self._rows(trace_id) if trace_id is not None else []
        if query.run_id is None and not (rows and _seen(rows, query.scope)):
            raise self._not_found(trace_id)
        spans = [_span(row) for row in rows]
        beyond = rows[0]["of"] - len(rows) if rows else 0
        if query.run_id is not None:
            spans = of_run(spans, query.run_id)
        shown = spans[:ANSWERED]
        left_out = beyond + len(spans) - len(shown)
        return Trace(trace_id=trace_id, items=shown, left_out=left_out, days=self._days)

    async def traces(self, query: TracesQuery) -> TracesPage:
        where = Conditions()
        where.add("entry and started_at >= {}", datetime.now(UTC) - timedelta(hours=query.hours))
        if query.scope.clients is not None:
            where.add("(client is null or client = any({}))", sorted(query.scope.clients))
        told_by = f"select distinct service from spans where {where.sql} order by 1"  # noqa: S608
        services = await self._pool.fetch(told_by, *where.arguments)
        if query.service:
            where.add("service = {}", query.service)
        if query.name:
            where.add("(starts_with(name, {}) or starts_with(job, {}))", query.name, query.name)
        if query.what == "failed":
            where.add("failed")
            order = "started_at desc, span_id"
        else:
            where.add("not attributes ? {}", WAITED)
            order = "microseconds desc, span_id"
        limit = where.argument(query.limit)
        found = f"select * from spans where {where.sql} order by {order} limit {limit}"  # noqa: S608
        rows = await self._pool.fetch(found, *where.arguments)
        return TracesPage(
            items=[TraceRow.model_validate(dict(row)) for row in rows],
            services=[row["service"] for row in services],
            days=self._days,
        )

    async def _rows(self, trace_id: str) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._pool.fetch(
            "select *, count(*) over () as of from spans where trace_id = $1 order by started_at limit $2",
            trace_id,
            READ,
        )
        return rows

    def _not_found(self, trace_id: str | None) -> TagwerkError:
        kept = f"Spans are kept for {self._days} days; a collector of your own may have it longer."
        none_kept = "Set TAGWERK_OTLP_LISTEN (docs/operations.md), or look in your own collector."
        return TagwerkError(
            "trace_not_found",
            f"no spans of the trace {trace_id} are kept",
            concern=trace_id,
            next_step=kept if self._days else none_kept,
        )


def _seen(rows: list[asyncpg.Record], scope: Scope) -> bool:
    """Whether all clients that the trace names are the asker's."""
    clients = {row["client"] for row in rows if row["client"] is not None}
    return scope.clients is None or clients <= scope.clients


def _span(row: asyncpg.Record) -> Span:
    facts: dict[str, Any] = dict(row)
    kind = row["kind"]
    return Span(
        **{name: facts[name] for name in Span.model_fields if name not in ("kind", "attributes")},
        kind=_KINDS[kind] if 0 <= kind < len(_KINDS) else "internal",
        attributes=dict(facts_of(row["attributes"])),
    )
