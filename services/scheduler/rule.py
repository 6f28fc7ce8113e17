"""From a rule to its occurrences: cron with zones, intervals, single times, calendars, jitter. Pure.

Daylight saving (ADR 0015): a time of the clock that does not exist on a day means the next instant that does;
one that exists twice means the first. So each time of the clock fires once a day, and two that fall onto the
same instant are one occurrence.
"""

import hashlib
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from services.scheduler.days import check_calendar, closed_by, invalid, move, next_open_day
from shared.commands.schedules import Planned, ScheduleRule

SECOND = timedelta(seconds=1)

Transition = Literal["shifted", "first_of_two"]
Effect = Literal["skipped", "moved"]


def check_rule(rule: ScheduleRule) -> None:
    """Raises `schedule_invalid` with what is wrong, and what would be right."""
    if sum(way is not None for way in (rule.cron, rule.every, rule.at)) != 1:
        raise invalid("exactly one of cron, every and at must be given", "Give one of them.")
    try:
        _zone(rule.zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid(f"there is no zone {rule.zone}", "Write an IANA zone, such as Europe/Zurich.") from None
    if rule.at is not None and rule.at.tzinfo is None:
        raise invalid("`at` has no zone", "Write the time with its offset: 2026-03-01T07:30:00+01:00.")
    if rule.at is not None and not 2000 < rule.at.year < 2100:
        raise invalid(f"{rule.at.isoformat()} is out of reach", "Choose a time of this century.")
    if rule.cron is not None:
        if len(rule.cron.split()) != 5:
            fields = "minute, hour, day, month, weekday"
            raise invalid(f"{rule.cron!r} has not five fields", f"Write {fields}: 15 2 * * *.")
        if not is_cron(rule.cron):
            step = "Write minute, hour, day, month, weekday: 15 2 * * *."
            raise invalid(f"{rule.cron!r} is no cron expression that ever comes", step)
    check_calendar(rule)


def is_cron(expression: str) -> bool:
    """Whether it has five fields and comes at some time."""
    try:
        next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return False
    return len(expression.split()) == 5


def occurrences(schedule: str, rule: ScheduleRule, since: datetime, after: datetime) -> Iterator[Planned]:
    """Occurrences with a nominal time after `after` and after `since`, in order. Days that are closed stand
    among them, with their effect."""
    zone = _zone(rule.zone)
    seen: datetime | None = None
    for nominal, local, transition in _nominals(rule, zone, since, max(since, after)):
        if nominal == seen:
            continue
        seen = nominal
        closed = closed_by(rule, nominal.astimezone(zone).date())
        due, effect = _on_closed_day(rule, zone, since, nominal, local) if closed else (nominal, None)
        yield Planned(
            nominal=nominal,
            fires_at=due + jitter_of(schedule, nominal, rule.jitter),
            local=nominal.astimezone(zone).isoformat(),
            transition=transition,
            closed_by=closed,
            effect=effect,
        )


def _on_closed_day(
    rule: ScheduleRule, zone: ZoneInfo, since: datetime, nominal: datetime, local: datetime
) -> tuple[datetime, Effect]:
    """When the occurrence of a closed day fires instead. One that would be moved onto another is skipped."""
    if rule.on_closed == "skip":
        return nominal, "skipped"
    due, _ = instant_of(move(local, next_open_day(rule, local.date())), zone)
    there = next(_nominals(rule, zone, since, due - SECOND), None)
    if there is not None and there[0] == due:
        return nominal, "skipped"
    return due, "moved"


def preview(schedule: str, rule: ScheduleRule, since: datetime, after: datetime, count: int) -> list[Planned]:
    return list(islice(occurrences(schedule, rule, since, after), count))


def jitter_of(schedule: str, nominal: datetime, spread: int) -> timedelta:
    """The delay of this occurrence, the same on every replica and after every restart."""
    if spread == 0:
        return timedelta(0)
    digest = hashlib.sha256(f"{schedule}@{nominal.isoformat()}".encode()).digest()
    return timedelta(milliseconds=int.from_bytes(digest[:8]) % (spread * 1000))


def instant_of(local: datetime, zone: ZoneInfo) -> tuple[datetime, Transition | None]:
    """The instant that a naive time of the clock means in `zone`, and `shifted` or `first_of_two`."""
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first == second:
        return first, None
    if first < second:
        return first, "first_of_two"
    # In a gap the two offsets change places: the transition lies between.
    before, behind = second, first
    offset = before.astimezone(zone).utcoffset()
    while behind - before > SECOND:
        middle = before + (behind - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            behind = middle
    return behind.replace(microsecond=0), "shifted"


def _nominals(
    rule: ScheduleRule, zone: ZoneInfo, since: datetime, after: datetime
) -> Iterator[tuple[datetime, datetime, Transition | None]]:
    """Instant, time of the clock by the rule, and what daylight saving has made of it."""
    if rule.at is not None:
        at = rule.at.astimezone(UTC)
        if at > after:
            yield at, at.astimezone(zone).replace(tzinfo=None), None
    elif rule.every is not None:
        step = timedelta(seconds=rule.every)
        number = (after - since) // step + 1
        while True:
            instant = since + number * step
            yield instant, instant.astimezone(zone).replace(tzinfo=None), None
            number += 1
    elif rule.cron is not None:
        start = after.astimezone(zone).replace(tzinfo=None)
        for local in CronSim(rule.cron, start):
            instant, transition = instant_of(local, zone)
            if instant > after:
                yield instant, local, transition


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
