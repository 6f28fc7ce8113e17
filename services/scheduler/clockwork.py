"""The loop that decides about what comes due, on each replica."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.scheduler.agenda import Agenda
from services.scheduler.decider import Decider
from services.scheduler.keeper import Keeper, key_of
from services.scheduler.stream import StreamOfVerdicts, run_stands
from services.scheduler.verdicts import Course, RunStands
from shared.access import Action, Principal, decide_access
from shared.audit import AuditEntry, audit
from shared.buckets import Bucket
from shared.bus import Bus
from shared.commands import Schedule
from shared.errors import TagwerkError
from shared.events import now
from shared.jobs import CatalogueEntry
from shared.requests import effective_principal
from shared.words import OccurrenceVerdict

log = structlog.get_logger(__name__)

#: Seconds after which schedules are looked at again, whatever they say.
LOOK_EVERY = 1.0


class Clockwork:
    def __init__(
        self,
        bus: Bus,
        keeper: Keeper,
        catalogue: Bucket[CatalogueEntry],
        principals: Bucket[Principal],
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._bus = bus
        self._keeper = keeper
        self._catalogue = catalogue
        self._principals = principals
        self._clock = clock
        self._locks: dict[str, asyncio.Lock] = {}
        self._agenda = Agenda()
        #: As of the last look.
        self._schedules: Mapping[str, Schedule] = {}
        self._jobs: Mapping[str, CatalogueEntry] = {}
        self.decider = Decider(StreamOfVerdicts(bus), self._hindrance, self._stands, self._effective)

    async def run(self) -> None:
        while True:
            wait = await self.turn()
            await asyncio.sleep(wait)

    async def turn(self) -> float:
        """Decide about everything that has come due; gives the seconds until the next look."""
        await self._take_over()
        at = self._clock()
        due = [self._schedules[key] for key in self._agenda.take_due(at) if key in self._schedules]
        await asyncio.gather(*(self._decide(schedule) for schedule in due))
        moment = self._agenda.next()
        wait = LOOK_EVERY if moment is None else (moment - self._clock()).total_seconds()
        return min(max(wait, 0.0), LOOK_EVERY)

    async def _take_over(self) -> None:
        """What has changed since the last look: only that is looked at."""
        jobs, schedules = await self._catalogue.all(), await self._keeper.by_key()
        if jobs is not self._jobs or schedules is not self._schedules:
            await self._keeper.keep_defaults(self._clock())
            schedules = await self._keeper.by_key()
        if schedules is not self._schedules:
            for key in self._schedules.keys() - schedules.keys():
                self._agenda.set(key, None)
            for key, schedule in schedules.items():
                if self._schedules.get(key) is not schedule:
                    planned = await self.decider.next_of(schedule)
                    self._agenda.set(key, None if planned is None else planned.fires_at)
        # Only now: whoever was broken off takes it all over again.
        self._jobs, self._schedules = jobs, schedules

    async def decide_due(self, schedule: Schedule, *, closing: bool = False) -> None:
        # One at a time: a verdict is never spoken before that on the occurrence before.
        async with self._locks.setdefault(schedule.id, asyncio.Lock()):
            await self.decider.decide_due(schedule, self._clock(), closing=closing)

    async def _decide(self, schedule: Schedule) -> None:
        key = key_of(schedule.id)
        try:
            await self.decide_due(schedule)
            planned = await self.decider.next_of(schedule)
        except TagwerkError as error:
            # The others go on; this one is looked at again.
            log.warning("a schedule could not be looked at", schedule=schedule.id, cause=error.failure.cause)
            self._agenda.set(key, self._clock() + timedelta(seconds=LOOK_EVERY))
        else:
            self._agenda.set(key, None if planned is None else planned.fires_at)

    async def _stands(self, job: str, run_id: UUID) -> RunStands:
        return await run_stands(self._bus, job, run_id)

    async def _effective(self, schedule: Schedule) -> str:
        entry = await self._catalogue.get(schedule.job)
        return schedule.principal if entry is None else effective_principal(entry, schedule.principal)

    async def _hindrance(self, schedule: Schedule) -> Course | None:
        pause = await self._keeper.pause_of(schedule)
        if pause is not None:
            words = f"{pause.paused_by} has paused {_named(pause.what)}: {pause.reason}"
            return Course(OccurrenceVerdict.SKIPPED, reason=words)
        entry = await self._catalogue.get(schedule.job)
        if entry is None or entry.retired:
            return Course(OccurrenceVerdict.SKIPPED, reason=f"no service offers {schedule.job}")
        reason = await self._refusal(schedule, entry)
        if reason is not None:
            # The view may be a second old: younger than the principal, or than what they may do.
            await self._principals.refresh()
            reason = await self._refusal(schedule, entry)
        if reason is None:
            return None
        await self._audit_refusal(schedule, reason)
        return Course(OccurrenceVerdict.SKIPPED, reason=reason)

    async def _audit_refusal(self, schedule: Schedule, reason: str) -> None:
        refused = AuditEntry(
            action="access_refused",
            principal=schedule.principal,
            concern=f"schedule:{schedule.id}",
            client=schedule.client,
            reason=reason,
        )
        await audit(self._bus, refused)

    async def _refusal(self, schedule: Schedule, entry: CatalogueEntry) -> str | None:
        principal = await self._principals.get(schedule.principal)
        if principal is None:
            return f"the principal {schedule.principal} is not known"
        decision = decide_access(principal, entry.access, Action.START, schedule.client)
        return None if decision.allowed else decision.reason


def _named(what: str) -> str:
    name = what.partition(":")[2]
    if what.startswith("schedule:"):
        return f"the schedule {name}"
    return f"the module {name}" if name else "every schedule there is"
