"""What a service is, as data: its jobs and the durables that it listens on.

`services/<name>/declaration.py` holds one, and imports nothing heavy that its jobs do not: deployment
reads all of them to provision the bus.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared import subjects
from shared.jobs import Job


@dataclass(frozen=True, slots=True)
class Durable:
    """A durable pull consumer with explicit acknowledgement."""

    stream: str
    name: str
    #: One subject filter, never two: see `subjects.work_filter`.
    filter: str
    #: Messages in work at once over all replicas.
    max_ack_pending: int = 10_000


@dataclass(frozen=True, slots=True)
class BusUse:
    """What a service does on the bus besides working off its durables, answering, and its own jobs' runs;
    `shared.permissions` makes of it what its user may."""

    #: Business events that it tells.
    tells: Sequence[str] = ()
    #: Queries and commands that it sends to others.
    asks: Sequence[str] = ()
    #: Jobs whose runs it requests, besides its own.
    starts: Sequence[str] = ()
    #: Other subjects that it publishes to.
    publishes: Sequence[str] = ()
    #: Streams and buckets (`KV_…`) that it reads messages of, besides what all read.
    reads: Sequence[str] = ()
    #: Reader and stream of each feed that it opens (`shared.feed`).
    follows: Sequence[tuple[str, str]] = ()
    #: Requests to JetStream's interface that nobody else makes, without `$JS.API.`.
    manages: Sequence[str] = ()
    #: Other subjects that it subscribes to.
    hears: Sequence[str] = ()
    #: Work that dead letters of it name, besides its durables.
    buries: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Declaration:
    name: str
    jobs: Sequence[Job] = ()
    #: Business event types that the service's own handlers want, besides those that start its jobs.
    listens: Sequence[str] = ()
    #: Durables of its own, besides those for work and events.
    durables: Sequence[Durable] = ()
    bus: BusUse = BusUse()

    @property
    def event_types(self) -> list[str]:
        return sorted({*self.listens, *(job.on for job in self.jobs if job.on is not None)})

    def all_durables(self) -> list[Durable]:
        """Everything that the admin step must create for this service."""
        work = [
            Durable(
                subjects.RUNS,
                subjects.work_durable(job.id, lane),
                subjects.work_filter(job.id, lane),
                job.limit or 10_000,
            )
            for job in self.jobs
            for lane in job.lanes
        ]
        types = self.event_types
        events = (
            [
                Durable(
                    subjects.EVENTS,
                    subjects.events_durable(self.name),
                    types[0] if len(types) == 1 else "event.>",
                )
            ]
            if types
            else []
        )
        return [*work, *events, *self.durables]
