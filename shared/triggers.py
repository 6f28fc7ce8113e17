"""Business events reach a service here: first its handlers, then they start the jobs that wait for them.

Everything is idempotent: a handler by what it writes, a start by the event's id as idempotency key. So a
kill between any two steps is answered by the redelivery.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from shared import subjects
from shared.access import Action, Principal, decide_access
from shared.audit import AuditEntry, audit
from shared.buckets import Bucket
from shared.bus import Bus
from shared.dead_letters import bury_delivery
from shared.errors import Failure, TagwerkError, failure_of
from shared.events import (
    BusinessEventBase,
    Cause,
    Requested,
    Undecodable,
    UnknownEvent,
    decode_business_event,
)
from shared.ids import run_id_of
from shared.jobs import CatalogueEntry, Job, JobRefused
from shared.pull import Delivery
from shared.requests import effective_principal, request_run
from shared.telemetry.messages import handling_event
from shared.words import Lane, Trigger

#: Deliveries after which an event that a handler stumbles over, nobody knows why, goes to the dead letters.
DELIVERIES_ALLOWED = 8

EventHandler = Callable[[Any], Awaitable[None]]


class Triggers:
    """One service's way from an event to its handlers and jobs."""

    def __init__(
        self,
        bus: Bus,
        principals: Bucket[Principal],
        jobs: Sequence[Job],
        handlers: Mapping[str, EventHandler],
        *,
        software_version: str,
    ) -> None:
        self._bus = bus
        self._principals = principals
        self._jobs = jobs
        self._handlers = handlers
        self._types = {*handlers, *(job.on for job in jobs if job.on is not None)}
        self._entries = {job.id: CatalogueEntry.of(job, software_version) for job in jobs}

    async def handle(self, delivery: Delivery) -> None:
        """One event. What cannot be handled goes to the dead letters, and the others go on."""
        if delivery.subject not in self._types:
            await delivery.ack()
            return
        try:
            event = decode_business_event(delivery.data)
        except Undecodable as error:
            await bury_delivery(self._bus, subjects.EVENTS, delivery, _undecodable(delivery, error))
            return
        if isinstance(event, UnknownEvent):
            await delivery.ack()
            return
        try:
            with handling_event(delivery.subject, event, delivery):
                await self._react(delivery.subject, event)
        except Exception as error:
            failure = failure_of(error)
            # What can succeed by itself waits for as long as it takes: an outage loses no event.
            if failure.retryable:
                raise
            if not isinstance(error, TagwerkError) and delivery.delivered < DELIVERIES_ALLOWED:
                raise
            await bury_delivery(self._bus, subjects.EVENTS, delivery, failure)
            return
        await delivery.ack()

    async def _react(self, event_type: str, event: BusinessEventBase) -> None:
        handler = self._handlers.get(event_type)
        if handler is not None:
            await handler(event)
        refused: TagwerkError | None = None
        for job in self._jobs:
            if job.on == event_type:
                try:
                    await self._start(job, event_type, event)
                except TagwerkError as error:
                    # The others start all the same; the event is kept with the first refusal.
                    refused = refused or error
        if refused is not None:
            raise refused

    async def _start(self, job: Job, event_type: str, event: BusinessEventBase) -> None:
        entry = self._entries[job.id]
        await self._check_access(job, event)
        key = str(event.id)
        request = Requested(
            run_id=run_id_of(event.client, event.principal, job.id, key),
            job=job.id,
            client=event.client,
            principal=event.principal,
            effective_principal=effective_principal(entry, event.principal),
            trigger=Trigger.EVENT,
            parameters=parameters_from(job, event),
            idempotency_key=key,
            about=event.about,
            cause=Cause(event_id=event.id, event_type=event_type, run_id=event.run_id),
            traceparent=event.traceparent,
        )
        lane = entry.lane_for(Lane.INTERACTIVE if event.interactive else Lane.BULK)
        await request_run(self._bus, request, lane)

    async def _check_access(self, job: Job, event: BusinessEventBase) -> None:
        reason = await self._refusal(job, event)
        if reason is not None:
            # The view may be a second old: younger than the principal, or than what they may do.
            await self._principals.refresh()
            reason = await self._refusal(job, event)
        if reason is None:
            return
        await audit(
            self._bus,
            AuditEntry(
                action="access_refused",
                principal=event.principal,
                concern=job.id,
                client=event.client,
                reason=reason,
            ),
        )
        raise TagwerkError(
            "access_refused",
            reason,
            concern=job.id,
            next_step=f"Give {event.principal} the role, then replay this dead letter.",
        )

    async def _refusal(self, job: Job, event: BusinessEventBase) -> str | None:
        principal = await self._principals.get(event.principal)
        if principal is None:
            return f"the principal {event.principal} is not known"
        decision = decide_access(principal, job.access, Action.START, event.client)
        return None if decision.allowed else decision.reason


def parameters_from(job: Job, event: BusinessEventBase) -> dict[str, Any]:
    """A triggered job's parameters: those that the event has a field for, `<name>` or `<name>_id`."""
    fields = event.model_dump(mode="json")
    return {
        name: fields[field]
        for name in job.parameters.model_fields
        for field in (name, f"{name}_id")
        if field in fields
    }


def check_triggers(jobs: Sequence[Job], events: Mapping[str, type[BaseModel]]) -> None:
    """Refuse at boot a trigger that no event type fits. Raises `JobRefused`."""
    for job in jobs:
        if job.on is None:
            continue
        event = events.get(job.on)
        if event is None:
            known = ", ".join(sorted(events))
            raise JobRefused(f"job {job.id}: there is no event {job.on}; known are {known}")
        for name, field in job.parameters.model_fields.items():
            if field.is_required() and not {name, f"{name}_id"} & set(event.model_fields):
                raise JobRefused(f"job {job.id}: {job.on} has no field for its required parameter {name}")


def _undecodable(delivery: Delivery, error: Undecodable) -> Failure:
    return Failure(
        code="event_undecodable",
        cause=str(error)[:500],
        concern=delivery.subject,
        next_step="Read the payload; correct whoever published it, and publish the event again.",
    )
