"""The pull loop when a request gets lost."""

import asyncio
from typing import Any

import pytest

from shared import pull, subjects
from shared.pull import Delivery, PullLoop, SlotPool, Source
from shared.words import Lane
from tests.support.engine import Engine


class Forgetful:
    """A connection to a bus that forgets the first request for work of one durable."""

    def __init__(self, nc: Any, durable: str) -> None:
        self._nc, self._durable, self.forgot = nc, durable, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._nc, name)

    async def publish(self, subject: str, payload: bytes = b"", **options: Any) -> None:
        if not self.forgot and subject.endswith(self._durable):
            self.forgot = True
            return
        await self._nc.publish(subject, payload, **options)


async def test_a_lost_request_is_noticed_while_other_work_keeps_the_loop_busy(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "IDLE_HEARTBEAT", 0.3)
    handled: list[str] = []

    async def handle(delivery: Delivery) -> None:
        handled.append(delivery.durable)
        await delivery.ack()

    quiet = subjects.work_durable("lab.noop", Lane.INTERACTIVE)
    busy = subjects.work_durable("lab.sleep", Lane.INTERACTIVE)
    nc: Any = Forgetful(engine.bus.nc, quiet)
    sources = [Source(subjects.RUNS, durable, handle) for durable in (quiet, busy)]
    loop = PullLoop(nc, SlotPool("test", 8, sources), ack_wait=1.5)
    running = asyncio.create_task(loop.run())
    await engine.request("lab.noop")
    for _ in range(60):
        await engine.request("lab.sleep", steps=1)
        await asyncio.sleep(0.05)
    assert nc.forgot
    assert handled.count(busy) == 60
    assert handled.count(quiet) == 1
    loop.stop()
    await asyncio.wait_for(running, 30)
