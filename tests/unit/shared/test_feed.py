"""A feed that is followed ends when it is told to, whatever arrives in that moment."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from nats.aio.client import Client

from shared.feed import open_feed

Hear = Callable[[Any], Awaitable[None]]


class Bus:
    """A client of a server that makes every consumer, and delivers what the test hands to `hear`."""

    hear: Hear

    def __init__(self) -> None:
        self.stats = {"reconnects": 0}

    def new_inbox(self) -> str:
        return "_INBOX.x"

    async def subscribe(self, _: str, *, cb: Hear, **__: Any) -> Any:
        async def unsubscribe() -> None:
            pass

        self.hear = cb
        return SimpleNamespace(unsubscribe=unsubscribe)

    async def publish(self, *_: Any, **__: Any) -> None:
        pass

    async def request(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(data=b'{"num_pending": 0}')


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancel_that_comes_with_a_message_is_not_forgotten(turns: int) -> None:
    bus = Bus()
    following = asyncio.Event()

    async def follow() -> None:
        async with open_feed(cast(Client, bus), "a-reader", "RUNS", 1) as feed:
            following.set()
            while True:
                await feed.take(10)

    async def cancelled_once() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow())

    task = asyncio.create_task(cancelled_once())
    await following.wait()
    await asyncio.sleep(0)
    await bus.hear(
        SimpleNamespace(reply="$JS.ACK.RUNS.a-reader-0.1.1.1.0.0", subject="run", headers=None, data=b"")
    )
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=2)
    assert task in done, "it goes on"
    assert task.cancelled()
