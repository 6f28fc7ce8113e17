"""Amounts of one currency in another, by the daily rates that this service has heard of. Pure.

The rate of a day is the newest one on or before it. Rates of the Swiss customs office (BAZG) go first where
Swiss francs are on one side, those of the European Central Bank elsewhere; an amount goes over the source's
own currency (francs, euros) where neither side is that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from shared.words import RateSource

_PIVOTS: Final = {RateSource.ECB: "EUR", RateSource.BAZG: "CHF"}


@dataclass(frozen=True, slots=True)
class KnownRate:
    """1 `base` cost `rate` `quote` on `day`."""

    source: RateSource
    day: date
    base: str
    quote: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Converted:
    amount: Decimal
    #: Which rate of which day: `BAZG, 2026-03-11`; None where nothing was converted.
    by: str | None = None


def convert(
    amount: Decimal, currency: str, wanted: str, day: date, rates: Sequence[KnownRate]
) -> Converted | None:
    """`amount` of `currency` in `wanted`, unrounded; None if no source has the rates on or before `day`."""
    if currency == wanted:
        return Converted(amount)
    swiss_first = "CHF" in (currency, wanted)
    for source in sorted(RateSource, key=lambda one: (one is RateSource.BAZG) != swiss_first):
        pivot = _PIVOTS[source]
        newest = _newest(rate for rate in rates if rate.source is source and rate.day <= day)
        used: list[date] = []
        value: Decimal | None = amount
        for start, end in ((currency, pivot), (pivot, wanted)):
            value = None if value is None else _step(value, start, end, newest, used)
        if value is not None:
            return Converted(value, f"{source.upper()}, {min(used).isoformat()}")
    return None


def _newest(rates: Iterable[KnownRate]) -> dict[tuple[str, str], KnownRate]:
    newest: dict[tuple[str, str], KnownRate] = {}
    for rate in rates:
        pair = (rate.base, rate.quote)
        if pair not in newest or newest[pair].day < rate.day:
            newest[pair] = rate
    return newest


def _step(
    value: Decimal, start: str, end: str, newest: dict[tuple[str, str], KnownRate], used: list[date]
) -> Decimal | None:
    if start == end:
        return value
    if (rate := newest.get((start, end))) is not None:
        used.append(rate.day)
        return value * rate.rate
    if (rate := newest.get((end, start))) is not None:
        used.append(rate.day)
        return value / rate.rate
    return None
