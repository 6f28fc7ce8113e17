"""From messages of the streams to signals. What a run's end does not tell (for whom, about what), its
request does, which lies in the same stream."""

from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError

from services.reporting.alerts import signals
from services.reporting.alerts.core import Signal
from shared import subjects
from shared.audit import AuditEntry
from shared.bus import Bus
from shared.database import Pool
from shared.dead_letters import DeadLetter
from shared.events import (
    BusinessEventBase,
    Decided,
    Finished,
    Occurrence,
    Requested,
    Undecodable,
    decode_business_event,
    decode_run_event,
)
from shared.feed import RawMessage
from shared.subjects import RunSubjects, parse_run_subject
from shared.words import AlertKind, RunState

#: Subjects of the few messages that matter here; all others are not even decoded.
_SUBJECTS: Final = (
    "event.run.", "event.queue.", "event.system.", "event.agent.", "occurrence.", "dead.",
    "audit.missed_seen",
)  # fmt: skip
#: And what the few events of a run hold.
_TELLING: Final = (b'"run.finished"', b'"run.decided"')


class Reading:
    def __init__(self, bus: Bus, pool: Pool) -> None:
        self._bus = bus
        self._pool = pool

    async def signals_of(self, stream: str, batch: Sequence[RawMessage]) -> list[Signal]:
        """What cannot be read says nothing here: the projection and the dead letters tell of it."""
        if stream == subjects.RUNS:
            return await self._of_runs(batch)
        return [
            signal
            for raw in batch
            if raw.subject.startswith(_SUBJECTS) and (signal := _of(stream, raw)) is not None
        ]

    async def _of_runs(self, batch: Sequence[RawMessage]) -> list[Signal]:
        told: list[tuple[str, Finished | Decided]] = []
        for raw in batch:
            if not raw.subject.endswith(".ev") or not any(word in raw.payload for word in _TELLING):
                continue
            try:
                job, event = parse_run_subject(raw.subject).job, decode_run_event(raw.payload)
            except ValueError:
                continue
            if isinstance(event, Finished | Decided):
                told.append((job, event))
        failing = await self._failing({job for job, _ in told})
        found: list[Signal] = []
        for job, event in told:
            if isinstance(event, Decided):
                found.append(signals.of_decision(job, event))
                continue
            good = event.state in (RunState.SUCCEEDED, RunState.CANCELLED)
            # A success says something only where something is open, or opens right before.
            if good and job not in failing:
                continue
            if not good:
                failing.add(job)
            found += signals.of_end(job, await self._request(job, event), event)
        return found

    async def _failing(self, jobs: set[str]) -> set[str]:
        """Those of the jobs that have an open alert."""
        if not jobs:
            return set()
        rows = await self._pool.fetch(
            "select distinct job from alerts where kind = $1 and closed_at is null and job = any($2)",
            AlertKind.RUN_FAILED.value,
            sorted(jobs),
        )
        return {row["job"] for row in rows}

    async def _request(self, job: str, event: Finished) -> Requested | None:
        stored = await self._bus.read_last(
            subjects.RUNS, f"{RunSubjects(job, event.run_id).base}.*.requested"
        )
        try:
            request = None if stored is None else decode_run_event(stored.data)
        except Undecodable:
            return None
        return request if isinstance(request, Requested) else None


def _of(stream: str, raw: RawMessage) -> Signal | None:
    try:
        match stream:
            case subjects.EVENTS:
                event = decode_business_event(raw.payload)
                return signals.of_event(event) if isinstance(event, BusinessEventBase) else None
            case subjects.OCCURRENCES:
                return signals.of_occurrence(Occurrence.model_validate_json(raw.payload))
            case subjects.DEAD:
                return signals.of_letter(raw.sequence, DeadLetter.model_validate_json(raw.payload))
            case _:
                return signals.of_audit(AuditEntry.model_validate_json(raw.payload))
    except (Undecodable, ValidationError):
        return None
