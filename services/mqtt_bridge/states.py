"""RUNS in, states out: retained, so that whoever subscribes later knows how it stands.

The stream itself is the spool: a state is acknowledged to it when the broker has acknowledged the message.
The durable hands out one message at a time, so an older state never comes over a newer one; killed in
between, the same state is told again.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import structlog
from pydantic import BaseModel

from services.mqtt_bridge.rules import States, words_of_job
from shared import subjects
from shared.bus import Bus
from shared.events import AttemptFailed, Finished, Requested, RunEvent, Started, Undecodable, decode_run_event
from shared.pull import Delivery
from shared.subjects import ParsedRunSubject, RunSubjects, parse_run_subject
from shared.words import RunState

log = structlog.get_logger(__name__)

#: Runs of which the client is remembered.
_REMEMBERED = 10_000

Publish = Callable[[str, bytes], Awaitable[None]]


class RunTold(BaseModel):
    """How a run stands, as it is published."""

    run_id: UUID
    job: str
    client: str
    state: RunState
    time: datetime
    #: Sequence in RUNS: a higher one is newer.
    sequence: int
    #: Code and cause of a failure.
    code: str | None = None
    cause: str | None = None


def state_of(event: object) -> RunState | None:
    """The state that a run has from this event on; None if it changes none. Pure."""
    match event:
        case Requested():
            return RunState.QUEUED
        case Started():
            return RunState.RUNNING
        case AttemptFailed():
            return RunState.WAITING
        case Finished():
            return event.state
        case _:
            return None


class RunStates:
    """The durable on RUNS."""

    def __init__(self, states: States, bus: Bus, publish: Publish) -> None:
        self._states = states
        self._bus = bus
        self._publish = publish
        self._clients: OrderedDict[UUID, str] = OrderedDict()

    async def handle(self, delivery: Delivery) -> None:
        try:
            where = parse_run_subject(delivery.subject)
            event = decode_run_event(delivery.data)
        except (ValueError, Undecodable) as error:
            # The projection keeps it as a dead letter.
            log.warning("an event of a run tells no state", subject=delivery.subject, why=str(error))
            await delivery.ack()
            return
        state = state_of(event)
        if state is not None:
            await self._tell(where, event, state, delivery.sequence)  # type: ignore[arg-type]
        await delivery.ack()

    async def _tell(self, where: ParsedRunSubject, event: RunEvent, state: RunState, sequence: int) -> None:
        client = await self._client(where, event)
        if client is None or not self._states.tell(client, where.job):
            return
        failure = event.failure if isinstance(event, AttemptFailed | Finished) else None
        told = RunTold(
            run_id=where.run_id,
            job=where.job,
            client=client,
            state=state,
            time=event.time,
            sequence=sequence,
            code=failure.code if failure else None,
            cause=failure.cause if failure else None,
        )
        payload = told.model_dump_json(exclude_none=True).encode()
        base = f"{self._states.prefix}/{client}/{words_of_job(where.job)}"
        await self._publish(f"{base}/runs/{where.run_id}", payload)
        await self._publish(f"{base}/last", payload)

    async def _client(self, where: ParsedRunSubject, event: RunEvent) -> str | None:
        """The run's client, which its request alone tells."""
        client = event.client if isinstance(event, Requested) else self._clients.get(where.run_id)
        if client is None:
            page, _ = await self._bus.read_page(subjects.RUNS, RunSubjects(where.job, where.run_id).all, 1)
            first = decode_run_event(page[0].data) if page else None
            if not isinstance(first, Requested):
                return None
            client = first.client
        self._clients[where.run_id] = client
        if len(self._clients) > _REMEMBERED:
            self._clients.popitem(last=False)
        return client
