"""Who watches the same run at the same place is told from one reading of it."""

import asyncio
from typing import Any

from services.gateway.watching import Signal, Watches
from shared.bus import BusUnavailable, Stored


class Library:
    """In place of the bus: readings that end when they are told to."""

    def __init__(self) -> None:
        self.read: list[tuple[str, int]] = []
        self.opened = asyncio.Event()
        self.away = False

    async def read_page(self, stream: str, subject: str, start: int) -> tuple[list[Stored], bool]:
        self.read.append((subject, start))
        await self.opened.wait()
        if self.away:
            raise BusUnavailable("it is away")
        return [Stored(subject, start, b"no json", {})], False


def watches(library: Any) -> Watches:
    return Watches(library, asyncio.Event())


async def test_one_reading_is_for_all_who_want_the_same() -> None:
    library = Library()
    shared = watches(library)
    wanted = [("run.a", 1), ("run.a", 1), ("run.a", 2), ("run.b", 1), ("run.a", 1)]
    readings = [asyncio.create_task(shared.read(*one)) for one in wanted]
    while len(library.read) < 3:  # noqa: ASYNC110  (they all begin in the next rounds of the loop)
        await asyncio.sleep(0)
    # Whoever goes away takes it from nobody else.
    readings[0].cancel()
    library.opened.set()
    found = await asyncio.gather(*readings[1:])
    assert [messages[0].sequence for messages, _ in found] == [1, 2, 1, 1]
    assert library.read == [("run.a", 1), ("run.a", 2), ("run.b", 1)]
    await shared.read("run.a", 1)
    assert library.read[3:] == [("run.a", 1)], "what was read before is not told again"


async def test_while_the_bus_is_away_there_is_nothing() -> None:
    library = Library()
    library.away = True
    library.opened.set()
    assert await watches(library).read("run.a", 1) == ([], False)


async def test_a_signal_tells_how_much_was_published_and_waits_again() -> None:
    signal = Signal()
    assert not await signal.wait(0)
    signal.hear()
    signal.hear()
    assert await signal.wait(60)
    assert signal.take() == 2
    assert not await signal.wait(0)
    signal.wake()
    assert await signal.wait(60)
    assert signal.take() == 0
    assert not await signal.wait(0)
