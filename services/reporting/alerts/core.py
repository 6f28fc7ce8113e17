"""When an alert opens, counts and closes. Pure.

A cause has an identity: its kind and a key. It consists of parts (a failed run, an effect in doubt, a dead
letter), each of which holds or not; its alert is open while any part holds. A part follows the latest of
what was said about it, whichever comes first, so that order and repetition of signals make no difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from shared.words import AlertKind, Severity

#: Later than everything: said of a part that can never hold again.
FOR_GOOD: Final = datetime(9999, 1, 1, tzinfo=UTC)

SEVERITIES: Final[Mapping[AlertKind, Severity]] = {
    AlertKind.RUN_FAILED: Severity.WARNING,
    AlertKind.NEEDS_DECISION: Severity.CRITICAL,
    AlertKind.OVERDUE: Severity.WARNING,
    AlertKind.LOST: Severity.CRITICAL,
    AlertKind.UNWORKED: Severity.CRITICAL,
    AlertKind.MISSED: Severity.WARNING,
    AlertKind.DEAD_LETTER: Severity.WARNING,
    AlertKind.SYSTEM_UNREACHABLE: Severity.CRITICAL,
    AlertKind.AGENT_AWAY: Severity.WARNING,
    AlertKind.PROJECTION_BEHIND: Severity.CRITICAL,
}


@dataclass(frozen=True, slots=True)
class Cause:
    """What an alert is about, as people are told."""

    kind: AlertKind
    #: With the kind, what makes two signals signals of the same cause.
    key: str
    #: What it concerns, in the words of the installation: a job, a schedule, a system, a durable.
    concern: str
    job: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """Something was said about a part of a cause."""

    cause: Cause
    part: str
    #: Whether it holds from here on, or is gone.
    holds: bool
    #: When it happened.
    time: datetime
    #: What counts as later, if not the time: `FOR_GOOD` where the part cannot hold again.
    order: datetime | None = None
    run_id: UUID | None = None
    #: Why, in words, and what to do; of one that holds.
    why: str = ""
    next_step: str = ""

    @property
    def rank(self) -> datetime:
        """What is said later in this sense counts."""
        return self.time if self.order is None else self.order


@dataclass(frozen=True, slots=True)
class Part:
    """When a part was last said to hold, and to be gone."""

    held_at: datetime | None = None
    gone_at: datetime | None = None

    @property
    def holds(self) -> bool:
        return self.held_at is not None and (self.gone_at is None or self.held_at > self.gone_at)

    def after(self, signal: Signal) -> "Part":
        if signal.holds:
            return Part(_later(self.held_at, signal.rank), self.gone_at)
        return Part(self.held_at, _later(self.gone_at, signal.rank))


class Change(StrEnum):
    """What a signal does to the alert of its cause."""

    OPENED = "opened"
    #: It happened again while the alert was open.
    AGAIN = "again"
    CLOSED = "closed"


def step(part: Part, others_hold: bool, signal: Signal) -> tuple[Part, Change | None]:
    """The part after a signal, and what becomes of the alert; `others_hold`: another part does."""
    after = part.after(signal)
    was, is_open = part.holds or others_hold, after.holds or others_hold
    if is_open and not was:
        return after, Change.OPENED
    if was and not is_open:
        return after, Change.CLOSED
    if after.holds and after.held_at != part.held_at:
        return after, Change.AGAIN
    return after, None


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
