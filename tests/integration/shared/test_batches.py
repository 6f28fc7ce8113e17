"""Messages that are stored together, on a real nats-server."""

from collections.abc import AsyncIterator

import nats
import pytest

from shared import subjects
from shared.bus import BATCH_FROM, Bus, Message, PublishRefused
from shared.provision import provision

SUBJECT = "event.message.received"


@pytest.fixture
async def bus(bus_url: str) -> AsyncIterator[Bus]:
    await provision(bus_url, [])
    bus = Bus(await nats.connect(bus_url))
    await bus.start()
    yield bus
    await bus.stop()
    await bus.nc.close()


def messages(bus: Bus, count: int) -> list[Message]:
    run = bus.nc.new_inbox()
    return [Message(SUBJECT, b"%d" % number, f"{run}-{number}") for number in range(count)]


@pytest.mark.parametrize("count", [1, BATCH_FROM - 1, BATCH_FROM, 200])
async def test_each_has_the_sequence_that_it_is_stored_under(bus: Bus, count: int) -> None:
    told = messages(bus, count)
    sequences = await bus.publish_together(told)
    stored = {one.sequence: one.data for one in await bus.read(subjects.EVENTS, SUBJECT)}
    assert [stored[sequence] for sequence in sequences] == [one.payload for one in told]


async def test_what_was_stored_before_is_not_stored_again_with_the_others(bus: Bus) -> None:
    told = messages(bus, BATCH_FROM)
    before = await bus.publish_together(told[3:5])
    sequences = await bus.publish_together(told)
    assert sequences[3:5] == before
    assert await bus.publish_together(told) == sequences
    assert len(set(sequences)) == len(told)
    own = {one.msg_id for one in told}
    stored = [one.headers["Nats-Msg-Id"] for one in await bus.read(subjects.EVENTS, SUBJECT)]
    assert sorted(one for one in stored if one in own) == sorted(own)


async def test_where_batches_are_not_allowed_they_go_one_by_one(bus: Bus) -> None:
    told = [Message("occurrence.lab.together", one.payload, one.msg_id) for one in messages(bus, BATCH_FROM)]
    assert len(set(await bus.publish_together(told))) == len(told)


async def test_one_that_is_too_large_costs_the_others_nothing_and_not_the_connection(bus: Bus) -> None:
    """The server closes the connection of who sends more than it takes, headers included."""
    told = messages(bus, BATCH_FROM)
    told[3] = Message(SUBJECT, bytes(bus.nc.max_payload - 10), told[3].msg_id)
    with pytest.raises(PublishRefused, match="the bus takes"):
        await bus.publish_together(told)
    assert bus.nc.stats["reconnects"] == 0
    assert len(await bus.publish_together(told[:3] + told[4:])) == BATCH_FROM - 1
