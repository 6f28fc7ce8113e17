"""Bank working days against published calendars."""

from datetime import date, timedelta

from services.integrations.payments.days import easter_sunday, is_working_day, next_working_day


def closed(year: int, *, swiss: bool) -> set[date]:
    """The weekdays of a year on which banks rest."""
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(365))
    return {day for day in days if day.weekday() < 5 and not is_working_day(day, swiss=swiss)}


def test_target_rests_as_the_ecb_publishes() -> None:
    """ECB, TARGET closing days of 2026 that are no weekend."""
    assert closed(2026, swiss=False) == {
        date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 12, 25),
    }  # fmt: skip


def test_swiss_banks_rest_on_their_holidays_too() -> None:
    assert closed(2026, swiss=True) - closed(2026, swiss=False) == {
        date(2026, 1, 2), date(2026, 5, 14), date(2026, 5, 25),
    }  # fmt: skip


def test_easter_is_where_it_was() -> None:
    days = {2024: (3, 31), 2025: (4, 20), 2026: (4, 5), 2027: (3, 28), 2038: (4, 25)}
    assert {year: (easter_sunday(year).month, easter_sunday(year).day) for year in days} == days


def test_the_next_working_day_is_after_the_day_itself() -> None:
    assert next_working_day(date(2026, 4, 2), swiss=True) == date(2026, 4, 7)
