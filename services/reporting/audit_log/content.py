"""What an audit report says: who did what in some days, and what proves it. Pure, and without pydantic: the
process that writes the files imports it for each report."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar, Final

from services.reporting.as_json import AsJson

#: Up to so many days have a bar of their own; more are told as weeks.
DAYS: Final = 31
#: Kinds of entries at which somebody should look.
REFUSALS: Final = frozenset({"access_refused", "account_locked", "sign_in_rejected", "start_refused"})
RIGHTS: Final = frozenset(
    {
        "password_changed", "password_set", "principal_changed", "rules_changed", "token_issued",
        "token_revoked",
    }
)  # fmt: skip
GAPS: Final = frozenset({"contents_removed", "history_missing", "unreadable"})


@dataclass(frozen=True, slots=True)
class Entry(AsJson):
    """One deed, as the audit log has it."""

    number: int
    #: In the zone of the installation.
    time: datetime
    principal: str
    kind: str
    concern: str
    effective_principal: str | None = None
    client: str | None = None
    reason: str | None = None
    run_id: str | None = None
    #: As JSON text.
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Proof(AsJson):
    """How far the log is checked and signed. Moments in the zone of the installation."""

    #: Of the last check of the whole log: when, how many entries there were, and what was wrong.
    checked_at: datetime | None = None
    checked: int = 0
    broken: int | None = None
    cause: str | None = None
    #: The newest signed head: the last entry that it covers, and when it was signed.
    signed: int | None = None
    signed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Content(AsJson):
    """Everything that one report says."""

    kind: ClassVar[str] = "audit"

    client: str
    as_of: date
    #: The first and the last day.
    since: date
    until: date
    #: `en` or `de`.
    language: str
    #: Only what this one did, and only these kinds; None and empty for all.
    principal: str | None
    kinds: Sequence[str]
    #: The newest first.
    entries: Sequence[Entry]
    #: There are more entries than these.
    cut: bool
    proof: Proof

    def count(self, kinds: frozenset[str]) -> int:
        """How many entries are of these kinds."""
        return sum(entry.kind in kinds for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Bar:
    """How many entries some days have."""

    first: date
    last: date
    count: int
    #: Those at which somebody should look.
    refused: int


def bars_of(content: Content) -> list[Bar]:
    """A bar for each day, or for each week of a long span."""
    first, last = content.since, content.until
    step = 1 if (last - first).days < DAYS else 7
    counts = Counter(entry.time.date() for entry in content.entries)
    refused = Counter(entry.time.date() for entry in content.entries if entry.kind in REFUSALS | GAPS)
    bars = []
    while first <= last:
        until = min(first + timedelta(days=step - 1), last)
        days = [first + timedelta(days=day) for day in range((until - first).days + 1)]
        bars.append(Bar(first, until, sum(counts[day] for day in days), sum(refused[day] for day in days)))
        first = until + timedelta(days=1)
    return bars
