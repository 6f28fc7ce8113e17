"""Bank working days: those of TARGET for euros, those of the Swiss clearing (SIC) for francs. Pure.

They only choose a day for an order; a bank that rests on another one moves the order by itself.
"""

from datetime import date, timedelta


def is_working_day(day: date, *, swiss: bool) -> bool:
    """Whether payments are executed: TARGET calendar (ECB), or Swiss bank holidays (SIC) for `swiss`."""
    if day.weekday() >= 5 or (day.month, day.day) in ((1, 1), (5, 1), (12, 25), (12, 26)):
        return False
    easter = easter_sunday(day.year)
    rest = {easter - timedelta(days=2), easter + timedelta(days=1)}
    if swiss:
        rest |= {easter + timedelta(days=39), easter + timedelta(days=50)}
        rest |= {date(day.year, 1, 2), date(day.year, 8, 1)}
    return day not in rest


def next_working_day(day: date, *, swiss: bool) -> date:
    """The first working day after `day`."""
    day += timedelta(days=1)
    while not is_working_day(day, swiss=swiss):
        day += timedelta(days=1)
    return day


def working_day_until(day: date, *, swiss: bool) -> date:
    """`day`, or the last working day before it."""
    while not is_working_day(day, swiss=swiss):
        day -= timedelta(days=1)
    return day


def working_day_from(day: date, *, swiss: bool) -> date:
    """`day`, or the first working day after it."""
    return next_working_day(day - timedelta(days=1), swiss=swiss)


def easter_sunday(year: int) -> date:
    """Easter of the Gregorian calendar (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    h = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    l = (32 + 2 * e + 2 * i - h - k) % 7  # noqa: E741  (the book's name)
    m = (a + 11 * h + 22 * l) // 451
    month, day = divmod(h + l - 7 * m + 114, 31)
    return date(year, month, day + 1)
