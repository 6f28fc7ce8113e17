"""One process leads, by an advisory lock on a connection of its own; the others stand by on the same lock.

What is written over that connection only the leader can write: a lost connection takes lock and transaction
along. It is none of the pool: effects count on those.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
import structlog

from shared.errors import TagwerkError
from shared.passing import PASSING

log = structlog.get_logger(__name__)

#: Seconds before the next try after bus or database failed.
PAUSE: Final = 0.2
#: Seconds between two looks whether an idle connection is still there.
_LOOK: Final = 15.0

#: What passes by itself.
TRANSIENT: Final = (*PASSING, TagwerkError)


class Lead:
    """The connection of the process that leads."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        #: Held by whoever uses the connection.
        self.turn = asyncio.Lock()

    async def hold(self) -> None:
        """Fails when the connection is gone: without it this process is not the one any more."""
        while True:
            await asyncio.sleep(_LOOK)
            async with self.turn:
                await self.connection.execute("select 1")


async def keep_leading(database_url: str, name: str, work: Callable[[Lead], Awaitable[None]]) -> None:
    """Have `work` done by one of the processes that ask for it under this name, until this one ends. After a
    failure that passes it begins anew, here or elsewhere."""
    while True:
        try:
            await _lead(database_url, name, work)
        except* TRANSIENT as group:
            log.warning("it begins again from what is stored", name=name, cause=repr(_first(group)))
        await asyncio.sleep(PAUSE)


async def _lead(database_url: str, name: str, work: Callable[[Lead], Awaitable[None]]) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("select pg_advisory_lock(hashtext($1), hashtext(current_schema()))", name)
        log.info("this process leads", name=name)
        lead = Lead(connection)
        async with asyncio.TaskGroup() as tasks:
            holding = tasks.create_task(lead.hold())
            await work(lead)
            holding.cancel()
    finally:
        await connection.close(timeout=5)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
