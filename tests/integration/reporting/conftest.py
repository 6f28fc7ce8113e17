"""The reporting service on a real bus, database and mail server."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import nats
import pytest

from services.reporting.app import build
from services.reporting.day import Today
from services.reporting.declaration import DECLARATION
from services.scheduler.app import build as build_scheduler
from services.scheduler.declaration import DECLARATION as SCHEDULER
from shared import subjects
from shared.bus import Bus
from shared.events import BusinessEventBase, InvoiceAnalysed, Requested, decode_run_event
from shared.ids import new_id
from shared.provision import provision
from shared.requests import request_run
from shared.service import Service
from shared.settings import Settings
from shared.subjects import RunSubjects
from shared.words import Lane, Trigger
from tests.support.engine import Told
from tests.support.mail_catcher import Catcher, catching
from tests.support.midday import midday_zone
from tests.support.servers import PostgresServer

JOB = "reporting.due-date-report"
ACK_WAIT = 1.5
ZONE = midday_zone()
DOCUMENTS = UUID("5f0e3f0a-5a3b-4b52-9a26-0a4f5d2c9b11")


class Installation:
    """The service, and what others would tell it and ask of it."""

    def __init__(self, bus_url: str, database: Callable[[str], str], folder: Path, catcher: Catcher) -> None:
        self.bus_url = bus_url
        self._database = database
        self.folder = folder
        self.catcher = catcher
        self._services: list[Service] = []
        self.bus: Bus

    async def __aenter__(self) -> "Installation":
        await self.provision()
        self.bus = Bus(await nats.connect(self.bus_url))
        await self.bus.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for service in self._services:
            await service.stop()
        await self.bus.stop()
        await self.bus.nc.close()

    def settings(self, name: str = "reporting", **changes: Any) -> Settings:
        values: dict[str, Any] = {
            "nats_url": self.bus_url,
            "database_url": self._database(name),
            "files_url": f"file://{self.folder}/files",
            "ack_wait": ACK_WAIT,
            "log_level": "error",
            "time_zone": ZONE,
            "smtp_url": self.catcher.url,
            "mail_from": "Tagwerk <tagwerk@example.com>",
            "reports_folder": self.folder / "reports",
        }
        return Settings(**{**values, **changes})

    async def start(self, *, scheduler: bool = True, **changes: Any) -> None:
        """Start service and scheduler. The scheduler's watch closes what a test only says that it noticed."""
        others = (("scheduler", build_scheduler),) if scheduler else ()
        for name, builder in (("reporting", build), *others):
            service = builder(self.settings(name, **changes))
            await service.start()
            self._services.append(service)

    @property
    def service(self) -> Service:
        return next(service for service in self._services if service.name == "reporting")

    async def stop(self) -> None:
        """Stop service and scheduler."""
        while self._services:
            await self._services.pop().stop()

    async def provision(self) -> None:
        """Make the streams that are missing."""
        await provision(self.bus_url, [DECLARATION, SCHEDULER], ack_wait=ACK_WAIT)

    async def tell(self, event: BusinessEventBase) -> None:
        """Publish an event, as another service does."""
        kind: str = event.type  # type: ignore[attr-defined]  # declared by every concrete event
        await self.bus.publish(kind, event.encode(), msg_id=str(event.id))

    async def invoice(self, number: int, *, days: int, client: str = "acme", **values: str) -> None:
        """Tell of an invoice that is due so many days from today, and wait until it is known."""
        due = Today.in_zone(ZONE).day + timedelta(days=days)
        document = uuid5(DOCUMENTS, f"{client}/{number}")
        filled = {
            "issuer_name": "Käserei Oberland", "invoice_number": f"R-{number}", "gross_amount": "120.50",
            "currency": "CHF", "due_date": due.isoformat(), **values,
        }  # fmt: skip
        await self.tell(
            InvoiceAnalysed(
                client=client, principal="ada", document_id=document, kind="invoice", source="text",
                values=filled,
            )
        )  # fmt: skip
        await self.knows(
            "select exists(select from invoices where document_id = $1 and amount = $2::text::numeric)",
            document,
            filled["gross_amount"],
        )

    async def execute(self, statement: str) -> None:
        """In the service's tables."""
        connection = await asyncpg.connect(self._database("reporting"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def knows(self, condition: str, *arguments: Any) -> None:
        """Wait until the service's tables say so."""
        connection = await asyncpg.connect(self._database("reporting"))

        async def true() -> bool:
            return bool(await connection.fetchval(condition, *arguments))

        try:
            await until(true)
        finally:
            await connection.close()

    async def write(self, statement: str) -> None:
        """Change the service's tables, as time would."""
        connection = await asyncpg.connect(self._database("reporting"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def run(
        self, client: str = "acme", *, job: str = JOB, dry_run: bool = False, **parameters: Any
    ) -> Told:
        """Request a run and wait for its end."""
        request = Requested(
            run_id=new_id(), job=job, client=client, principal="ada", effective_principal="ada",
            trigger=Trigger.MANUAL, parameters=parameters, dry_run=dry_run,
        )  # fmt: skip
        await request_run(self.bus, request, Lane.INTERACTIVE)
        told: list[Told] = []

        async def ended() -> bool:
            messages = await self.bus.read(subjects.RUNS, RunSubjects(job, request.run_id).all)
            told.append(Told(request.run_id, [decode_run_event(message.data) for message in messages]))
            return told[-1].finished is not None

        await until(ended)
        return told[-1]


async def until(condition: Callable[[], Awaitable[bool]], timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not await condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


@pytest.fixture
async def installation(
    bus_url: str, postgres: PostgresServer, database_name: str, tmp_path: Path
) -> AsyncIterator[Installation]:
    """Provisioned, with a mail server that asks for a password; the service is not started yet."""

    def database(service: str) -> str:
        return postgres.url(service, database_name)

    with catching("tagwerk", "s3cret-of-the-mail-server") as catcher:
        async with Installation(bus_url, database, tmp_path, catcher) as installation:
            yield installation
