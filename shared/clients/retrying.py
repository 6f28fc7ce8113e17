"""Trying again within one call, where that surely repeats nothing; the run's own retry is for the rest."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from shared.errors import ExternalSystemNotReached, ExternalSystemUnavailable, NotCalled

T = TypeVar("T")

#: Tries after the first.
RETRIES: Final = 2
#: Seconds before the first of them; before the second twice as long. Each is shortened by chance, by half at
#: most, so that not everybody comes at the same moment.
PAUSE: Final = 0.2
#: Seconds that a system may ask us to wait; what takes longer is left to the retry of the run.
LONGEST_WAIT: Final = 5.0


async def again(
    call: Callable[[], Awaitable[T]], retries: int, *, reads: bool, until: float | None = None
) -> T:
    """What `call` gives, tried up to `retries` times more.

    `reads`: it changes nothing there, so that it may be repeated whatever became of it; otherwise only where
    no connection came about. `until`: time of the event loop after which no try begins.
    """
    for tried in range(retries + 1):
        try:
            return await call()
        except ExternalSystemUnavailable as error:
            wait = _wait(error, tried, reads=reads)
            late = until is not None and asyncio.get_running_loop().time() + (wait or 0.0) >= until
            if tried == retries or wait is None or late:
                raise
        await asyncio.sleep(wait)
    raise AssertionError("the last try returns or raises")


def _wait(error: ExternalSystemUnavailable, tried: int, *, reads: bool) -> float | None:
    """Seconds before the next try; None if there is none."""
    if isinstance(error, NotCalled):
        return None
    if not reads and not isinstance(error, ExternalSystemNotReached):
        return None
    asked = error.failure.retry_after
    if asked is not None:
        return asked if asked <= LONGEST_WAIT else None
    return PAUSE * (1 << tried) * random.uniform(0.5, 1.0)  # noqa: S311  (no secret)
