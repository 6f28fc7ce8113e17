"""What was decided to start is started: each verdict is a work item, until its run has been requested.

A kill between verdict and request is answered by the redelivery; the request is the one that stands in the
verdict, so whoever publishes it a second time changes nothing.
"""

from pydantic import ValidationError

from services.scheduler.stream import run_stands
from services.scheduler.verdicts import RunStands
from shared import subjects
from shared.buckets import Bucket
from shared.bus import Bus
from shared.dead_letters import bury_delivery
from shared.errors import Failure
from shared.events import CancelRequested, Occurrence, now
from shared.ids import derived_id
from shared.jobs import CatalogueEntry
from shared.metrics.definitions import LATENESS
from shared.pull import Delivery
from shared.requests import IdempotencyConflict, request_run
from shared.subjects import RunSubjects
from shared.telemetry.messages import occurring
from shared.words import Lane

#: Seconds after which a run that is waited for is looked at again.
LOOK_AGAIN = 0.5


class Starter:
    def __init__(self, bus: Bus, catalogue: Bucket[CatalogueEntry]) -> None:
        self._bus = bus
        self._catalogue = catalogue

    async def start(self, delivery: Delivery) -> None:
        try:
            occurrence = Occurrence.model_validate_json(delivery.data)
        except ValidationError as error:
            await bury_delivery(self._bus, subjects.OCCURRENCES, delivery, _undecodable(delivery, error))
            return
        request = occurrence.request
        if request is None:
            await delivery.ack()
            return
        if await self._waits(occurrence):
            await delivery.nak(LOOK_AGAIN)
            return
        entry = await self._catalogue.get(occurrence.job)
        lane = entry.lane_for(Lane.BULK) if entry is not None else Lane.BULK
        try:
            with occurring(occurrence.schedule, occurrence.job):
                await request_run(self._bus, request, lane)
        except IdempotencyConflict as error:
            await bury_delivery(self._bus, subjects.OCCURRENCES, delivery, error.failure)
            return
        LATENESS.labels(occurrence.job).observe(max(0.0, (now() - occurrence.nominal).total_seconds()))
        await delivery.ack()

    async def _waits(self, occurrence: Occurrence) -> bool:
        """Whether the run before has not ended; it is cancelled where the schedule wants that."""
        if occurrence.after_run is None:
            return False
        stands = await run_stands(self._bus, occurrence.job, occurrence.after_run)
        if stands is RunStands.OPEN and occurrence.cancel_before:
            await self._cancel(occurrence)
        return stands is not RunStands.ENDED

    async def _cancel(self, occurrence: Occurrence) -> None:
        assert occurrence.after_run is not None
        assert occurrence.request is not None
        run = RunSubjects(occurrence.job, occurrence.after_run)
        if await self._bus.read(subjects.RUNS, run.cancel_requested):
            return
        event = CancelRequested(
            id=derived_id("cancel", str(occurrence.id)),
            run_id=occurrence.after_run,
            principal=occurrence.request.principal,
            reason=f"the next occurrence of schedule {occurrence.schedule} has come due",
        )
        await self._bus.publish(run.cancel_requested, event.encode(), msg_id=str(event.id))


def _undecodable(delivery: Delivery, error: ValidationError) -> Failure:
    return Failure(
        code="occurrence_undecodable",
        cause=str(error)[:500],
        concern=delivery.subject,
        next_step="Read the payload; start the job by hand.",
    )
