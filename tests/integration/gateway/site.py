"""A running Tagwerk for tests of the gateway: services in this process, the gateway over real HTTP."""

import asyncio
import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import nats

from deploy.local.ports import free_port
from services.audit.app import build as build_audit
from services.audit.declaration import DECLARATION as AUDIT
from services.documents.app import build as build_documents
from services.documents.declaration import DECLARATION as DOCUMENTS
from services.gateway.app import build as build_gateway
from services.gateway.declaration import DECLARATION as GATEWAY
from services.gateway.server import Server
from services.integrations.app import build as build_integrations
from services.integrations.declaration import DECLARATION as INTEGRATIONS
from services.reporting.app import build as build_reporting
from services.reporting.declaration import DECLARATION as REPORTING
from services.scheduler.app import build as build_scheduler
from services.scheduler.declaration import DECLARATION as SCHEDULER
from services.status.app import build as build_status
from services.status.declaration import DECLARATION as STATUS
from shared import subjects
from shared.access import Access
from shared.audit import AuditEntry
from shared.bus import Bus
from shared.catalogue import catalogue
from shared.http_server import listen
from shared.jobs import CatalogueEntry
from shared.provision import provision
from shared.service import Service
from shared.settings import Settings
from shared.words import Kind, Level
from tests.support.lab.app import build as build_lab
from tests.support.lab.declaration import DECLARATION as LAB
from tests.support.nursery import Newborn, Nursery, environment_of
from tests.support.plain_http import NO_AUTHORITIES
from tests.support.servers import PostgresServer

BUILDERS: dict[str, Callable[[Settings], Service]] = {
    "lab": build_lab,
    "scheduler": build_scheduler,
    "status": build_status,
    "documents": build_documents,
    "integrations": build_integrations,
    "reporting": build_reporting,
    "audit": build_audit,
}

#: Runs of the laboratory need what its declaration says.
TESTER = "tester"


#: Roles that principals may have before any service has told which of its jobs ask for them.
ROLES = (
    TESTER, "accounting", "clerk", "desk-viewer", "engineer", "operator", "trustee", "uploader",
    "bank-viewer", "documents-viewer", "payments-viewer", "rates-viewer", "bookings-viewer", "reports-viewer",
    "agents-viewer",
)  # fmt: skip


