"""How much one sender may ask for: token buckets in this process. No I/O.

A bucket holds `burst` and fills with `per_second`. What a sender may do at once and over time are different
things: an upload of thousands of files is a burst, a script that went wild is not.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from services.gateway.problems import ProblemError
from shared.errors import Failure

#: Senders that are remembered; the one that has been quiet for longest goes first.
REMEMBERED = 20_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Rate:
    """One bucket for each sender."""

    def __init__(
        self, burst: float, per_second: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, sender: str) -> float:
        """Seconds to wait; 0 if it was taken at once."""
        now = self._clock()
        bucket = self._buckets.get(sender)
        if bucket is None:
            bucket = self._buckets[sender] = _Bucket(self._burst, now)
            if len(self._buckets) > REMEMBERED:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(sender)
            bucket.left = min(self._burst, bucket.left + (now - bucket.at) * self._per_second)
            bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) / self._per_second
        bucket.left -= 1
        return 0.0


class TooMany(ProblemError):
    def __init__(self, what: str, sender: str, wait: float) -> None:
        seconds = max(1, math.ceil(wait))
        failure = Failure(
            code="too_many_requests",
            cause=f"{sender} sends too many {what}",
            concern=sender,
            next_step=f"Wait {seconds} s, then go on more slowly.",
            retryable=True,
        )
        super().__init__(failure, retry_after=seconds)


class Limits:
    """The rates of a gateway. Raises `TooMany` where one is exceeded."""

    def __init__(self, *, requests_per_second: float, request_burst: int, sign_ins_per_minute: int) -> None:
        self._requests = Rate(request_burst, requests_per_second)
        self._sign_ins = Rate(sign_ins_per_minute, sign_ins_per_minute / 60)
        # Looking up a wrong token is cheap, and 256 bits are not guessed: this keeps the log readable.
        self._rejections = Rate(sign_ins_per_minute * 20, sign_ins_per_minute / 3)

    def request(self, principal: str) -> None:
        self._check(self._requests, "requests", principal)

    def sign_in(self, sender: str) -> None:
        self._check(self._sign_ins, "sign-ins", sender)

    def rejection(self, sender: str) -> None:
        self._check(self._rejections, "requests that are rejected", sender)

    def _check(self, rate: Rate, what: str, sender: str) -> None:
        wait = rate.take(sender)
        if wait > 0:
            raise TooMany(what, sender, wait)
