"""The bucket `schedules`: schedules and pauses, changed on the condition that nobody else has meanwhile."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TypeVar

from pydantic import BaseModel

from services.scheduler.rule import is_cron
from shared import subjects
from shared.buckets import Bucket
from shared.bus import Bus, Conflict
from shared.commands import Pause, Schedule, ScheduleRule
from shared.jobs import CatalogueEntry

Kept = TypeVar("Kept", bound=BaseModel)

#: As whom schedules that jobs declare start them, until an administrator takes one over.
SERVICE_USER = "service-scheduler"
#: For which client.
DEFAULT_CLIENT = "main"

EVERYTHING = "everything"


def key_of(id: str) -> str:
    """Where a schedule lies in the bucket."""
    return f"schedule.{id}"


class Keeper:
    def __init__(self, bus: Bus, catalogue: Bucket[CatalogueEntry], zone: str) -> None:
        self._bus = bus
        self._catalogue = catalogue
        self._zone = zone
        self._schedules = Bucket(bus, subjects.SCHEDULES, Schedule)
        self._pauses = Bucket(bus, subjects.SCHEDULES, Pause)

    async def schedules(self) -> list[Schedule]:
        """Every schedule, at most a second old, by id."""
        return [schedule for _, schedule in sorted((await self._schedules.all()).items())]

    async def by_key(self) -> Mapping[str, Schedule]:
        """Every schedule, at most a second old, by its key in the bucket. The same mapping as before, and the
        same schedules in it, as far as nothing has changed."""
        return await self._schedules.all()

    async def schedule(self, id: str) -> Schedule | None:
        await self._schedules.refresh()
        return await self._schedules.get(key_of(id))

    async def pauses(self) -> list[Pause]:
        return [pause for _, pause in sorted((await self._pauses.all()).items())]

    async def pause_of(self, schedule: Schedule) -> Pause | None:
        """The pause that holds a schedule, the widest first."""
        entry = await self._catalogue.get(schedule.job)
        pauses = await self._pauses.all()
        keys = [f"pause.{EVERYTHING}", f"pause.schedule.{schedule.id}"]
        if entry is not None:
            keys.insert(1, f"pause.module.{entry.access.module}")
        return next((pauses[key] for key in keys if key in pauses), None)

    async def keep_defaults(self, now: datetime) -> None:
        """Make the schedules that jobs declare, and change those that nobody has taken over."""
        known = await self._schedules.all()
        for entry in (await self._catalogue.all()).values():
            if entry.schedule is None or entry.retired:
                continue
            if not self.can_be_kept(entry):
                continue
            before = known.get(key_of(entry.id))
            if before is None or (before.origin == "default" and before.rule != self.rule_of(entry)):
                await self.change_schedule(entry.id, partial(self.default, entry, now))

    @staticmethod
    def can_be_kept(entry: CatalogueEntry) -> bool:
        """Whether what the job declares is a rule. A declaration is checked when its service starts."""
        return entry.schedule is not None and is_cron(entry.schedule)

    def rule_of(self, entry: CatalogueEntry) -> ScheduleRule:
        return ScheduleRule(cron=entry.schedule, zone=self._zone)

    def default(self, entry: CatalogueEntry, now: datetime, kept: Schedule | None) -> Schedule:
        """What the job declares, unless somebody has set something."""
        if kept is not None and (kept.origin == "set" or kept.rule == self.rule_of(entry)):
            return kept
        return Schedule(
            id=entry.id,
            job=entry.id,
            client=DEFAULT_CLIENT,
            principal=SERVICE_USER,
            origin="default",
            rule=self.rule_of(entry),
            since=now.replace(microsecond=0),
            changed_at=now,
            changed_by=SERVICE_USER,
            seen_until=kept.seen_until if kept else None,
        )

    async def change_schedule(
        self, id: str, change: Callable[[Schedule | None], Schedule]
    ) -> tuple[Schedule | None, Schedule]:
        before, after = await self._change(key_of(id), Schedule, change)
        assert after is not None
        await self._schedules.forget()
        return before, after

    async def change_pause(self, what: str, pause: Pause | None) -> tuple[Pause | None, Pause | None]:
        """Pause, or with None go on. Pausing what is paused leaves the first pause."""
        key = "pause." + what.replace(":", ".")
        changed = await self._change(key, Pause, lambda kept: (kept or pause) if pause else None)
        await self._pauses.forget()
        return changed

    async def _change(
        self, key: str, model: type[Kept], change: Callable[[Kept | None], Kept | None]
    ) -> tuple[Kept | None, Kept | None]:
        subject = f"$KV.{subjects.SCHEDULES}.{key}"
        while True:
            stored = await self._bus.read_last(f"KV_{subjects.SCHEDULES}", subject)
            there = stored is not None and "KV-Operation" not in stored.headers
            before = model.model_validate_json(stored.data) if stored is not None and there else None
            after = change(before)
            if after == before:
                return before, after
            payload = b"" if after is None else after.model_dump_json().encode()
            headers = {"KV-Operation": "DEL"} if after is None else None
            sequence = 0 if stored is None else stored.sequence
            try:
                await self._bus.publish(subject, payload, headers=headers, expect_last=(subject, sequence))
            except Conflict:
                continue
            return before, after
