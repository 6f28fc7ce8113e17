"""What a service needs to do its work, looked at when somebody asks."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from shared.database import DATABASE_ERRORS, Pool
from shared.errors import Failure, TagwerkError

#: Seconds for a sign of life of the database.
ANSWER: Final = 1.0
#: Seconds for which a loop that failed counts as failing: it may fail again as soon as it has started.
FAILED_LATELY: Final = 5.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the service needs."""

    ok: bool
    #: Why not, in words; None if it is.
    cause: str | None = None

    def told(self) -> dict[str, object]:
        return {"ok": self.ok} if self.cause is None else {"ok": self.ok, "cause": self.cause}


class Loops:
    """The background loops of a service, and which of them failed lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, tuple[float, str]] = {}

    def failed(self, loop: str, error: BaseException) -> None:
        self._failed[loop] = self._clock(), type(error).__name__

    def check(self) -> Check:
        since = self._clock() - FAILED_LATELY
        failing = [f"{name} ({what})" for name, (at, what) in sorted(self._failed.items()) if at > since]
        return Check(not failing, f"failing: {', '.join(failing)}" if failing else None)


def check_trouble(trouble: Failure | None) -> Check:
    """What the service itself says of why it cannot do its work."""
    return Check(True) if trouble is None else Check(False, f"{trouble.code}: {trouble.cause}")


async def check_database(pool: Pool) -> Check:
    """Whether it answers a statement within `ANSWER` seconds."""
    try:
        async with asyncio.timeout(ANSWER):
            await pool.fetchval("select 1")
    except (TimeoutError, OSError, TagwerkError, *DATABASE_ERRORS) as error:
        return Check(False, f"the database does not answer ({type(error).__name__})")
    return Check(True)


Checks = Callable[[], Awaitable[Mapping[str, Check]]]
