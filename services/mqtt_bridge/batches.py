"""Many callers, few statements: what is asked while one statement is under way goes together in the next.

A single call is a statement at once. Where more came meanwhile, a few milliseconds bring more still: what a
statement costs is mostly the disk, once for all that it holds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

Asked = TypeVar("Asked")
Given = TypeVar("Given")

#: Calls in one statement at most.
LARGEST: Final = 200
#: Seconds between two statements.
PAUSE: Final = 0.005


class Batches(Generic[Asked, Given]):
    """Calls of one kind."""

    def __init__(
        self,
        ask: Callable[[Sequence[Asked]], Awaitable[Sequence[Given]]],
        *,
        identity: Callable[[Asked], Hashable],
    ) -> None:
        """`ask` answers a batch, one by one in its order. No two with one `identity` are in the same batch:
        the later one is to find what the earlier one left."""
        self._ask = ask
        self._identity = identity
        self._waiting: list[tuple[Asked, asyncio.Future[Given]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, asked: Asked) -> Given:
        """Raises what `ask` raises for this one, whatever becomes of the others."""
        given: asyncio.Future[Given] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, given))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._work())
        return await given

    async def _work(self) -> None:
        while self._waiting:
            await self._settle(self._next())
            if self._waiting:
                await asyncio.sleep(PAUSE)

    def _next(self) -> list[tuple[Asked, "asyncio.Future[Given]"]]:
        seen = set[Hashable]()
        batch: list[tuple[Asked, asyncio.Future[Given]]] = []
        later: list[tuple[Asked, asyncio.Future[Given]]] = []
        for one in self._waiting:
            identity = self._identity(one[0])
            if identity in seen or len(batch) == LARGEST:
                later.append(one)
            else:
                seen.add(identity)
                batch.append(one)
        self._waiting = later
        return batch

    async def _settle(self, batch: "Sequence[tuple[Asked, asyncio.Future[Given]]]") -> None:
        try:
            answers = await self._ask([asked for asked, _ in batch])
        except Exception as error:
            if len(batch) > 1:
                # One that the database does not take must not be the end of the others.
                for one in batch:
                    await self._settle([one])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, given), answer in zip(batch, answers, strict=True):
            # Whoever asked may have been broken off meanwhile.
            if not given.done():
                given.set_result(answer)
