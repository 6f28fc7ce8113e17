"""Looking again and again, on each replica."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from shared.errors import TagwerkError

log = structlog.get_logger(__name__)


async def keep_looking(
    every: float, look: Callable[[float], Awaitable[None]], failed: Callable[[], None] = lambda: None
) -> None:
    """Call `look` with the seconds that have passed since the one before. What one look cannot see, the next
    one does; `failed` is told of it."""
    before = time.monotonic()
    while True:
        await asyncio.sleep(every)
        at = time.monotonic()
        # A machine that slept has not looked meanwhile.
        passed, before = min(at - before, 2 * every), at
        try:
            await look(passed)
        except TagwerkError as error:
            failed()
            log.warning("the watch could not look", cause=error.failure.cause)
