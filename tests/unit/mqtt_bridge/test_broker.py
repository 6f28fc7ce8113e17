"""A connection to a broker that is to end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Self

import pytest

from services.mqtt_bridge.broker import Broker, read_address


class Forgetful:
    """A client that forgets a cancel which comes while it subscribes, as `wait_for` can."""

    def __init__(self) -> None:
        self.subscribing = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def subscribe(self, *_: Any, **__: Any) -> None:
        self.subscribing.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    @property
    async def messages(self) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield


async def test_a_cancel_that_is_forgotten_while_it_connects_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Forgetful()

    async def store(_: object) -> None: ...

    address = read_address("mqtt://a:b@127.0.0.1:1", ca_file=None, version="3.1.1", client_id="a")
    broker = Broker(address, ["#"], store, payload_limit=1, told=lambda why: None)
    monkeypatch.setattr(broker, "_new_client", lambda: client)
    task = asyncio.create_task(broker.run())
    await client.subscribing.wait()
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    assert task in done
    assert task.cancelled()
