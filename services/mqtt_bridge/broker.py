"""The connection to the broker: the one place that knows aiomqtt and paho.

aiomqtt acknowledges a message when it is in its queue, which is too early: a kill would lose it. paho can
leave that to us, if it is told so before it connects; aiomqtt has no call for it. Each connection has a
client of its own, since what paho holds for an old one would be sent twice.
"""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import aiomqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from services.mqtt_bridge.messages import Arrived, payload_fields
from shared.cancelling import end_if_cancelled
from shared.errors import Failure, TagwerkError
from shared.tls import FileContext

log = structlog.get_logger(__name__)

#: Seconds between two attempts to connect: doubled each time, up to the second.
_PAUSE: Final = (0.2, 15.0)
#: Messages of which the storing is under way; the broker sends no more until some are acknowledged.
_AT_ONCE: Final = 1000
#: Seconds that a broker has to acknowledge what is published.
_TIMEOUT: Final = 10.0
#: Days for which a broker keeps the session, with what arrives meanwhile, while we are away (MQTT 5).
_SESSION: Final = 14 * 86_400

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is, and as whom we sign in there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: ssl.SSLContext | None
    #: 4 is MQTT 3.1.1.
    version: aiomqtt.ProtocolVersion
    #: The broker keeps messages for this name while we are away; two connections cannot share one.
    client_id: str

    @property
    def shown(self) -> str:
        return f"{self.host}:{self.port}"