class Site:
    """Bus and database, the gateway, and whichever services a test starts beside it."""

    def __init__(
        self,
        bus_url: str,
        postgres: PostgresServer,
        database: str,
        folder: Path,
        nursery: Nursery | None = None,
    ) -> None:
        """`nursery` is asked for processes."""
        self.bus_url = bus_url
        self._postgres = postgres
        self._database = database
        self.folder = folder
        self.sign_in_file = folder / "sign-in.json"
        self._policy_file = folder / "roles.toml"
        self._policy_file.write_text("[roles]\n" + "".join(f"{role} = []\n" for role in ROLES))
        self.admin_token = secrets.token_urlsafe(24)
        self.port = free_port()
        self.bus: Bus
        self.server: Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._services: list[Service] = []
        self._clients: list[httpx.AsyncClient] = []
        self._nursery = nursery
        self._processes: list[Newborn] = []

    async def __aenter__(self) -> "Site":
        await provision(
            self.bus_url,
            [GATEWAY, LAB, SCHEDULER, STATUS, DOCUMENTS, INTEGRATIONS, REPORTING, AUDIT],
            ack_wait=2.0,
        )
        nc = await nats.connect(self.bus_url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
        self.bus = Bus(nc)
        await self.bus.start()
        self.write_sign_in(self.admin_token)
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self._processes:
            await process.end()
        await asyncio.gather(*(client.aclose() for client in self._clients))
        await self.stop_gateway()
        for service in self._services:
            await service.stop()
        await self.bus.stop()
        await self.bus.nc.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def database_url(self, service: str) -> str:
        return self._postgres.service_url(service, self._database)

    def settings(self, service: str = "gateway", **changes: Any) -> Settings:
        values: dict[str, Any] = {
            "nats_url": self.bus_url,
            "database_url": self.database_url(service),
            "files_url": f"file://{self.folder}/files",
            "ack_wait": 2.0,
            "cancel_grace": 0.3,
            "log_level": "warning",
            "http_port": self.port,
            "sign_in_file": self.sign_in_file,
            "policy_file": self._policy_file,
            "upload_limit": 1_000_000,
        }
        return Settings(**{**values, **changes})

    def write_sign_in(self, token: str, *, days: float = 30, principal: str = "admin") -> None:
        content = {
            "principal": principal,
            "token_sha256": hashlib.sha256(token.encode()).hexdigest(),
            "expires_at": (datetime.now(UTC) + timedelta(days=days)).isoformat(),
        }
        new = self.sign_in_file.with_suffix(".new")
        new.write_text(json.dumps(content))
        new.replace(self.sign_in_file)

    async def start_gateway(self, **changes: Any) -> None:
        self.server = build_gateway(self.settings(**changes))
        # Signals are pytest's here.
        self.server.capture_signals = contextlib.nullcontext  # type: ignore[assignment,method-assign]
        listener = listen("127.0.0.1", self.port, settings="another port")
        self._serving = asyncio.create_task(self.server.serve(sockets=[listener]))
        while not self.server.started:
            assert not self._serving.done(), self._serving.exception()
            await asyncio.sleep(0.01)

    async def stop_gateway(self) -> None:
        if self.server is not None and self._serving is not None:
            self.server.should_exit = True
            await self._serving
            self.server = None

    async def start(self, *names: str, **changes: Any) -> None:
        for name in names:
            service = BUILDERS[name](self.settings(name, **changes))
            await service.start()
            self._services.append(service)

    async def spawn_gateway(self, *python: str, **changes: Any) -> Newborn:
        """The gateway as a process of its own, which a test may kill. `python` instead of `-m …`."""
        assert self._nursery is not None
        environment = environment_of(self.settings(**changes))
        process = await self._nursery.run(python or ("-m", "services.gateway"), environment)
        self._processes.append(process)
        return process

    def client(self, token: str | None = None, **options: Any) -> httpx.AsyncClient:
        """Speaks to the gateway; None for nobody's token."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        client = httpx.AsyncClient(
            base_url=f"{self.url}/api/v1", headers=headers, timeout=20, verify=NO_AUTHORITIES, **options
        )
        self._clients.append(client)
        return client

    @property
    def admin(self) -> httpx.AsyncClient:
        return self.client(self.admin_token)

    async def user(
        self, id: str, *, roles: tuple[str, ...] = (), clients: tuple[str, ...] = ("alpha",)
    ) -> httpx.AsyncClient:
        """A principal with a token of their own, made through the API."""
        body = {"name": id.title(), "roles": list(roles), "clients": list(clients)}
        made = await self.admin.put(f"/principals/{id}", json=body)
        assert made.status_code == 200, made.text
        issued = await self.admin.post("/tokens", json={"principal": id, "name": "test"})
        assert issued.status_code == 201, issued.text
        return self.client(issued.json()["token"])

    async def offer(self, id: str, **changes: Any) -> CatalogueEntry:
        """Put a job into the catalogue that no service works on."""
        entry = CatalogueEntry(
            **{
                "id": id, "service": id.split(".")[0], "title": id, "description": "For a test.",
                "kind": Kind.PROCESSING, "owner": "Tests",
                "access": Access(module="desk", level=Level.GENERAL, roles=frozenset({"clerk"})),
                "expected_runtime": 1, "timeout": 60, "retry": "never", "safe_to_repeat": True,
                "repeat": "it does nothing", "systems": [], "output": "nothing",
                "expected_result": "nothing", "logs": "none", "troubleshooting": "docs/jobs/none.md",
                "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
                "software_version": "0.0.1", **changes,
            }
        )  # fmt: skip
        await catalogue(self.bus).put(id, entry)
        if self.server is None and not self._processes:
            return entry
        await self.knows(id)
        return entry

    async def knows(self, job: str) -> None:
        """Wait until the gateway has seen the job in the catalogue, at which it looks now and then."""
        admin = self.admin
        async with asyncio.timeout(30):
            while (await admin.get(f"/jobs/{job}")).status_code == 404:  # noqa: ASYNC110  (nobody tells)
                await asyncio.sleep(0.05)

    async def audits(self, action: str = "*") -> list[AuditEntry]:
        found = await self.bus.read(subjects.AUDIT, f"audit.{action}")
        return [AuditEntry.model_validate_json(message.data) for message in found]

    async def audited(self, action: str, count: int = 1) -> list[AuditEntry]:
        """Wait for so many entries."""
        for _ in range(1500):
            found = await self.audits(action)
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"only {len(found)} entries {action}")


async def answering(client: httpx.AsyncClient, path: str = "/me", timeout: float = 20) -> None:
    """Wait until the gateway answers."""
    async with asyncio.timeout(timeout):
        while True:
            with contextlib.suppress(httpx.TransportError):
                await client.get(path)
                return
            await asyncio.sleep(0.05)
