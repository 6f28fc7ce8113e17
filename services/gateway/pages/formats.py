"""Numbers, moments and durations as the reader writes them. Pure.

Pages are full of them, and many pages show the same ones: what has been written lately is remembered.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import floor
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import TIMEDELTA_UNITS, format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup

from services.gateway.pages.invoice_values import AMOUNTS, DATES, grouped
from services.gateway.pages.preferences import Preferences

#: Symbols are the same in every language; only the number is not.
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
#: From so much of a unit on it is told in that unit: 51 minutes are an hour.
_ROUND = 0.85
#: Units with their seconds, and from how many on something is told in them; the smallest one from 0 on.
_LEAST = [(unit, size, _ROUND * size if unit != "second" else 0) for unit, size in TIMEDELTA_UNITS]
#: Numbers and moments that are remembered.
_REMEMBERED = 20_000
#: A day as services write it.
_DAY = re.compile(r"(?<![\w:-])\d{4}-\d{2}-\d{2}(?![\w:-])")


@dataclass(frozen=True, slots=True)
class Formats:
    """Bound to one reader, and to the moment at which the page is made."""

    preferences: Preferences
    now: datetime

    def number(self, value: float) -> str:
        return _number(value, self.preferences.locale)

    def amount(self, value: str) -> str:
        """`1234.50` with every digit that it has: `1,234.50`."""
        return str(
            format_decimal(Decimal(value), locale=self.preferences.locale, decimal_quantization=False)
            if Decimal(value).as_tuple().exponent not in (0, -1, -2)
            else format_decimal(Decimal(value), "#,##0.00", locale=self.preferences.locale)
        )

    def day(self, value: date) -> str:
        """`27 Nov 2026`."""
        return format_date(value, "medium", locale=self.preferences.locale)

    def written_day(self, value: str) -> str:
        """`2026-11-27` as `27 Nov 2026`; anything else as it stands."""
        try:
            return self.day(date.fromisoformat(value))
        except ValueError:
            return value

    def days_until(self, day: date) -> str | None:
        """`in 6 days`, `2 days ago`; None for today, where the reader is."""
        days = (day - self.now.astimezone(self.preferences.zone).date()).days
        return _ago("day", days, self.preferences.locale) if days else None

    def with_days(self, text: Markup) -> Markup:
        """A text of a page with each `2026-11-27` in it as `27 Nov 2026`."""
        # What is put in is made of letters and numbers.
        return Markup(_DAY.sub(lambda found: self.written_day(found[0]), str(text)))  # noqa: S704

    def written_amount(self, value: str) -> str:
        """`1234.50` as `1,234.50`; anything else as it stands."""
        try:
            return self.amount(value)
        except (InvalidOperation, ValueError, TypeError):
            return value

    def invoice_value(self, name: str, value: str, currency: str | None = None) -> str:
        """The value of a field: `1,234.50 CHF`, `27 Nov 2026`, `CH93 0076 …`."""
        if name in AMOUNTS:
            amount = self.written_amount(value)
            return f"{amount} {currency}" if currency else amount
        return self.written_day(value) if name in DATES else grouped(name, value)

    def form_value(self, name: str, value: str) -> str:
        """As it stands in a form: days as browsers want them."""
        return value if name in DATES else self.invoice_value(name, value)

    def is_day(self, value: str) -> bool:
        """Whether a field for days can show it; an empty one can."""
        try:
            return not value or bool(date.fromisoformat(value))
        except ValueError:
            return False

    def size(self, bytes: int) -> str:
        """`831 kB`, `1.4 MB`."""
        if bytes < 1000:
            return f"{self.number(bytes)} B"
        if bytes < 1_000_000:
            return f"{self.number(round(bytes / 1000))} kB"
        return f"{self.number(round(bytes / 1_000_000, 1))} MB"

    def percent(self, share: float) -> str:
        return str(format_percent(share, locale=self.preferences.locale))

    def moment(self, value: datetime) -> str:
        """`27 Nov 2026, 14:03:07`, in the reader's zone."""
        return self._datetime(value, "medium")

    def moment_with_zone(self, value: datetime) -> str:
        """`27 November 2026, 14:03:07 CET`."""
        return self._datetime(value, "long")

    def moment_in(self, value: datetime, zone: str) -> str:
        """`Fri, 27 Nov 2026, 14:03 CET`, in a zone that is not the reader's."""
        there = value.astimezone(ZoneInfo(zone))
        locale = self.preferences.locale
        weekday = format_date(there, "EEE", locale=locale)
        day = format_date(there, "medium", locale=locale)
        name = format_datetime(value, "zzz", tzinfo=ZoneInfo(zone), locale=locale)
        # Where a language has no name for the zone, its own is better than a number.
        shown = there.tzname() if name[:1] in "+-" else name
        return f"{weekday}, {day}, {there:%H:%M} {shown}"

    def zone_now(self) -> str:
        """The abbreviation of the reader's zone, today: `CET`."""
        return self._datetime(self.now, "zzz")

    def ago(self, value: datetime) -> str:
        """`3 minutes ago`, `in 2 hours`."""
        return _ago(*self.passed(value), self.preferences.locale)

    def passed(self, value: datetime) -> tuple[str, int]:
        """What `ago` says: a unit and how many of it, negative for what is past."""
        passed = (value - self.now).total_seconds()
        seconds = -1 if -1 < passed < 1 else floor(passed)
        for unit, size, least in _LEAST:
            if abs(seconds) >= least:
                count = max(1, round(abs(seconds) / size))
                return unit, count if seconds > 0 else -count
        raise AssertionError("the smallest unit is the second")

    def duration(self, seconds: float) -> str:
        """Two units at most: `320 ms`, `1.4 s`, `2 min 5 s`, `3 h`."""
        if seconds < 1:
            return f"{self.number(round(seconds * 1000))} ms"
        if seconds < 59.95:
            return f"{self.number(round(seconds, 1))} s"
        rest = round(seconds)
        parts: list[str] = []
        for size, unit in _UNITS:
            count, rest = divmod(rest, size)
            if count or parts:
                parts.append(f"{self.number(count)} {unit}" if count else "")
            if len(parts) == 2:
                break
        return " ".join(filter(None, parts))

    def _datetime(self, value: datetime, form: str) -> str:
        return _moment(value, form, self.preferences.zone, self.preferences.locale)


@lru_cache(_REMEMBERED)
def _number(value: float, locale: Locale) -> str:
    return str(format_decimal(value, locale=locale))


@lru_cache(_REMEMBERED)
def _moment(value: datetime, form: str, zone: ZoneInfo, locale: Locale) -> str:
    return format_datetime(value, form, tzinfo=zone, locale=locale)


@lru_cache(_REMEMBERED)
def _ago(unit: str, count: int, locale: Locale) -> str:
    passed = timedelta(seconds=count * dict(TIMEDELTA_UNITS)[unit])
    # In this unit, whatever would be rounded to a larger one.
    return format_timedelta(passed, granularity=unit, threshold=1e9, add_direction=True, locale=locale)  # type: ignore[arg-type]
