"""What administrators do about schedules: set, pause, go on, take note, run past occurrences."""

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from services.scheduler.answers import schedule_not_found
from services.scheduler.clockwork import Clockwork
from services.scheduler.decider import request_of
from services.scheduler.keeper import Keeper
from services.scheduler.rule import check_rule, occurrences
from shared import subjects
from shared.audit import AuditEntry, audit
from shared.buckets import Bucket
from shared.bus import Bus
from shared.commands import (
    Backfill,
    Backfilled,
    BackfilledRun,
    Pause,
    PauseChanged,
    PauseSchedules,
    Schedule,
    ScheduleChanged,
    SeeMissed,
    SetSchedule,
)
from shared.errors import TagwerkError
from shared.events import Occurrence, Requested, now
from shared.jobs import CatalogueEntry
from shared.requests import IdempotencyConflict, effective_principal, request_run
from shared.words import Lane, OccurrenceVerdict

#: How far back occurrences are run: as far as verdicts are kept.
REACH = timedelta(days=400)


class Changes:
    def __init__(
        self, bus: Bus, keeper: Keeper, catalogue: Bucket[CatalogueEntry], clockwork: Clockwork
    ) -> None:
        self._bus = bus
        self._keeper = keeper
        self._catalogue = catalogue
        self._clockwork = clockwork

    async def set(self, command: SetSchedule) -> ScheduleChanged:
        entry = await self._entry(command.id)
        rule = command.rule
        if rule is not None:
            check_rule(rule)
            if rule.at is not None and rule.at <= now():
                raise _invalid(f"{rule.at.isoformat()} is past", "Choose a time to come, or start it now.")
        elif entry.schedule is None or command.id != entry.id:
            raise _invalid(f"{entry.id} declares no schedule", "Pause this schedule instead.")
        kept = await self._keeper.schedule(command.id)
        if kept is not None:
            # What has come due by now is decided by the rule of now.
            await self._clockwork.decide_due(kept, closing=True)
        at = now()

        def change(before: Schedule | None) -> Schedule:
            if rule is None:
                declared = before and before.model_copy(update={"origin": "default", "rule": rule_before})
                return self._keeper.default(entry, at, declared)
            after = Schedule(
                id=command.id,
                job=entry.id,
                client=command.client,
                principal=command.principal,
                origin="set",
                rule=rule,
                since=at.replace(microsecond=0),
                changed_at=at,
                changed_by=command.principal,
                reason=command.reason,
                seen_until=before.seen_until if before else None,
            )
            same = before is not None and _tells(before) == _tells(after)
            return before if same and before is not None else after

        # Differs from what the job declares, so that the default is made anew.
        rule_before = self._keeper.rule_of(entry).model_copy(update={"cron": None})
        before, after = await self._keeper.change_schedule(command.id, change)
        await self._audit("schedule_changed", command.principal, command.id, before, after, command.reason)
        return ScheduleChanged(before=before, after=after)

    async def pause(self, command: PauseSchedules) -> PauseChanged:
        kind, _, name = command.what.partition(":")
        if kind == "schedule" and await self._keeper.schedule(name) is None:
            raise schedule_not_found(name)
        pause = Pause(what=command.what, paused_at=now(), paused_by=command.principal, reason=command.reason)
        before, after = await self._keeper.change_pause(command.what, pause if command.paused else None)
        action = "schedules_paused" if command.paused else "schedules_resumed"
        await self._audit(action, command.principal, command.what, before, after, command.reason)
        return PauseChanged(before=before, after=after)

    async def see_missed(self, command: SeeMissed) -> ScheduleChanged:
        if await self._keeper.schedule(command.id) is None:
            raise schedule_not_found(command.id)
        at = now()

        def change(before: Schedule | None) -> Schedule:
            assert before is not None, "schedules are never removed"
            return before.model_copy(update={"seen_until": at})

        before, after = await self._keeper.change_schedule(command.id, change)
        await self._audit("missed_seen", command.principal, command.id, before, after, command.reason)
        return ScheduleChanged(before=before, after=after)

    async def backfill(self, command: Backfill) -> Backfilled:
        schedule = await self._keeper.schedule(command.id)
        if schedule is None:
            raise schedule_not_found(command.id)
        entry = await self._entry(command.id)
        effective = effective_principal(entry, command.principal)
        wanted, left_out = await self._not_started(schedule, command)
        requests = [
            request_of(schedule, nominal, effective, command.reason).model_copy(
                update={"principal": command.principal}
            )
            for nominal in wanted
        ]
        if command.dry_run:
            return Backfilled(
                items=[_backfilled(n, r) for n, r in zip(wanted, requests, strict=True)], left_out=left_out
            )
        items = []
        for nominal, request in zip(wanted, requests, strict=True):
            try:
                existing = (await request_run(self._bus, request, entry.lane_for(Lane.BULK))).existing
            except IdempotencyConflict:
                existing = True
            items.append(_backfilled(nominal, request, existing=existing))
        told = {"runs": [str(item.run_id) for item in items], "from": command.start.isoformat()}
        done = AuditEntry(
            action="schedule_backfilled", principal=command.principal, concern=f"schedule:{command.id}",
            client=schedule.client, reason=command.reason, after={**told, "until": command.end.isoformat()},
        )  # fmt: skip
        await audit(self._bus, done)
        return Backfilled(items=items, left_out=left_out)

    async def _not_started(self, schedule: Schedule, command: Backfill) -> tuple[list[datetime], int]:
        """Past occurrences of the span by the rule of now, without those that were started."""
        if command.start.tzinfo is None or command.end.tzinfo is None:
            raise _invalid("a time has no zone", "Write times with their offset: 2026-03-01T07:30:00+01:00.")
        if command.start < now() - REACH or command.end > now() + REACH:
            raise _invalid("the span is out of reach", f"Choose one within the last {REACH.days} days.")
        start, end = command.start.astimezone(UTC), min(command.end.astimezone(UTC), now())
        wanted: list[datetime] = []
        left_out = 0
        from_the_beginning = min(start, schedule.since)
        if schedule.rule.every is not None:
            # An interval counts from `since`: earlier ones lie a whole number of steps before.
            steps = (schedule.since - from_the_beginning).total_seconds() // schedule.rule.every + 1
            from_the_beginning = datetime.fromtimestamp(
                schedule.since.timestamp() - steps * schedule.rule.every, UTC
            )
        after = datetime.fromtimestamp(start.timestamp() - 1, UTC)
        for planned in occurrences(schedule.id, schedule.rule, from_the_beginning, after):
            if planned.nominal >= end:
                break
            if planned.nominal < start or planned.effect == "skipped":
                continue
            subject = subjects.occurrence(schedule.id, planned.nominal)
            said = await self._bus.read_last(subjects.OCCURRENCES, subject)
            if said is None and planned.nominal > schedule.since:
                # It is about to be decided.
                left_out += 1
            elif said is not None and _was_started(said.data):
                left_out += 1
            else:
                wanted.append(planned.nominal)
            if len(wanted) > command.limit or left_out > 20 * command.limit:
                raise _invalid(
                    f"there are more than {command.limit} occurrences in this span",
                    "Choose a shorter span, or raise the limit.",
                    code="backfill_too_large",
                )
        return wanted, left_out

    async def _entry(self, schedule: str) -> CatalogueEntry:
        job = ".".join(schedule.split(".")[:2])
        entry = await self._catalogue.get(job)
        if entry is None:
            raise schedule_not_found(schedule)
        return entry

    async def _audit(
        self,
        action: str,
        principal: str,
        concern: str,
        before: BaseModel | None,
        after: BaseModel | None,
        reason: str | None,
    ) -> None:
        if before == after:
            return
        entry = AuditEntry(
            action=action,
            principal=principal,
            concern=concern if ":" in concern or concern == "everything" else f"schedule:{concern}",
            client=getattr(after, "client", None),
            reason=reason,
            before=before and before.model_dump(mode="json"),
            after=after and after.model_dump(mode="json"),
        )
        await audit(self._bus, entry)


def _tells(schedule: Schedule) -> dict[str, object]:
    return schedule.model_dump(include={"client", "principal", "origin", "rule"})


def _was_started(data: bytes) -> bool:
    return Occurrence.model_validate_json(data).verdict is OccurrenceVerdict.STARTED


def _backfilled(nominal: datetime, request: Requested, *, existing: bool = False) -> BackfilledRun:
    return BackfilledRun(nominal=nominal, run_id=request.run_id, existing=existing)


def _invalid(cause: str, next_step: str, *, code: str = "schedule_invalid") -> TagwerkError:
    return TagwerkError(code, cause, next_step=next_step, concern="rule")
