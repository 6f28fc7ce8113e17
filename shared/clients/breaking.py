"""When a circuit breaker opens, tries again and closes. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.words import BreakerState

#: Calls in a row that do not reach a system, after which no more are tried for now.
FAILURES: Final = 5
#: Until the first try afterwards; doubled after each in vain, up to the longest.
PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(minutes=5)
#: By how much a pause is shorter or longer, so that not all services come at the same moment.
JITTER: Final = 0.2
#: What whoever tries has time for; killed meanwhile, it leaves the try to another.
TRY_WITHIN: Final = timedelta(seconds=60)
#: How exactly the last success is known.
SUCCESS_KNOWN: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is known of the calls to one address; the columns of `breakers`."""

    failures: int = 0
    failing_since: datetime | None = None
    last_error: str | None = None
    opened_at: datetime | None = None
    next_try: datetime | None = None
    tries: int = 0
    trying_until: datetime | None = None
    last_success: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None

    def state(self, now: datetime) -> BreakerState:
        if self.opened_at is None or self.next_try is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.next_try else BreakerState.HALF_OPEN

    def admits(self, now: datetime) -> bool:
        """Whether a call may be tried: always while it is closed, and one at a time once a pause is over."""
        if self.state(now) is BreakerState.OPEN:
            return False
        return not self.is_open or self.trying_until is None or self.trying_until <= now

    def waits_until(self) -> datetime | None:
        """When it is tried next: after the pause, or after whoever tries."""
        return max((at for at in (self.next_try, self.trying_until) if at is not None), default=None)

    def tried(self, now: datetime) -> "Circuit":
        """With the call that is admitted now as the one that tries."""
        return replace(self, trying_until=now + TRY_WITHIN) if self.is_open else self

    def failed(self, now: datetime, began: datetime, cause: str, chance: float) -> "Circuit":
        """After a call that began then and did not reach the system. `chance`: from 0 to 1."""
        after = replace(
            self, failures=self.failures + 1, failing_since=self.failing_since or began, last_error=cause
        )
        if not self.is_open:
            if after.failures < FAILURES:
                return after
            return replace(after, opened_at=now, next_try=now + _pause(0, chance), tries=0)
        if self.next_try is not None and began < self.next_try:
            # It was under way when the breaker opened, and tells nothing new.
            return after
        tries = self.tries + 1
        return replace(after, tries=tries, next_try=now + _pause(tries, chance), trying_until=None)

    def succeeded(self, now: datetime) -> "Circuit":
        """After a call that reached the system; itself if that changes nothing worth to be written."""
        known = self.last_success is not None and now - self.last_success < SUCCESS_KNOWN
        return self if known and not self.failures and not self.is_open else Circuit(last_success=now)


def _pause(tries: int, chance: float) -> timedelta:
    length = min(PAUSE * (1 << min(tries, 10)), LONGEST_PAUSE)
    return length * (1 - JITTER + 2 * JITTER * chance)
