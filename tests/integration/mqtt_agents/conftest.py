"""A customer's network with an agent as a process, a broker, the bridge and the integrations service."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import aiomqtt
import nats
import pytest

from services.integrations.app import build as build_integrations
from services.integrations.declaration import DECLARATION as INTEGRATIONS
from services.mqtt_bridge.app import build as build_bridge
from services.mqtt_bridge.declaration import DECLARATION as BRIDGE
from services.scheduler.app import build as build_scheduler
from services.scheduler.declaration import DECLARATION as SCHEDULER
from shared import subjects
from shared.bus import Bus
from shared.commands import AgentRow, AgentsPage, AgentsQuery
from shared.errors import TagwerkError
from shared.events import Requested, decode_run_event
from shared.ids import new_id
from shared.provision import provision
from shared.requests import request_run
from shared.service import Service
from shared.settings import Settings
from shared.subjects import RunSubjects
from shared.words import Lane, Trigger
from tests.integration.mqtt_bridge.conftest import mosquitto, until
from tests.support.engine import Told
from tests.support.mosquitto import Mosquitto
from tests.support.nursery import Newborn, Nursery, environment_of
from tests.support.servers import NatsServer, PostgresServer

__all__ = ["mosquitto"]

JOB = "integrations.mqtt-agent-action"
#: Seconds after which the work of a dead process is given out again.
ACK_WAIT = 1.0

FILE = """
name = "office"
client = "main"
journal = "journal.sqlite"

[broker]
url = "{url}"
user = "{user}"
password = {{ env = "AGENT_PASSWORD" }}

[[action]]
name = "open-orders"
title = "Open orders"
kind = "sql"
database = {{ file = "database" }}
query = "select number, customer, amount from orders where customer = :customer or :customer is null"
parameters = [{{ name = "customer", required = false }}]
row_limit = 2000

[[action]]
name = "letters"
title = "Letters that came in"
kind = "files"
folder = "letters"
pattern = "*.txt"
settled = 0
file_limit = 500000

[[action]]
name = "close-order"
title = "Close an order"
kind = "http"
method = "POST"
url = "http://127.0.0.1:{http}/orders/{{number}}/close"
parameters = [{{ name = "number", type = "integer" }}]
timeout = 20
"""


class LocalSystem:
    """A system in the customer's network that closes orders; it can be made to think about it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self._server: asyncio.Server
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.answers.set()
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(head.decode().splitlines()[0])
            await self.answers.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nclosed")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            # The agent was killed.
            pass
        finally:
            writer.close()


class Network:
    """What a test may do with all of it."""

    def __init__(
        self,
        bus: Bus,
        settings: dict[str, dict[str, Any]],
        nursery: Nursery,
        folder: Path,
        broker: aiomqtt.Client,
    ) -> None:
        self.bus = bus
        self._settings = settings
        self._nursery = nursery
        self.folder = folder
        self.broker = broker
        self.local = LocalSystem()
        self.running: dict[str, Service] = {}
        self.processes: list[Newborn] = []

    async def start(self, name: str) -> Service:
        builds = {
            "integrations": build_integrations, "mqtt_bridge": build_bridge, "scheduler": build_scheduler,
        }  # fmt: skip
        service = builds[name](Settings(**self._settings[name]))
        await service.start()
        self.running[name] = service
        return service

    async def stop(self, name: str) -> None:
        await self.running.pop(name).stop()

    async def spawn(self, name: str) -> Newborn:
        """A service as a process, which may be killed."""
        process = await self._nursery.start(name, environment_of(Settings(**self._settings[name])))
        self.processes.append(process)
        return process

    async def start_agent(self) -> Newborn:
        """The agent, once it is known to be there."""
        before = await self.agent()
        process = await self.spawn_agent()

        async def heard() -> bool:
            now = await self.agent()
            return now is not None and now.there and (before is None or now.seen_at > before.seen_at)

        await until(heard, "the agent is there")
        return process

    async def spawn_agent(self) -> Newborn:
        process = await self._nursery.run(
            ["-m", "services.mqtt_bridge.agent", str(self.folder / "agent.toml")],
            {"AGENT_PASSWORD": self._settings["agent"]["password"]},
        )
        self.processes.append(process)
        return process

    async def agent(self) -> AgentRow | None:
        subject = subjects.query("integrations", "agents")
        try:
            page = await self.bus.ask(subject, AgentsQuery(), AgentsPage, timeout=10)
        except TagwerkError as error:
            if error.failure.code != "service_unavailable":
                raise
            # The service is starting.
            return None
        return page.items[0] if page.items else None

    async def request(
        self, action: str, *, dry_run: bool = False, within: int = 30, **parameters: Any
    ) -> UUID:
        request = Requested(
            run_id=new_id(), job=JOB, client="main", principal="ada", effective_principal="ada",
            trigger=Trigger.MANUAL, dry_run=dry_run,
            parameters={"agent": "office", "action": action, "within": within,
                        "parameters": [f"{name}={value}" for name, value in parameters.items()]},
        )  # fmt: skip
        await request_run(self.bus, request, Lane.INTERACTIVE)
        return request.run_id

    async def told(self, run_id: UUID) -> Told:
        messages = await self.bus.read(subjects.RUNS, RunSubjects(JOB, run_id).all)
        return Told(run_id, [decode_run_event(message.data) for message in messages])

    async def ended(self, run_id: UUID, timeout: float = 60) -> Told:
        async def has_ended() -> bool:
            return (await self.told(run_id)).finished is not None

        await until(has_ended, "the run has ended", timeout=timeout)
        return await self.told(run_id)

    async def run(self, action: str, **more: Any) -> Told:
        return await self.ended(await self.request(action, **more))

    async def events(self, subject: str) -> list[dict[str, Any]]:
        return [json.loads(message.data) for message in await self.bus.read(subjects.EVENTS, subject)]

    async def close(self) -> None:
        for process in self.processes:
            await process.end()
        for name in list(self.running):
            await self.stop(name)
        await self.local.stop()


