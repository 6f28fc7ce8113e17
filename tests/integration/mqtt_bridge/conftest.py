"""A bridge between a real broker and a real bus, and a device that talks to it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import nats
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from services.mqtt_bridge.app import build
from services.mqtt_bridge.declaration import DECLARATION as BRIDGE
from shared import subjects
from shared.access import Principal
from shared.buckets import Bucket
from shared.bus import Bus
from shared.catalogue import publish_catalogue
from shared.provision import provision
from shared.service import Service
from shared.settings import Settings
from shared.words import PrincipalKind
from tests.support.lab.declaration import DECLARATION as LAB
from tests.support.mosquitto import BINARY, MISSING, Mosquitto
from tests.support.servers import NatsServer, PostgresServer

RULES = """
[[rule]]
name = "records"
topic = "tagwerk/in/main/records"
client = "main"
principal = "device"
idempotency_field = "id"
response_topic = "tagwerk/answers/main/records"
response_prefix = "tagwerk/answers/main"
correlation_field = "id"
start = { job = "lab.records", fields = { count = "count" } }

[[rule]]
name = "scans"
topic = "tagwerk/in/main/scans/+"
client = "main"
principal = "device"
response_topic = "tagwerk/answers/main/scans"
upload = {}

[[rule]]
name = "goods"
topic = "tagwerk/in/main/goods"
client = "main"
principal = "device"
window_minutes = 5
response_topic = "tagwerk/answers/main/goods"
event = { name = "goods-received" }

[[rule]]
name = "foreign"
topic = "tagwerk/in/main/foreign"
client = "other"
principal = "device"
response_topic = "tagwerk/answers/main/foreign"
event = { name = "foreign" }

[states]
prefix = "tagwerk/out"
"""


class Device:
    """A client of the broker that keeps what it hears."""

    def __init__(self, client: aiomqtt.Client, *, fifth: bool) -> None:
        self._client = client
        self._fifth = fifth
        self.heard: list[aiomqtt.Message] = []

    async def listen(self) -> None:
        async for message in self._client.messages:
            self.heard.append(message)

    async def subscribe(self, topic: str) -> None:
        await self._client.subscribe(topic, qos=1)

    async def send(
        self, topic: str, payload: Any, *, answer_to: str | None = None, correlation: bytes = b""
    ) -> None:
        properties = None
        if answer_to is not None:
            assert self._fifth, "response topics are of MQTT 5"
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ResponseTopic, properties.CorrelationData = answer_to, correlation
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        await self._client.publish(topic, body, qos=1, properties=properties)

    async def answer(self, topic: str, number: int = 1) -> dict[str, Any]:
        """The `number`-th message heard on `topic`."""
        await until(lambda: len(self.on(topic)) >= number, f"message {number} on {topic}")
        content = json.loads(self.on(topic)[number - 1].payload)
        assert isinstance(content, dict)
        return content

    def on(self, topic: str) -> list[aiomqtt.Message]:
        return [message for message in self.heard if str(message.topic) == topic]


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str, timeout: float = 20.0) -> None:
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < deadline, f"{what}: not within {timeout:g} s"
        await asyncio.sleep(0.02)


def device_client(url: str, *, fifth: bool, name: str = "a-device", **more: Any) -> aiomqtt.Client:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    version = aiomqtt.ProtocolVersion.V5 if fifth else aiomqtt.ProtocolVersion.V311
    return aiomqtt.Client(
        parts.hostname, parts.port, username=parts.username, password=parts.password, protocol=version,
        identifier=name, **more,
    )  # fmt: skip


class Site:
    """A bus with the bridge's streams, a database, and a broker."""

    def __init__(
        self, bus: Bus, settings: dict[str, Any], broker_urls: dict[str, str], *, fifth: bool, folder: Path
    ) -> None:
        self.bus = bus
        self._settings = settings
        self.broker_urls = broker_urls
        self.fifth = fifth
        self.folder = folder
        self._services: list[Service] = []

    def settings(self, **changes: Any) -> Settings:
        return Settings(**{**self._settings, **changes})

    async def start(self, **changes: Any) -> Service:
        service = build(self.settings(**changes))
        await service.start()
        self._services.append(service)
        # What is sent before the first subscription is nobody's.
        await until(lambda: service.trouble is None, "connected to the broker")
        return service

    async def stop(self) -> None:
        for service in self._services:
            await service.stop()
        self._services.clear()

    async def count(self, stream: str, filter: str) -> int:
        return len(await self.bus.read(stream, filter))

    async def stored(self, stream: str, filter: str, number: int) -> list[dict[str, Any]]:
        """At least `number` messages, decoded."""
        await until(lambda: self._holds(stream, filter, number), f"{number} on {filter}")
        return [json.loads(message.data) for message in await self.bus.read(stream, filter)]

    async def _holds(self, stream: str, filter: str, number: int) -> bool:
        return await self.count(stream, filter) >= number


BROKERS = ["nats-server-3.1.1", "mosquitto-3.1.1", "mosquitto-5"]


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    if BINARY is None:
        pytest.skip(MISSING)
    server = Mosquitto(tmp_path / "mosquitto")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", BROKERS[0]))


@pytest.fixture
async def site(
    request: pytest.FixtureRequest, kind: str, nats_server: NatsServer, bus_url: str,
    postgres: PostgresServer, database_name: str, tmp_path: Path,
) -> AsyncIterator[Site]:  # fmt: skip
    if kind.startswith("mosquitto"):
        server: Mosquitto = request.getfixturevalue("mosquitto")
        urls = {user: server.url(user) for user in server.passwords}
    else:
        host, port = nats_server.mqtt_address
        users = {"bridge": "mqtt_bridge", "device": "admin"}
        urls = {
            who: f"mqtt://{user}:{nats_server.config.users[user].password}@{host}:{port}"
            for who, user in users.items()
        }
    await provision(bus_url, [BRIDGE, LAB], ack_wait=0.7)
    bus = Bus(await nats.connect(bus_url, max_reconnect_attempts=-1, reconnect_time_wait=0.1))
    await bus.start()
    await publish_catalogue(bus, LAB, "0.1.0")
    await Bucket(bus, subjects.PRINCIPALS, Principal).put(
        "device",
        Principal(
            id="device",
            name="A device",
            kind=PrincipalKind.MQTT,
            roles=frozenset({"tester"}),
            clients=frozenset({"main"}),
        ),
    )
    rules = tmp_path / "mqtt.toml"
    rules.write_text(RULES)
    settings = {
        "nats_url": bus_url,
        "database_url": postgres.url("mqtt_bridge", database_name),
        "files_url": f"file://{tmp_path}/files",
        "ack_wait": 1.0,
        "log_level": "warning",
        "mqtt_url": urls["bridge"],
        "mqtt_rules": str(rules),
        "mqtt_version": "5" if kind.endswith("-5") else "3.1.1",
        # A session of its own for each test.
        "mqtt_client_id": f"b-{database_name[-12:]}",
    }
    site = Site(bus, settings, urls, fifth=kind.endswith("-5"), folder=tmp_path)
    yield site
    await site.stop()
    await bus.stop()
    await bus.nc.close()


@pytest.fixture
async def device(site: Site, database_name: str) -> AsyncIterator[Device]:
    client = device_client(site.broker_urls["device"], fifth=site.fifth, name=f"d-{database_name[-12:]}")
    async with client:
        device = Device(client, fifth=site.fifth)
        listening = asyncio.create_task(device.listen())
        yield device
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
