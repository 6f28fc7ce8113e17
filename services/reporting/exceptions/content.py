"""What an exception report says: what went wrong or does not go on, and what of it waits for somebody. Pure,
and without pydantic: the process that writes the files imports it for each report."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final

from services.reporting.as_json import AsJson

#: In the order in which a report tells them: what waits for a decision first.
KINDS: Final = ("doubt", "run", "lost", "overdue", "unworked", "missed", "dead_letter", "stuck")
#: Up to so many days have a bar of their own; more are told as weeks.
DAYS: Final = 31


@dataclass(frozen=True, slots=True)
class Line(AsJson):
    """One exception."""

    #: One of `KINDS`.
    kind: str
    #: When it happened; of a stuck invoice since when it is where it is. In the zone of the installation.
    at: datetime
    #: What it is about: the title of a job, a supplier.
    what: str
    #: The job's id, the document's, the dead letter's.
    key: str
    run_id: str | None = None
    #: How the run ended, or where the invoice is.
    state: str | None = None
    code: str | None = None
    cause: str | None = None
    next_step: str | None = None
    #: Of a run: how many records it handled, and how many of them failed.
    records: int = 0
    failed: int = 0
    #: Of a run: `safe` or `risky` to run again, or to be decided first (`decide`).
    retry: str | None = None
    #: Whether somebody still has to look after it.
    open: bool = True
    #: Of an invoice; of a doubt the effect, of a missed occurrence the schedule.
    number: str | None = None
    #: Of an invoice.
    amount: Decimal | None = None
    currency: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Content(AsJson):
    """Everything that one report says."""

    kind: ClassVar[str] = "exceptions"

    client: str
    #: The day on which it was made.
    as_of: date
    #: From when on it tells what happened, in the zone of the installation.
    since: datetime
    #: `en` or `de`.
    language: str
    #: Days after which an invoice is stuck.
    stuck_after: int
    #: By kind, the newest first; of invoices the longest stuck.
    lines: Sequence[Line]
    #: What the one who asked may not see, in number.
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """How many exceptions happened in some days."""

    first: date
    last: date
    count: int
    #: Those of which somebody still has to look after.
    open: int


def bars_of(content: Content) -> list[Bar]:
    """A bar for each day of the span, or for each week of a long one. What began before it, and waits still,
    is in none of them."""
    first, last = content.since.date(), content.as_of
    step = 1 if (last - first).days < DAYS else 7
    counts = Counter(line.at.date() for line in content.lines if line.kind != "stuck")
    waiting = Counter(line.at.date() for line in content.lines if line.kind != "stuck" and line.open)
    bars = []
    while first <= last:
        until = min(first + timedelta(days=step - 1), last)
        days = [first + timedelta(days=day) for day in range((until - first).days + 1)]
        bars.append(Bar(first, until, sum(counts[day] for day in days), sum(waiting[day] for day in days)))
        first = until + timedelta(days=1)
    return bars


def sections_of(content: Content) -> list[tuple[str, list[Line]]]:
    """The lines of each kind that there is, in the order of `KINDS`."""
    return [
        (kind, lines) for kind in KINDS if (lines := [line for line in content.lines if line.kind == kind])
    ]
