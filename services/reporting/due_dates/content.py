"""What a due-date report says: its lines, and what is made of them. Pure, and without pydantic: the process
that writes the files imports it for each report."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import ClassVar, Final

from services.reporting.as_json import AsJson

#: Up to so many weeks are told one by one; more are told as months, and these too only up to a limit.
WEEKS: Final = 12
MONTHS: Final = 12

Sums = dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Line(AsJson):
    """An invoice that is due."""

    document_id: str
    supplier: str | None
    invoice_number: str | None
    credit_note: bool
    due: date | None
    #: Of a credit note below zero.
    amount: Decimal | None
    currency: str | None
    #: How far it is, as `InvoiceState` has it.
    state: str
    #: Who may approve, if it waits for that.
    role: str | None = None
    possible_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Content(AsJson):
    """Everything that one report says."""

    kind: ClassVar[str] = "due-dates"

    client: str
    #: The day on which it was made, and the last one on which its invoices are due.
    as_of: date
    until: date
    #: `en` or `de`.
    language: str
    #: The earliest due first, then those without a date.
    lines: Sequence[Line]


@dataclass(slots=True)
class Section:
    """Lines that belong together: what is overdue, what is due within some days, what has no date."""

    #: `overdue`, `week`, `month`, `later` or `undated`.
    kind: str
    #: The days that it spans, where it spans some.
    first: date | None = None
    last: date | None = None
    lines: list[Line] = field(default_factory=list)

    @property
    def sums(self) -> Sums:
        return sums_of(self.lines)


def sections_of(content: Content) -> list[Section]:
    """All sections in their order, those without lines too: a week without any says something."""
    overdue, undated = Section("overdue"), Section("undated")
    spans = _spans(content.as_of, content.until)
    for line in content.lines:
        if line.due is None:
            undated.lines.append(line)
        elif line.due < content.as_of:
            overdue.lines.append(line)
        else:
            day = line.due
            next(span for span in spans if span.last is not None and day <= span.last).lines.append(line)
    return [overdue, *spans, undated]


def _spans(first: date, until: date) -> list[Section]:
    weeks = list(_weeks(first, until))
    if len(weeks) <= WEEKS:
        return weeks
    months = list(_months(first, until))
    if len(months) > MONTHS:
        months[MONTHS - 1 :] = [Section("later", months[MONTHS - 1].first, until)]
    return months


def _weeks(first: date, until: date) -> Iterable[Section]:
    """From Monday to Sunday, but for what lies before `first` and behind `until`."""
    while first <= until:
        last = min(first + timedelta(days=6 - first.weekday()), until)
        yield Section("week", first, last)
        first = last + timedelta(days=1)


def _months(first: date, until: date) -> Iterable[Section]:
    while first <= until:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        last = min(following - timedelta(days=1), until)
        yield Section("month", first, last)
        first = last + timedelta(days=1)


def sums_of(lines: Iterable[Line]) -> Sums:
    """Currency -> sum, of those lines that have an amount and a currency."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.amount is not None and line.currency is not None:
            sums[line.currency] += line.amount
    return dict(sums)


@dataclass(frozen=True, slots=True)
class Total:
    """What is due in one currency."""

    currency: str
    overdue: Decimal
    overdue_count: int
    #: Not overdue.
    due: Decimal
    due_count: int

    @property
    def whole(self) -> Decimal:
        return self.overdue + self.due


def totals_of(content: Content) -> list[Total]:
    """One for each currency, the largest first; of lines that have a date, an amount and a currency."""
    known = [line for line in content.lines if line.due is not None and line.amount is not None]
    by_currency: defaultdict[str, list[Line]] = defaultdict(list)
    for line in known:
        if line.currency is not None:
            by_currency[line.currency].append(line)
    totals = [_total(currency, lines, content.as_of) for currency, lines in by_currency.items()]
    return sorted(totals, key=lambda total: (-total.whole, total.currency))


def _total(currency: str, lines: Sequence[Line], as_of: date) -> Total:
    overdue = [line.amount or Decimal() for line in lines if line.due is not None and line.due < as_of]
    due = [line.amount or Decimal() for line in lines if line.due is not None and line.due >= as_of]
    return Total(currency, sum(overdue, Decimal()), len(overdue), sum(due, Decimal()), len(due))


@dataclass(frozen=True, slots=True)
class Duty:
    """What waits for one party: a role that has to approve, those who pay, the bank."""

    state: str
    role: str | None
    count: int
    sums: Sums


def duties_of(content: Content) -> list[Duty]:
    """By state and role, the most lines first."""
    groups: defaultdict[tuple[str, str | None], list[Line]] = defaultdict(list)
    for line in content.lines:
        groups[line.state, line.role].append(line)
    duties = [Duty(state, role, len(lines), sums_of(lines)) for (state, role), lines in groups.items()]
    return sorted(duties, key=lambda duty: (-duty.count, duty.state, duty.role or ""))