@pytest.fixture
async def network(
    request: pytest.FixtureRequest, nats_server: NatsServer, bus_url: str, postgres: PostgresServer,
    database_name: str, tmp_path: Path, nursery: Nursery, monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Network]:  # fmt: skip
    """The services run in this process; the agent is not started yet."""
    # What may be on its way is here at once.
    monkeypatch.setattr("services.integrations.agents.store.GRACE", 0.5)
    if getattr(request, "param", "nats-server") == "mosquitto":
        broker: Mosquitto = request.getfixturevalue("mosquitto")
        urls = {user: broker.url(user) for user in ("bridge", "agent-office")}
    else:
        host, port = nats_server.mqtt_address
        users = nats_server.config.users
        urls = {
            "bridge": f"mqtt://mqtt_bridge:{users['mqtt_bridge'].password}@{host}:{port}",
            "agent-office": f"mqtt://gateway:{users['gateway'].password}@{host}:{port}",
        }
    at = urlsplit(urls["agent-office"])
    assert at.hostname is not None
    await provision(bus_url, [BRIDGE, INTEGRATIONS, SCHEDULER], ack_wait=ACK_WAIT)
    bus = Bus(await nats.connect(bus_url, max_reconnect_attempts=-1, reconnect_time_wait=0.1))
    await bus.start()
    (tmp_path / "mqtt.toml").write_text('[[agent]]\nname = "office"\nclient = "main"\n')
    own = {
        name: {
            "nats_url": bus_url,
            "database_url": postgres.url(name, database_name),
            "files_url": f"file://{tmp_path}/files",
            "ack_wait": ACK_WAIT,
            "log_level": "warning",
            "mqtt_url": urls["bridge"],
            "mqtt_rules": str(tmp_path / "mqtt.toml"),
            # A session of its own for each test.
            "mqtt_client_id": f"b-{database_name[-12:]}",
        }
        for name in ("integrations", "mqtt_bridge", "scheduler")
    }
    own["agent"] = {"password": at.password}
    async with aiomqtt.Client(
        at.hostname, at.port or 0, username=at.username, password=at.password
    ) as client:
        network = Network(bus, own, nursery, tmp_path, client)
        await network.local.start()
        (tmp_path / "agent.toml").write_text(
            FILE.format(url=f"mqtt://{at.hostname}:{at.port}", user=at.username, http=network.local.port)
        )
        _make_the_local_world(tmp_path)
        # What the broker retains of the agent of another test is none of this one's.
        await client.publish("tagwerk/agents/main/office/status", b"", qos=1, retain=True)
        await network.start("integrations")
        bridge = await network.start("mqtt_bridge")
        await until(lambda: bridge.trouble is None, "connected to the broker")
        yield network
        await network.close()
        await bus.stop()
        await bus.nc.close()


def _make_the_local_world(folder: Path) -> None:
    (folder / "letters").mkdir()
    (folder / "database").write_text(f"sqlite:///{folder}/orders.sqlite\n")
    with sqlite3.connect(folder / "orders.sqlite") as database:
        database.execute("create table orders (number integer, customer text, amount numeric)")
        database.executemany(
            "insert into orders values (?, ?, ?)",
            [(number, f"customer {number % 2}", f"{number}.50") for number in range(1, 1501)],
        )
    database.close()
