"""What an audit report says: who did what in some days, and what proves it. Pure, and without pydantic: the
process that writes the files imports it for each report."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final

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
class Entry:
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

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "time": self.time.isoformat(),
        }

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Entry":
        return cls(**{**plain, "time": datetime.fromisoformat(plain["time"])})


@dataclass(frozen=True, slots=True)
class Proof:
    """How far the log is checked and signed. Moments in the zone of the installation."""

    #: Of the last check of the whole log: when, how many entries there were, and what was wrong.
    checked_at: datetime | None = None
    checked: int = 0
    broken: int | None = None
    cause: str | None = None
    #: The newest signed head: the last entry that it covers, and when it was signed.
    signed: int | None = None
    signed_at: datetime | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "checked_at": self.checked_at.isoformat() if self.checked_at else None,
            "signed_at": self.signed_at.isoformat() if self.signed_at else None,
        }

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Proof":
        moments = {
            name: datetime.fromisoformat(plain[name]) if plain[name] else None
            for name in ("checked_at", "signed_at")
        }
        return cls(**{**plain, **moments})


@dataclass(frozen=True, slots=True)
class Content:
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

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "client": self.client,
            "as_of": self.as_of.isoformat(),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "language": self.language,
            "principal": self.principal,
            "kinds": list(self.kinds),
            "entries": [entry.plain() for entry in self.entries],
            "cut": self.cut,
            "proof": self.proof.plain(),
        }

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Content":
        days = {name: date.fromisoformat(plain[name]) for name in ("as_of", "since", "until")}
        return cls(
            **{
                **plain,
                **days,
                "entries": [Entry.of(entry) for entry in plain["entries"]],
                "proof": Proof.of(plain["proof"]),
            }
        )

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
