"""What nats-server's own listener keeps, on the real one."""

from services.mqtt_bridge.trimming import Trimming
from shared import subjects
from tests.integration.mqtt_bridge.conftest import Device, Site, device_client, until

TOPIC = "tagwerk/in/main/goods"


async def kept(site: Site) -> int:
    """Messages on the topic; answers of the bridge come in beside them, whenever it is ready."""
    subject = f"$MQTT.msgs.{TOPIC.replace('/', '.')}"
    info = await site.bus.js.stream_info(subjects.MQTT_STORE, subjects_filter=subject)
    return (info.state.subjects or {}).get(subject, 0)


async def settled(site: Site) -> bool:
    """Whether every subscription that is there has answered for all that it got."""
    subscriptions = await site.bus.js.consumers_info(subjects.MQTT_STORE)
    return not any(one.num_ack_pending for one in subscriptions)


async def test_what_all_have_is_removed_and_what_one_still_misses_is_kept(
    site: Site, device: Device, database_name: str
) -> None:
    await site.bus.js.purge_stream(subjects.MQTT_STORE)
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
    assert await trimming.trim()
    assert await kept(site) == 0

    async with device_client(
        site.broker_urls["device"], fifth=False, name=away, clean_session=False
    ) as client:
        await client.subscribe(TOPIC, qos=1)
    for number in range(5, 8):
        await device.send(TOPIC, {"id": number})
    await site.stored(subjects.EVENTS, "event.message.received", 8)
    assert await trimming.trim()
    assert await kept(site) == 3
    async with device_client(
        site.broker_urls["device"], fifth=False, name=away, clean_session=False
    ) as client:
        heard = {(await anext(client.messages)).payload for _ in range(3)}
        assert heard == {b'{"id": %d}' % number for number in (5, 6, 7)}
    await until(lambda: settled(site), "all acknowledgements have been heard")
    assert await trimming.trim()
    assert await kept(site) == 0
    for name in (away, idle):
        await forget(site, name)


async def forget(site: Site, name: str) -> None:
    """End a session for good, so that it holds nothing back in other tests of this server."""
    async with device_client(site.broker_urls["device"], fifth=False, name=name, clean_session=True):
        pass
