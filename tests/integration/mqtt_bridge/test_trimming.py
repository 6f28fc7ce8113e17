"""What nats-server's own listener keeps, on the real one."""

import asyncio

from services.mqtt_bridge.trimming import Trimming
from shared import subjects
from tests.integration.mqtt_bridge.conftest import Device, Site, device_client, until

TOPIC = "tagwerk/in/main/goods"


async def kept(site: Site) -> int:
    """Messages on `TOPIC`; the bridge's answers come among them when they come."""
    subject = f"$MQTT.msgs.{TOPIC.replace('/', '.')}"
    info = await site.bus.js.stream_info(subjects.MQTT_STORE, subjects_filter=subject)
    return (info.state.subjects or {}).get(subject, 0)


async def trim_twice(trimming: Trimming) -> None:
    """What is there at one look is removed at the next."""
    assert await trimming.trim()
    assert await trimming.trim()


async def settled(site: Site) -> bool:
    """Whether every subscription that is there has answered for all that it got."""
    subscriptions = await site.bus.js.consumers_info(subjects.MQTT_STORE)
    return not any(one.num_ack_pending for one in subscriptions)


async def forget_those_away(site: Site) -> None:
    """Subscriptions that other tests have left at this server: rightly, they would hold everything back."""
    for one in await site.bus.js.consumers_info(subjects.MQTT_STORE):
        if not one.push_bound:
            await site.bus.js.delete_consumer(subjects.MQTT_STORE, one.name)


async def test_what_all_have_is_removed_and_what_one_still_misses_is_kept(
    site: Site, device: Device, database_name: str
) -> None:
    await site.bus.js.purge_stream(subjects.MQTT_STORE)
    await forget_those_away(site)
    await site.start()
    away = f"w-{database_name[-12:]}"
    idle = f"i-{database_name[-12:]}"
    # One that waits for what never comes holds nothing back.
    async with device_client(
        site.broker_urls["device"], fifth=False, name=idle, clean_session=False
    ) as client:
        await client.subscribe("nobody/tells", qos=1)
    trimming = Trimming(site.bus)
    for number in range(5):
        await device.send(TOPIC, {"id": number})
    await site.stored(subjects.EVENTS, "event.message.received", 5)
    await until(lambda: settled(site), "the bridge's acknowledgements have been heard")
    await trim_twice(trimming)
    assert await kept(site) == 0

    async with device_client(
        site.broker_urls["device"], fifth=False, name=away, clean_session=False
    ) as client:
        await client.subscribe(TOPIC, qos=1)
    for number in range(5, 8):
        await device.send(TOPIC, {"id": number})
    await site.stored(subjects.EVENTS, "event.message.received", 8)
    await trim_twice(trimming)
    assert await kept(site) == 3
    async with device_client(
        site.broker_urls["device"], fifth=False, name=away, clean_session=False
    ) as client:
        # In any order: what was on its way when it went comes again after the others.
        heard: set[object] = set()
        while len(heard) < 3:
            heard.add((await asyncio.wait_for(anext(client.messages), 20)).payload)
        assert heard == {b'{"id": %d}' % number for number in (5, 6, 7)}
    await until(lambda: settled(site), "all acknowledgements have been heard")
    await trim_twice(trimming)
    assert await kept(site) == 0
    for name in (away, idle):
        await forget(site, name)


async def forget(site: Site, name: str) -> None:
    """End a session for good, so that it holds nothing back in other tests of this server."""
    async with device_client(site.broker_urls["device"], fifth=False, name=name, clean_session=True):
        pass
