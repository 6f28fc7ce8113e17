"""A view of a bucket is that of the bucket, although only what has changed is read."""

from collections.abc import AsyncIterator

import nats
import pytest
from nats.js.api import KeyValueConfig
from pydantic import BaseModel

from shared import buckets
from shared.buckets import Bucket
from shared.bus import Bus

NAME = "shelf"


class Book(BaseModel):
    title: str


@pytest.fixture
async def bus(bus_url: str) -> AsyncIterator[Bus]:
    nc = await nats.connect(bus_url)
    bus = Bus(nc)
    await bus.start()
    await make_bucket(bus)
    yield bus
    await bus.stop()
    await nc.close()


@pytest.fixture(autouse=True)
def never_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look asks what has changed."""
    monkeypatch.setattr(buckets, "FRESH", -1.0)


async def make_bucket(bus: Bus) -> None:
    await bus.js.create_key_value(KeyValueConfig(bucket=NAME, history=1, direct=True))


async def titles(bucket: Bucket[Book]) -> dict[str, str]:
    return {key: book.title for key, book in sorted((await bucket.all()).items())}


async def test_what_is_written_changed_and_deleted_is_seen(bus: Bus) -> None:
    writer, reader = Bucket(bus, NAME, Book), Bucket(bus, NAME, Book)
    assert await titles(reader) == {}
    await writer.put("a", Book(title="One"))
    await writer.put("b", Book(title="Two"))
    assert await titles(reader) == {"a": "One", "b": "Two"}
    await writer.put("a", Book(title="First"))
    await (await bus.js.key_value(NAME)).delete("b")
    assert await titles(reader) == {"a": "First"}
    await writer.put("b", Book(title="Again"))
    assert await titles(reader) == {"a": "First", "b": "Again"}
    assert await reader.get("c") is None


async def test_without_a_change_it_is_the_same_and_only_what_changed_is_read_anew(bus: Bus) -> None:
    writer, reader = Bucket(bus, NAME, Book), Bucket(bus, NAME, Book)
    for key in "abc":
        await writer.put(key, Book(title=key))
    before = await reader.all()
    assert await reader.all() is before
    await reader.refresh()
    assert await reader.all() is before
    await writer.put("b", Book(title="B"))
    after = await reader.all()
    assert after is not before
    assert before["b"].title == "b"
    assert {key: after[key] is before[key] for key in "abc"} == {"a": True, "b": False, "c": True}


async def test_what_cannot_be_read_is_left_out_until_it_can(bus: Bus) -> None:
    writer, reader = Bucket(bus, NAME, Book), Bucket(bus, NAME, Book)
    await writer.put("a", Book(title="One"))
    assert await titles(reader) == {"a": "One"}
    await bus.publish(f"$KV.{NAME}.a", b'{"name": "of another version"}')
    assert await titles(reader) == {}
    await writer.put("a", Book(title="Two"))
    assert await titles(reader) == {"a": "Two"}


async def test_a_bucket_that_was_made_anew_is_read_anew(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Bucket(bus, NAME, Book)
    for key in "abc":
        await reader.put(key, Book(title=key))
    assert len(await reader.all()) == 3
    await bus.js.delete_key_value(NAME)
    await make_bucket(bus)
    await Bucket(bus, NAME, Book).put("d", Book(title="d"))
    monkeypatch.setattr(buckets, "WHOLE", -1.0)
    assert await titles(reader) == {"d": "d"}
