"""Feeds of one reader that meet, on a real nats-server."""

import asyncio
from collections.abc import AsyncIterator

import nats
import pytest
from nats.aio.client import Client

from shared import feed as feeds
from shared.feed import Feed, FeedInterrupted, open_feed
from shared.provision import provision

READER = "a-reader"
STREAM = "EVENTS"


@pytest.fixture
async def nc(bus_url: str) -> AsyncIterator[Client]:
    await provision(bus_url, [])
    nc = await nats.connect(bus_url)
    yield nc
    await nc.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(feeds, "FEEDS", request.param)


async def tell(nc: Client, *words: bytes) -> None:
    for word in words:
        await nc.jetstream().publish("event.message.received", word)


async def heard(feed: Feed) -> list[bytes]:
    batch = await asyncio.wait_for(feed.take(100), 20)
    return [message.payload for message in batch]


async def heard_anew(nc: Client) -> list[bytes]:
    """By a new feed, as soon as the server has forgotten the one that was closed."""
    async with asyncio.timeout(20):
        while True:
            try:
                async with open_feed(nc, READER, STREAM, 1) as feed:
                    return await heard(feed)
            except FeedInterrupted:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("names", [1], indirect=True)
@pytest.mark.parametrize("start", [1, 2], ids=["the same place", "another place"])
@pytest.mark.usefixtures("names")
async def test_a_feed_that_finds_no_name_leaves_that_of_another_alone(nc: Client, start: int) -> None:
    async with open_feed(nc, READER, STREAM, 1) as first:
        with pytest.raises(FeedInterrupted, match="1 times already"):
            async with open_feed(nc, READER, STREAM, start):
                pass
        await tell(nc, b"one")
        assert await heard(first) == [b"one"]
    # What was closed is free again.
    assert await heard_anew(nc) == [b"one"]


@pytest.mark.parametrize("names", [2], indirect=True)
@pytest.mark.usefixtures("names")
async def test_what_a_killed_reader_had_is_read_again_at_once(nc: Client, bus_url: str) -> None:
    await tell(nc, b"one", b"two")
    # Its connection is gone, its consumer is still there, and has delivered everything.
    killed = await nats.connect(bus_url)
    left = Feed(killed, READER, STREAM, 1)
    await left.open()
    assert await heard(left) == [b"one", b"two"]
    await killed.close()
    for _ in range(3):
        assert await heard_anew(nc) == [b"one", b"two"]
