"""Days on which a schedule does not fire: holidays by country and canton, weekends. Pure."""

import functools
from datetime import date, datetime, timedelta

import holidays

from shared.commands.schedules import ScheduleRule
from shared.errors import TagwerkError
from shared.words import ClosedDays

#: Days that are looked through for an open one; the longest closed time of any calendar is far shorter.
LOOK_AHEAD = 60


def closed_by(rule: ScheduleRule, day: date) -> str | None:
    """Why the day is closed: `Good Friday`, `Saturday`; None if it is open."""
    if rule.closed is ClosedDays.NONE:
        return None
    if rule.country is not None:
        name = _calendar(rule.country, rule.canton, day.year).get(day)
        if name is not None:
            return str(name)
    if rule.closed is ClosedDays.NOT_BUSINESS and day.weekday() >= 5:
        return "Saturday" if day.weekday() == 5 else "Sunday"
    return None


def next_open_day(rule: ScheduleRule, day: date) -> date:
    """The first open day after `day`."""
    for ahead in range(1, LOOK_AHEAD):
        later = day + timedelta(days=ahead)
        if closed_by(rule, later) is None:
            return later
    return day


def check_calendar(rule: ScheduleRule) -> None:
    """Raises `schedule_invalid` for a country or canton of which no holidays are known."""
    if rule.closed is ClosedDays.HOLIDAYS and rule.country is None:
        raise invalid("holidays need a country", "Name the country, such as CH, and perhaps the canton.")
    if rule.canton is not None and rule.country is None:
        raise invalid("a canton needs its country", "Name the country, such as CH.")
    if rule.country is None:
        return
    known = holidays.list_supported_countries()
    if rule.country not in known:
        raise invalid(f"no holidays are known of {rule.country}", "Write the country as ISO 3166 does: CH.")
    if rule.canton is not None and rule.canton not in known[rule.country]:
        cantons = ", ".join(known[rule.country]) or "none"
        raise invalid(f"no holidays are known of {rule.canton} in {rule.country}", f"Known are {cantons}.")


def invalid(cause: str, next_step: str) -> TagwerkError:
    return TagwerkError("schedule_invalid", cause, next_step=next_step, concern="rule")


@functools.lru_cache(maxsize=512)
def _calendar(country: str, canton: str | None, year: int) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=canton, years=year, language="en_US")


def move(local: datetime, day: date) -> datetime:
    """The same time of the clock on another day."""
    return local.replace(year=day.year, month=day.month, day=day.day)
