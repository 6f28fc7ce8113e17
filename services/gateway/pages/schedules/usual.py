"""A job's default schedule in words, where its cron expression is one of the usual ones. Pure."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """All empty for an expression that has no short words."""

    #: `02:15`, as the installation's schedules are meant.
    time: str | None = None
    #: Of cron: 0 and 7 are Sundays; None for every day.
    weekday: int | None = None
    every_minutes: int | None = None


def schedule_of(cron: str) -> Schedule:
    if every := re.fullmatch(r"\*(?:/([1-9]\d?))? \* \* \* \*", cron):
        return Schedule(every_minutes=int(every[1] or 1))
    if daily := re.fullmatch(r"(\d{1,2}) (\d{1,2}) \* \* (\*|[0-7])", cron):
        minute, hour, weekday = daily.groups()
        return Schedule(
            time=f"{int(hour):02}:{int(minute):02}", weekday=None if weekday == "*" else int(weekday)
        )
    return Schedule()
