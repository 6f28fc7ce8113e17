"""The adapter to the broker, on its own: when it acknowledges, as whom it signs in, and what is spooled."""

import asyncio
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiomqtt
import nats
import pytest
from nats.errors import Error as NatsError

from deploy.local.mqtt import Device as ListenerUser
from services.mqtt_bridge.broker import Broker, read_address
from services.mqtt_bridge.messages import Arrived
from shared import subjects
from shared.errors import TagwerkError
from tests.conftest import MakeNatsServer
from tests.integration.mqtt_bridge.conftest import BROKERS, Device, Site, device_client, until
from tests.support.mosquitto import BINARY, MISSING, Mosquitto


@pytest.mark.parametrize("kind", BROKERS, indirect=True)
async def test_a_message_that_was_not_stored_comes_again(site: Site, device: Device) -> None:
    """A broker sends again what was not acknowledged, so this fails where paho does it too early."""
    settings = site.settings()
    assert settings.mqtt_url is not None
    topic = f"tagwerk/in/main/{secrets.token_hex(8)}"
    address = read_address(
        settings.mqtt_url, ca_file=None, version=settings.mqtt_version, client_id=settings.mqtt_client_id
    )
    stuck: list[Arrived] = []
    stored: list[Arrived] = []
    connected = asyncio.Event()

    async def never(message: Arrived) -> None:
        stuck.append(message)
        await asyncio.Event().wait()

    async def at_once(message: Arrived) -> None:
        stored.append(message)

    def told(why_not: str | None) -> None:
        if why_not is None:
            connected.set()

    first = asyncio.create_task(Broker(address, [topic], never, payload_limit=100, told=told).run())
    await asyncio.wait_for(connected.wait(), 20)
    await device.send(topic, b"one")
    await until(lambda: len(stuck) == 1, "taken and not stored")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    for _ in range(2):
        again = asyncio.create_task(Broker(address, [topic], at_once, payload_limit=100, told=told).run())
        await until(lambda: bool(stored), "sent again")
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)
    assert {message.payload for message in stored} == {b"one"}


@pytest.mark.parametrize("kind", ["mosquitto-3.1.1"], indirect=True)
async def test_states_and_answers_wait_while_the_broker_is_away(
    site: Site, device: Device, mosquitto: Mosquitto
) -> None:
    service = await site.start()
    mosquitto.stop()
    await until(lambda: service.trouble is not None, "the connection is missed")
    assert service.trouble is not None
    assert service.trouble.code == "mqtt_broker_unavailable"
    arrived = Arrived(
        topic="tagwerk/in/main/records", text='{"id": 1, "count": 1}', received_at=datetime.now(UTC)
    )
    await site.bus.publish(subjects.ingress("records"), arrived.encode())
    await site.stored(subjects.RUNS, "run.lab.records.>", 1)
    # Not even the bridge has to live on: what it was to tell lies in the streams.
    await site.stop()
    mosquitto.start()
    async with device_client(site.broker_urls["device"], fifth=False, name="later") as client:
        later = Device(client, fifth=False)
        listening = asyncio.create_task(later.listen())
        await later.subscribe("tagwerk/answers/main/#")
        await site.start()
        assert (await later.answer("tagwerk/answers/main/records"))["ok"]
        # Who comes after it was told hears it, too: it is retained.
        await later.subscribe("tagwerk/out/main/#")
        assert (await later.answer("tagwerk/out/main/lab/records/last"))["state"] == "queued"
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mqtt://127.0.0.1", "no user and password"),
        ("mqtt://user@127.0.0.1", "no user and password"),
        ("mqtt://user:pw@broker.example", "unencrypted"),
        ("http://user:pw@127.0.0.1", "mqtt://"),
        ("mqtt://user:pw@127.0.0.1:x", "port"),
    ],
)
def test_nobody_connects_without_a_name_or_unencrypted(url: str, says: str) -> None:
    with pytest.raises(TagwerkError) as refused:
        read_address(url, ca_file=None, version="5", client_id="b")
    assert refused.value.failure.code == "mqtt_address_invalid"
    assert says in refused.value.failure.cause


@pytest.mark.skipif(BINARY is None, reason=MISSING)
async def test_over_tls_a_broker_is_believed_by_its_certificate_only(tmp_path: Path) -> None:
    server = Mosquitto(tmp_path / "tls", tls=True)
    server.start()
    heard: list[str | None] = []

    async def nothing(message: Arrived) -> None:
        raise AssertionError("nobody sends anything")

    try:
        for ca_file, good in ((server.ca_file, True), (None, False)):
            address = read_address(server.url("bridge"), ca_file=ca_file, version="5", client_id="b")
            heard.clear()
            task = asyncio.create_task(Broker(address, [], nothing, payload_limit=1, told=heard.append).run())
            await until(lambda: bool(heard), "connected, or not")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert (heard[0] is None) is good, heard
    finally:
        server.stop()


async def test_a_device_of_the_local_stack_does_no_more_than_its_rules_say(
    make_nats_server: MakeNatsServer,
) -> None:
    server = make_nats_server()
    device = ListenerUser("pw", ("tagwerk.in.main.x",), ("$MQTT.sub.>", "tagwerk.answers.main.x"))
    server.config = replace(server.config, devices={"scale": device})
    server.restart()
    host, port = server.mqtt_address
    admin = f"mqtt://admin:{server.config.users['admin'].password}@{host}:{port}"
    async with (
        device_client(admin, fifth=False, name="all") as everything,
        device_client(f"mqtt://scale:pw@{host}:{port}", fifth=False, name="scale") as scale,
    ):
        listener = Device(everything, fifth=False)
        listening = asyncio.create_task(listener.listen())
        await listener.subscribe("tagwerk/#")
        await listener.subscribe(f"ingress/mqtt/{subjects.INGRESS.lower()}")
        for topic in (
            "tagwerk/in/main/other",
            f"ingress/mqtt/{subjects.INGRESS.lower()}",
            "tagwerk/in/main/x",
        ):
            await scale.publish(topic, b"1", qos=1)
        await until(lambda: bool(listener.on("tagwerk/in/main/x")), "heard")
        assert [str(message.topic) for message in listener.heard] == ["tagwerk/in/main/x"]
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client(host, port, identifier="nobody"):
            pass
    # On the bus it would hear by the server's own subjects what is told to all others.
    with pytest.raises(NatsError, match=r"(?i)authorization violation"):
        await nats.connect(
            f"nats://scale:pw@{host}:{server.config.port}", allow_reconnect=False, error_cb=_unheard
        )


async def _unheard(_: Exception) -> None:
    """What it is told comes out of `connect`, too."""
