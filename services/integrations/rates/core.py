"""Pure decisions about exchange rates: what a rate is, which of them are wanted, and what becomes of one.
No I/O.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation
from typing import Final
from uuid import UUID

from shared.errors import Failure
from shared.events import DailyRate, Record
from shared.words import Outcome, RateSource

#: Rates of one transaction: its records and its business event stay within one message each.
BATCH: Final = 500

CURRENCY: Final = re.compile(r"[A-Z]{3}")
_NUMBER: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
#: A quotient that needs more digits is refused instead of rounded.
_EXACT: Final = Context(prec=60, traps=[Inexact, InvalidOperation])


@dataclass(frozen=True, slots=True)
class Rate:
    """1 `base` costs `value` `quote` on `day`, as `source` says."""

    source: RateSource
    #: ISO 4217.
    currency: str
    day: date
    value: Decimal

    @property
    def key(self) -> str:
        return rate_key(self.source, self.currency, self.day)

    @property
    def base(self) -> str:
        return "EUR" if self.source is RateSource.ECB else self.currency

    @property
    def quote(self) -> str:
        return self.currency if self.source is RateSource.ECB else "CHF"

    @property
    def sentence(self) -> str:
        """`1 EUR = 1.0705 USD`."""
        return f"1 {self.base} = {self.value:f} {self.quote}"

    def as_told(self) -> DailyRate:
        return DailyRate(
            currency=self.currency, day=self.day, base=self.base, quote=self.quote, rate=self.value
        )


@dataclass(frozen=True, slots=True)
class WrongRate:
    """An entry of a publication that cannot be a rate. The others of the publication can."""

    source: RateSource
    #: As it is written there, cut to 20 characters.
    currency: str
    day: date
    cause: str

    @property
    def key(self) -> str:
        return rate_key(self.source, self.currency, self.day)

    def record(self) -> Record:
        failure = Failure(
            code="rate_invalid",
            cause=self.cause,
            concern=self.key,
            next_step="Look at the publication; if it is wrong there, wait for the corrected one and rerun.",
        )
        return Record(key=self.key, outcome=Outcome.FAILED, label=_label(self), failure=failure)


@dataclass(frozen=True, slots=True)
class Publication:
    """What one source says in one file, each currency and day once."""

    source: RateSource
    entries: tuple[Rate | WrongRate, ...]

    @property
    def first_day(self) -> date | None:
        return min((entry.day for entry in self.entries), default=None)


@dataclass(frozen=True, slots=True)
class StoredRate:
    """A row of `rates`, as far as a decision needs it."""

    value: Decimal
    #: The value before run `run_id` touched it; None if that run created the row.
    before: Decimal | None
    run_id: UUID


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run does with one rate: the record to tell, and whether the row is to be written."""

    rate: Rate
    record: Record
    write: bool
    #: For the row: the value before this run.
    before: Decimal | None


def rate_key(source: RateSource, currency: str, day: date) -> str:
    """The record key: `rate:ecb:USD:2024-06-28`."""
    return f"rate:{source}:{currency}:{day.isoformat()}"


def exact_rate(written: str, unit: str = "1") -> Decimal:
    """The price of one, where `written` is the price of `unit`. Raises `ValueError` with the cause.

    Nothing is rounded: a quotient that does not end is refused. Zeros at the end are dropped.
    """
    numbers = []
    for name, text in (("rate", written), ("unit", unit)):
        if not _NUMBER.fullmatch(text) or not Decimal(text):
            raise ValueError(f"the {name} {text[:40]!r} is not a positive number")
        numbers.append(Decimal(text))
    try:
        return plain(_EXACT.divide(*numbers))
    except DecimalException:
        raise ValueError(f"{written} divided by {unit} does not end") from None


def plain(value: Decimal) -> Decimal:
    """The same number without zeros at the end."""
    return Decimal(f"{value.normalize(_EXACT):f}")


def once_each(entries: Iterable[Rate | WrongRate]) -> tuple[Rate | WrongRate, ...]:
    """Each key once, in the order of their first appearance; two values for one key are wrong."""
    found: dict[str, Rate | WrongRate] = {}
    for entry in entries:
        first = found.setdefault(entry.key, entry)
        if isinstance(first, WrongRate):
            continue
        if isinstance(entry, WrongRate):
            found[entry.key] = entry
        elif first.value != entry.value:
            cause = f"the publication gives both {first.value:f} and {entry.value:f}"
            found[entry.key] = WrongRate(entry.source, entry.currency, entry.day, cause)
    return tuple(found.values())


def wanted(
    publication: Publication, since: date | None, currencies: Collection[str]
) -> tuple[list[Rate], list[WrongRate]]:
    """What a run is asked to handle: from `since` on, of these currencies (none named: of all)."""
    rates: list[Rate] = []
    wrong: list[WrongRate] = []
    for entry in publication.entries:
        if (since is not None and entry.day < since) or (currencies and entry.currency not in currencies):
            continue
        if isinstance(entry, Rate):
            rates.append(entry)
        else:
            wrong.append(entry)
    return rates, wrong


def batches(rates: Sequence[Rate]) -> Iterator[Sequence[Rate]]:
    for start in range(0, len(rates), BATCH):
        yield rates[start : start + BATCH]


def judge(rate: Rate, stored: StoredRate | None, run_id: UUID) -> Judged:
    """What becomes of `rate`. The outcome is relative to the run, not to the attempt: what an earlier
    attempt of this run created is not `unchanged` in this one."""
    before = None
    if stored is not None:
        before = stored.before if stored.run_id == run_id else stored.value
    changes = None
    if before is None:
        outcome = Outcome.CREATED
    elif before == rate.value:
        outcome = Outcome.UNCHANGED
    else:
        outcome = Outcome.UPDATED
        changes = {"rate": (f"{before:f}", f"{rate.value:f}")}
    record = Record(key=rate.key, outcome=outcome, label=_label(rate), message=rate.sentence, changes=changes)
    return Judged(rate, record, write=stored is None or stored.value != rate.value, before=before)


def _label(entry: Rate | WrongRate) -> str:
    return f"{entry.source.upper()} {entry.currency}, {entry.day.isoformat()}"
