"""Queries of the spans that the status service keeps for some days."""

from collections import defaultdict
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.commands.common import Query


class TraceQuery(Query):
    """`query.status.trace` -> `Trace`: the part of its trace that belongs to a run, or a whole trace."""

    run_id: UUID | None = None
    #: 32 hex digits.
    trace_id: str | None = None


class TracesQuery(Query):
    """`query.status.traces` -> `TracesPage`."""

    what: Literal["slowest", "failed"] = "slowest"
    #: Hours back from now.
    hours: int = Field(default=24, ge=1, le=24 * 30)
    service: str | None = None
    #: How the name, or the job, begins.
    name: str | None = None
    limit: int = Field(default=50, ge=1, le=200)


class Span(BaseModel):
    """Work of one service, as OpenTelemetry tells it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    span_id: str
    #: None for the first of its trace.
    parent_id: str | None = None
    service: str
    name: str
    #: `internal`, `server`, `client`, `producer` or `consumer`.
    kind: str
    started_at: datetime
    microseconds: int
    failed: bool
    #: A stable code.
    error: str | None = None
    run_id: UUID | None = None
    job: str | None = None
    attempt: int | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)
    #: Ids of traces that it is linked to.
    links: list[str] = Field(default_factory=list)


class Trace(BaseModel):
    """Spans by their start. Empty where none are kept: tracing is off, or it was longer ago than they are
    kept."""

    #: None where nothing is known.
    trace_id: str | None
    items: list[Span]
    #: Spans beyond those that are shown.
    left_out: int = 0
    #: Days that spans are kept; 0 where they are not.
    days: int

    def ordered(self) -> list[tuple[Span, int]]:
        """Each span under its parent, by start, and how deep; without its parent it stands for itself."""
        known = {span.span_id for span in self.items}
        below: dict[str | None, list[Span]] = defaultdict(list)
        for span in self.items:
            has_parent = span.parent_id in known and span.parent_id != span.span_id
            below[span.parent_id if has_parent else None].append(span)
        for children in below.values():
            children.sort(key=lambda span: (span.started_at, span.span_id))
        ordered: list[tuple[Span, int]] = []
        waiting = [(span, 0) for span in reversed(below[None])]
        while waiting:
            span, depth = waiting.pop()
            ordered.append((span, depth))
            waiting += [(child, depth + 1) for child in reversed(below[span.span_id])]
        return ordered


class TraceRow(BaseModel):
    """Where work came in: a request, a message, an attempt of a run."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    trace_id: str
    service: str
    name: str
    started_at: datetime
    microseconds: int
    failed: bool
    error: str | None = None
    run_id: UUID | None = None
    job: str | None = None
    client: str | None = None
    attempt: int | None = None


class TracesPage(BaseModel):
    items: list[TraceRow]
    #: Services that told spans in this time.
    services: list[str]
    days: int
