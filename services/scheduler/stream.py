"""The streams as deciding needs them: verdicts, and how the runs of earlier occurrences stand."""

from uuid import UUID

from services.scheduler.verdicts import RunStands
from shared import subjects
from shared.bus import Bus, Conflict, Stored
from shared.events import Finished, Occurrence, Undecodable, decode_run_event
from shared.history import History
from shared.subjects import RunSubjects


class StreamOfVerdicts:
    """OCCURRENCES."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def last(self, schedule: str) -> Occurrence | None:
        stored = await self._bus.read_last(subjects.OCCURRENCES, f"occurrence.{schedule}.*")
        return None if stored is None else Occurrence.model_validate_json(stored.data)

    async def decide(self, occurrence: Occurrence) -> Occurrence:
        subject = subjects.occurrence(occurrence.schedule, occurrence.nominal)
        while True:
            try:
                await self._bus.publish(subject, occurrence.encode(), expect_last=(subject, 0))
            except Conflict:
                # One's own message sent again, or what another replica said.
                stored = await self._bus.read_last(subjects.OCCURRENCES, subject)
                if stored is not None:
                    return Occurrence.model_validate_json(stored.data)
            else:
                return occurrence


async def run_stands(bus: Bus, job: str, run_id: UUID) -> RunStands:
    run = RunSubjects(job, run_id)
    # Nearly always it has ended, and its last word says so: the others need not be read.
    last = await bus.read_last(subjects.RUNS, run.ev)
    if last is not None and _tells_end(last):
        return RunStands.ENDED
    messages = await bus.read(subjects.RUNS, run.all)
    if not messages:
        return RunStands.HELD
    return RunStands.OPEN if History.of(messages).finished is None else RunStands.ENDED


def _tells_end(message: Stored) -> bool:
    try:
        return isinstance(decode_run_event(message.data), Finished)
    except Undecodable:
        return False
