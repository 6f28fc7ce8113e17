"""Queues that nobody works on: the server tells how each durable stands, the replicas whether they live."""

from collections.abc import Iterator

from nats.errors import Error as NatsError
from nats.js.errors import APIError, NotFoundError

from services.scheduler.keeper import DEFAULT_CLIENT, SERVICE_USER
from services.scheduler.watch.cases import Cases
from services.scheduler.watch.core import Patience, Queue, QueueWatch
from shared import subjects
from shared.buckets import Bucket
from shared.bus import Bus, BusUnavailable
from shared.events import BusinessEventBase, QueueUnworked, QueueWorked
from shared.ids import derived_id
from shared.jobs import CatalogueEntry
from shared.metrics.definitions import QUEUE_IN_HAND, QUEUE_PENDING
from shared.words import Lane

#: Seconds within which a replica that lives says so.
ANSWER = 2.0
#: The label of the queue of a job with a limit, which has no lanes.
ONE_LANE = "one"


def about(event: BusinessEventBase) -> tuple[str, bool] | None:
    if isinstance(event, QueueUnworked | QueueWorked):
        return _queue(event.job, event.lane), isinstance(event, QueueUnworked)
    return None


class QueuesWatch:
    def __init__(self, bus: Bus, catalogue: Bucket[CatalogueEntry], patience: Patience) -> None:
        self.cases = Cases(bus, "queue", about)
        self._bus = bus
        self._catalogue = catalogue
        self._patience = patience
        self._watches: dict[str, QueueWatch] = {}

    async def look(self, passed: float) -> None:
        """Say what has to be said; `passed` seconds have gone since the look before."""
        opened = await self.cases.open()
        # Those that no service offers any more, too: what waits for them waits for ever.
        for entry in (await self._catalogue.all()).values():
            for lane in _lanes(entry):
                queue = await self._ask(entry.id, lane)
                if queue is not None:
                    await self._look_at(entry, lane, queue, opened.get(_queue(entry.id, lane)), passed)

    async def _look_at(
        self,
        entry: CatalogueEntry,
        lane: Lane | None,
        queue: Queue,
        opened: BusinessEventBase | None,
        passed: float,
    ) -> None:
        name = _queue(entry.id, lane)
        new = name not in self._watches
        watch = self._watches.setdefault(name, QueueWatch())
        watch.look(queue, passed)
        QUEUE_PENDING.labels(entry.id, lane or ONE_LANE).set(queue.pending)
        QUEUE_IN_HAND.labels(entry.id, lane or ONE_LANE).set(queue.in_hand)
        told = {
            "client": DEFAULT_CLIENT, "principal": SERVICE_USER, "about": [f"job:{entry.id}"],
            "interactive": False, "job": entry.id, "lane": lane,
        }  # fmt: skip
        if opened is not None:
            # The first look tells what is, and not whether it moves.
            if watch.worked and (not new or not (queue.pending or queue.in_hand)):
                id = derived_id("event.queue.worked", str(opened.id))
                await self.cases.say(QueueWorked.model_validate({**told, "id": id, "opened_by": opened.id}))
        elif watch.suspicious(self._patience):
            alive = await self._alive(entry.service)
            if watch.unworked(queue, self._patience, alive=alive):
                waiting = queue.pending + (0 if alive else queue.in_hand)
                found = {**told, "waiting": waiting, "service_alive": alive}
                await self.cases.say(QueueUnworked.model_validate(found))

    async def _ask(self, job: str, lane: Lane | None) -> Queue | None:
        try:
            info = await self._bus.js.consumer_info(subjects.RUNS, subjects.work_durable(job, lane))
        except NotFoundError:
            return None
        except (APIError, NatsError, TimeoutError) as error:
            raise BusUnavailable(f"the queue of {job} cannot be looked at: {error!r}") from error
        return Queue(
            pending=info.num_pending or 0,
            in_hand=info.num_ack_pending or 0,
            asking=info.num_waiting or 0,
            delivered=info.delivered.consumer_seq if info.delivered else 0,
            done=info.ack_floor.consumer_seq if info.ack_floor else 0,
        )

    async def _alive(self, service: str) -> bool:
        async for _ in self._bus.ask_all(subjects.health(service), first=ANSWER, rest=0.0):
            return True
        return False


def _lanes(entry: CatalogueEntry) -> Iterator[Lane | None]:
    if entry.limit is None:
        yield from (Lane.INTERACTIVE, Lane.BULK)
    else:
        yield None


def _queue(job: str, lane: Lane | None) -> str:
    return subjects.work_durable(job, lane)
