"""An installation of its own for repetitions of a scenario: a bus, a database, a folder, and services that
come and go."""

import asyncio
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import asyncpg
import nats

from deploy.local.ports import free_port
from services.audit.declaration import DECLARATION as AUDIT
from services.documents.declaration import DECLARATION as DOCUMENTS
from services.gateway.declaration import DECLARATION as GATEWAY
from services.integrations.declaration import DECLARATION as INTEGRATIONS
from services.mqtt_bridge.declaration import DECLARATION as MQTT_BRIDGE
from services.reporting.declaration import DECLARATION as REPORTING
from services.scheduler.declaration import DECLARATION as SCHEDULER
from services.status.declaration import DECLARATION as STATUS
from shared import subjects
from shared.bus import Bus
from shared.files import Files, open_store
from shared.provision import provision
from tests.support.faults.points import Watch, without_ids
from tests.support.lab.declaration import DECLARATION as LAB
from tests.support.nursery import Newborn, Nursery
from tests.support.servers import NatsServer, PostgresServer

DECLARATIONS = {
    declaration.name: declaration
    for declaration in (
        GATEWAY,
        SCHEDULER,
        STATUS,
        DOCUMENTS,
        INTEGRATIONS,
        REPORTING,
        AUDIT,
        MQTT_BRIDGE,
        LAB,
    )
}
#: Seconds after which the work of a dead process is given out again: as short as heartbeats allow.
ACK_WAIT = 0.7
#: Seconds that one repetition may take; a slow machine is no fault.
PATIENCE = 90.0
#: Schemas whose tables are emptied between repetitions and compared after them.
OWN_TABLES = ("gateway", "documents", "integrations", "reporting", "mqtt_bridge", "lab")
#: What says how and not what: not compared.
UNCOMPARED_TABLES = frozenset(
    {
        "migrations", "fences", "principals", "tokens", "rule_files", "report_runs",
        # What is read of streams lags behind them, and tells of the kills themselves.
        "followed", "known_runs", "dead_letters", "watched",
    }
)  # fmt: skip


class Lane:
    """One of the installations that repetitions are spread over. Use as an async context manager."""

    def __init__(self, nursery: Nursery, nats_server: NatsServer, postgres: PostgresServer, folder: Path):
        self._nursery = nursery
        self._nats = nats_server
        self._postgres = postgres
        self._database = ""
        self.folder = folder
        self.token = secrets.token_urlsafe(24)
        self.http_port = free_port()
        self._store = open_store(f"file://{folder}/files")
        self._alive: list[Newborn] = []
        self._tables: list[tuple[str, str]] = []
        self.bus: Bus
        self.db: asyncpg.Connection[asyncpg.Record]

    async def __aenter__(self) -> Self:
        self._database = await asyncio.to_thread(self._postgres.create_database, migrated=False)
        nc = await nats.connect(self._nats.url(), max_reconnect_attempts=-1)
        self.bus = Bus(nc)
        await self.bus.start()
        self.db = await asyncpg.connect(self._postgres.url("owner", self._database))
        (self.folder / "tmp").mkdir()
        self._write_sign_in()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop_all()
        await self.bus.stop()
        await self.bus.nc.close()
        await self.db.close()
        await asyncio.to_thread(self._postgres.drop_database, self._database)

    async def provision(self, services: Iterable[str]) -> None:
        """Make what these services expect of the bus. What nobody listens to would wait for ever."""
        declarations = [DECLARATIONS[service] for service in services]
        await provision(self._nats.url(), declarations, ack_wait=ACK_WAIT)

    async def start(self, service: str, settings: dict[str, str], watch: Watch | None = None) -> Newborn:
        """A process of the service, which is on its way up."""
        values = {
            "NATS_URL": self._nats.url(),
            "DATABASE_URL": self.database_url(service),
            "FILES_URL": f"file://{self.folder}/files",
            "ACK_WAIT": "1.0",
            "CANCEL_GRACE": "0.3",
            "CPU_SLOTS": "1",
            "LOG_LEVEL": "critical",
            "HTTP_PORT": str(self.http_port),
            "SIGN_IN_FILE": str(self.folder / "sign-in.json"),
            **settings,
        }
        environment = {f"TAGWERK_{name}": value for name, value in values.items()}
        environment["TMPDIR"] = str(self.temporary)
        process = await self._nursery.start(service, environment, watch)
        self._alive = [one for one in self._alive if not one.ended.done()] + [process]
        return process

    async def stop_all(self) -> None:
        for process in self._alive:
            await process.end()
        self._alive.clear()

    async def ready(self, service: str) -> None:
        """Wait until a process of the service takes up work."""
        await self.until(lambda: self._answers(service), f"{service} ready")

    async def _answers(self, service: str) -> bool:
        try:
            answer = await self.bus.nc.request(subjects.health(service), timeout=0.5)
        except (nats.errors.Error, TimeoutError):
            return False
        return bool(json.loads(answer.data)["ready"])

    @property
    def temporary(self) -> Path:
        """Where services keep temporary files."""
        return self.folder / "tmp"

    def files(self, client: str) -> Files:
        return Files(self._store, client)

    def database_url(self, service: str) -> str:
        return self._postgres.service_url(service, self._database)

    def _write_sign_in(self) -> None:
        content = {
            "principal": "admin",
            "token_sha256": hashlib.sha256(self.token.encode()).hexdigest(),
            "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        }
        (self.folder / "sign-in.json").write_text(json.dumps(content))

    async def leftovers(self, service: str, settings: dict[str, str]) -> list[str]:
        """Temporary files that stay although the service has started again, a day later."""
        for path in self.temporary.iterdir():
            long_ago = time.time() - 25 * 3600
            os.utime(path, (long_ago, long_ago))
        process = await self.start(service, settings)
        await self.ready(service)
        await process.end()
        return sorted(without_ids(path.name) for path in self.temporary.iterdir())

    async def until(
        self, condition: "Callable[[], Coroutine[Any, Any, bool]]", what: str, timeout: float = PATIENCE
    ) -> None:
        deadline = time.monotonic() + timeout
        while not await condition():
            assert time.monotonic() < deadline, f"{what}: not within {timeout:g} s"
            await asyncio.sleep(0.05)

    async def tables(self) -> list[tuple[str, str]]:
        """Schema and name of the tables that repetitions fill. They are all there when services are."""
        if self._tables:
            return self._tables
        rows = await self.db.fetch(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema = any($1) order by 1, 2",
            list(OWN_TABLES),
        )
        self._tables = [(row[0], row[1]) for row in rows if row[1] not in UNCOMPARED_TABLES]
        return self._tables

    async def has_unsent(self) -> bool:
        """Whether a row lies in an outbox."""
        outboxes = [
            f"select from {schema}.outbox" for schema, table in await self.tables() if table == "outbox"
        ]
        return bool(await self.db.fetchval(f"select exists({' union all '.join(outboxes)})"))

    async def empty_tables(self) -> None:
        names = [f"{schema}.{table}" for schema, table in await self.tables()]
        if names:
            await self.db.execute(f"truncate {', '.join(names)} cascade")