def read_address(
    url: str, *, ca_file: Path | None, version: str, client_id: str, setting: str = "TAGWERK_MQTT_URL"
) -> Address:
    """`setting` is where the address stands. Raises `mqtt_address_invalid`: no anonymous access, and
    passwords only encrypted over a network."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise _wrong(setting, f"its port is none: {error}") from error
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise _wrong(setting, "it has to be mqtt://user:password@host:port, or mqtts:// with TLS")
    if not parts.username or not parts.password:
        raise _wrong(setting, "it names no user and password, and there is no anonymous access")
    tls = None
    if parts.scheme == "mqtts":
        try:
            tls = FileContext.client(ca_file)
        except TagwerkError as error:
            raise _wrong(setting, error.failure.cause) from error
    elif parts.hostname not in _LOOPBACK:
        raise _wrong(setting, f"to {parts.hostname} the password would go unencrypted; use mqtts://")
    return Address(
        host=parts.hostname,
        port=port or (8883 if tls else 1883),
        user=unquote(parts.username),
        password=unquote(parts.password),
        tls=tls,
        version=aiomqtt.ProtocolVersion.V5 if version == "5" else aiomqtt.ProtocolVersion.V311,
        client_id=client_id,
    )


def _wrong(setting: str, cause: str) -> TagwerkError:
    return TagwerkError(
        "mqtt_address_invalid",
        f"the broker cannot be reached by {setting}: {cause}",
        concern=setting,
        next_step="Correct the setting (docs/operations.md), then start the service again.",
    )


def no_connection(address: Address, why: str) -> Failure:
    """What the bridge tells with its health while the broker is away."""
    return Failure(
        code="mqtt_broker_unavailable",
        cause=f"no connection to the MQTT broker at {address.shown}: {why}",
        concern=address.shown,
        next_step="Check that the broker runs and takes the user's password; the bridge tries again by"
        " itself. What it was to tell waits.",
        retryable=True,
    )


class Broker:
    """Keeps a connection, hands in what arrives, and publishes until the broker has it."""

    def __init__(
        self,
        address: Address,
        filters: Sequence[str],
        store: Callable[[Arrived], Awaitable[None]],
        *,
        payload_limit: int,
        told: Callable[[str | None], None],
        will: Callable[[], aiomqtt.Will] | None = None,
    ) -> None:
        """A message is acknowledged once `store` has returned. `told` hears why there is no connection, and
        None when there is one. `will` makes what the broker tells when this connection is lost."""
        self._address = address
        self._filters = filters
        self._store = store
        self._payload_limit = payload_limit
        self._client: aiomqtt.Client | None = None
        self._told = told
        self._will = will
        self._connected = asyncio.Event()
        #: Done when the connection is lost.
        self._lost: asyncio.Future[None]
        self._stopped = False

    async def run(self) -> None:
        """Until cancelled: connect, receive; connect again."""
        try:
            await self._keep_connected()
        finally:
            # Whoever still waits to publish ends, too: its message is handed out again.
            self._stopped = True
            self._connected.set()

    async def _keep_connected(self) -> None:
        pause = _PAUSE[0]
        while True:
            self._client = None
            try:
                await self._serve()
            except (aiomqtt.MqttError, OSError) as error:
                # Where the farewell failed there is no reason to come back.
                end_if_cancelled()
                self._told(str(error))
                log.warning("no connection to the broker", broker=self._address.shown, why=str(error))
            # Right after a good connection the next attempt is soon.
            pause = _PAUSE[0] if self._client else min(pause * 2, _PAUSE[1])
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  (no secret)

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, correlation: bytes | None = None
    ) -> None:
        """Returns when the broker has acknowledged it, however long that takes."""
        properties = None
        if correlation is not None and self._address.version == aiomqtt.ProtocolVersion.V5:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = correlation
        while True:
            await self._connected.wait()
            if self._stopped:
                raise asyncio.CancelledError
            client, lost = self._client, self._lost
            assert client is not None, "set before the event"
            sent = asyncio.ensure_future(
                client.publish(topic, payload, qos=1, retain=retain, properties=properties, timeout=_TIMEOUT)
            )
            try:
                await asyncio.wait({sent, lost}, return_when=asyncio.FIRST_COMPLETED)
                if sent.done():
                    sent.result()
                    return
            except aiomqtt.MqttError as error:
                log.warning("a message could not be published yet", topic=topic, why=str(error))
                await asyncio.sleep(_PAUSE[0])
            finally:
                sent.cancel()

    async def _serve(self) -> None:
        client = self._new_client()
        tasks: set[asyncio.Task[None]] = set()
        room = asyncio.Semaphore(_AT_ONCE)
        async with client:
            for filter in self._filters:
                await client.subscribe(filter, qos=1, timeout=_TIMEOUT)
            # aiomqtt waits by `wait_for`.
            end_if_cancelled()
            self._client, self._lost = client, asyncio.get_running_loop().create_future()
            self._connected.set()
            self._told(None)
            log.info("connected to the broker", broker=self._address.shown, subscriptions=len(self._filters))
            try:
                async for message in client.messages:
                    await room.acquire()
                    task = asyncio.create_task(self._take(client, message))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                    task.add_done_callback(lambda _: room.release())
            finally:
                self._connected.clear()
                self._lost.set_result(None)
                # Not acknowledged, so they come again; stored twice at worst, and recognized.
                for task in tasks:
                    task.cancel()

    async def _take(self, client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        arrived = _arrived(message, self._payload_limit)
        while True:
            try:
                await self._store(arrived)
                break
            except TagwerkError as error:
                log.warning("a message waits to be stored", topic=arrived.topic, why=str(error))
                await asyncio.sleep(1)
        client._client.ack(message.mid, message.qos)

    def _new_client(self) -> aiomqtt.Client:
        address = self._address
        fifth = address.version == aiomqtt.ProtocolVersion.V5
        properties = None
        if fifth:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = _SESSION
            properties.ReceiveMaximum = _AT_ONCE
        client = aiomqtt.Client(
            address.host,
            address.port,
            username=address.user,
            password=address.password,
            identifier=address.client_id,
            protocol=address.version,
            # The session outlives the connection: what arrives while we are away waits at the broker.
            clean_session=None if fifth else False,
            clean_start=False if fifth else 3,
            properties=properties,
            tls_context=address.tls,
            timeout=_TIMEOUT,
            keepalive=20,
            will=None if self._will is None else self._will(),
        )
        client._client.manual_ack_set(True)
        return client


def _arrived(message: aiomqtt.Message, limit: int) -> Arrived:
    payload = message.payload
    assert isinstance(payload, bytes), "received payloads are bytes"
    too_large = len(payload) > limit
    properties: Any = message.properties
    correlation = getattr(properties, "CorrelationData", None)
    return Arrived(
        topic=str(message.topic),
        received_at=datetime.now(UTC),
        response_topic=getattr(properties, "ResponseTopic", None),
        correlation_hex=None if correlation is None else correlation.hex(),
        retained=message.retain,
        too_large=len(payload) if too_large else None,
        **({} if too_large else payload_fields(payload)),
    )
