"""Circuit breakers on a real database: shared by all processes, told once, and never in the way."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import nats
import pytest

from services.integrations.declaration import DECLARATION
from shared import subjects
from shared.bus import Bus
from shared.clients.breakers import Breakers, ExternalSystemPaused
from shared.clients.breaking import FAILURES
from shared.database import Pool, open_pool
from shared.errors import (
    CredentialsRejected,
    ExternalSystemBusy,
    ExternalSystemNotReached,
    NotDone,
    TagwerkError,
)
from shared.events import Message, SystemReachable, SystemUnreachable, decode_business_event
from shared.outbox import Relay
from shared.provision import provision
from shared.words import BreakerState
from tests.support.servers import PostgresServer

SYSTEM, HOST = "bank", "bank.example.com:443"


class Site:
    """Two processes of one service, as far as breakers go."""

    def __init__(self, pool: Pool, bus: Bus) -> None:
        self.pool, self.bus = pool, bus
        self.relay = Relay(pool, bus)
        self.one, self.other = (Breakers(pool, self.relay, "integrations") for _ in range(2))

    async def call(self, error: TagwerkError | None = None, *, by: Breakers | None = None) -> None:
        async with (by or self.one).trying(SYSTEM, HOST):
            if error is not None:
                raise error

    async def fail(self, times: int) -> None:
        for number in range(times):
            with pytest.raises(ExternalSystemNotReached):
                await self.call(ExternalSystemNotReached(SYSTEM, f"no connection {number}"))

    async def wait_out(self) -> None:
        """As if the pause, and whoever tries, were over."""
        await self.pool.execute(
            "update breakers set next_try = now() - $1::interval, trying_until = null", timedelta(seconds=1)
        )

    async def told(self) -> list[Message]:
        while await self.relay._pass():
            pass
        messages = await self.bus.read(subjects.EVENTS, "event.system.*")
        return [decode_business_event(message.data) for message in messages]

    async def state(self) -> BreakerState:
        (breaker,) = await self.one.of([SYSTEM])
        return breaker.state


@pytest.fixture
async def site(bus_url: str, postgres: PostgresServer, database_name: str) -> AsyncIterator[Site]:
    await provision(bus_url, [DECLARATION])
    pool = await open_pool(postgres.url("integrations", database_name))
    nc = await nats.connect(bus_url)
    bus = Bus(nc)
    await bus.start()
    yield Site(pool, bus)
    await pool.close()
    await bus.stop()
    await nc.close()


async def test_what_cannot_be_reached_is_not_called_by_any_process_and_that_is_told_once(site: Site) -> None:
    await site.fail(FAILURES)
    with pytest.raises(ExternalSystemPaused) as raised:
        await site.call(by=site.other)
    failure = raised.value.failure
    (breaker,) = await site.other.of([SYSTEM, "mail-server"])
    assert (breaker.host, breaker.state, breaker.failures) == (HOST, BreakerState.OPEN, FAILURES)
    assert isinstance(raised.value, NotDone)
    assert (failure.code, failure.retryable, failure.concern) == ("external_system_paused", True, SYSTEM)
    # Since when, why, and when it is tried next.
    assert breaker.failing_since is not None
    assert breaker.next_try is not None
    assert failure.retry_after is not None
    assert failure.retry_after <= (breaker.next_try - breaker.failing_since).total_seconds()
    for said in (f"{breaker.failing_since:%H:%M:%S}", "no connection 4", f"{breaker.next_try:%H:%M:%S}"):
        assert said in failure.cause
    (event,) = await site.told()
    assert isinstance(event, SystemUnreachable)
    assert (event.system, event.host, event.service) == (SYSTEM, HOST, "integrations")
    assert (event.since, event.cause) == (breaker.failing_since, "no connection 4")


async def test_after_the_pause_one_call_tries_and_closes_it_for_all(site: Site) -> None:
    await site.fail(FAILURES)
    await site.wait_out()
    assert await site.state() is BreakerState.HALF_OPEN
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with site.one.trying(SYSTEM, HOST):
            inside.set()
            await go_on.wait()

    trying = asyncio.create_task(slow())
    await inside.wait()
    with pytest.raises(ExternalSystemPaused):
        await site.call(by=site.other)
    go_on.set()
    await trying
    await site.call(by=site.other)
    assert await site.state() is BreakerState.CLOSED
    opened, closed = await site.told()
    assert isinstance(opened, SystemUnreachable)
    assert isinstance(closed, SystemReachable)
    assert closed.unreachable_since == opened.since
    assert closed.since > opened.since


async def test_a_try_in_vain_waits_longer_and_tells_nothing_new(site: Site) -> None:
    await site.fail(FAILURES)
    await site.wait_out()
    await site.fail(1)
    assert await site.state() is BreakerState.OPEN
    assert len(await site.told()) == 1


async def test_who_refuses_has_been_reached(site: Site) -> None:
    await site.fail(FAILURES - 1)
    for answer in (CredentialsRejected(SYSTEM, "it answered 401"), ExternalSystemBusy(SYSTEM, "429")):
        with pytest.raises(type(answer)):
            await site.call(answer)
        await site.fail(FAILURES - 1)
    assert await site.state() is BreakerState.CLOSED


async def test_a_breaker_that_cannot_be_read_or_written_stops_no_call(site: Site) -> None:
    await site.pool.execute("alter table breakers rename to away")
    await site.call()
    await site.fail(FAILURES + 1)
