"""When somebody is reminded, and who else after a while: steps, counted in business days. Pure."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import holidays


@dataclass(frozen=True, slots=True)
class ReminderStep:
    """From so many business days after the due day on; before it if negative."""

    after: int
    #: A role whose people are reminded besides, from this step on.
    also: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    #: In the order of their days. The first one is step 1.
    steps: Sequence[ReminderStep]
    #: Whose holidays are no business days: `CH`, and the canton or state within: `ZH`.
    country: str | None = None
    canton: str | None = None

    def step_on(self, due: date, today: date) -> int | None:
        """The number of the last step whose day has come; None before the first."""
        reached = [n for n, step in enumerate(self.steps, 1) if self._day(due, step) <= today]
        return reached[-1] if reached else None

    def roles_besides(self, step: int) -> frozenset[str]:
        """Whose people are reminded besides at a step."""
        return frozenset(one.also for one in self.steps[:step] if one.also is not None)

    def _day(self, due: date, step: ReminderStep) -> date:
        return business_day(due, step.after, self.country, self.canton)


#: Where no file says another: on the due day, 3 business days later, and after 7 the trustee too.
DEFAULT_RULES: Final = Rules((ReminderStep(0), ReminderStep(3), ReminderStep(7, also="trustee")))


@functools.lru_cache(10_000)
def business_day(start: date, count: int, country: str | None, canton: str | None) -> date:
    """`count` business days after `start`, before it if negative; `start` itself for none."""
    step, day = timedelta(days=1 if count > 0 else -1), start
    for _ in range(abs(count)):
        day += step
        while not is_open(day, country, canton):
            day += step
    return day


def is_open(day: date, country: str | None, canton: str | None) -> bool:
    if day.weekday() >= 5:
        return False
    return country is None or day not in _calendar(country, canton, day.year)


@functools.lru_cache(maxsize=64)
def _calendar(country: str, canton: str | None, year: int) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=canton, years=year)
