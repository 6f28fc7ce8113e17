"""The documents service on a real bus and a real database."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import nats
import pytest

from services.documents.app import build
from services.documents.declaration import DECLARATION
from shared import subjects
from shared.access import Principal
from shared.buckets import Bucket
from shared.bus import Bus
from shared.commands import DocumentDetail, DocumentQuery, Reply, Scope
from shared.database import Pool, open_pool
from shared.events import (
    DocumentConverted,
    DocumentTextRecognized,
    DocumentUploaded,
    Finished,
    Record,
    Recorded,
    Requested,
    RunEvent,
    UnknownEvent,
    decode_business_event,
    decode_run_event,
)
from shared.files import Files, open_store
from shared.ids import document_id_of, new_id, run_id_of
from shared.intake import original_key
from shared.provision import provision
from shared.requests import request_run
from shared.service import Service
from shared.settings import Settings
from shared.subjects import RunSubjects
from shared.words import Lane, Trigger
from tests.integration.documents.office import Office
from tests.support.nursery import Nursery
from tests.support.servers import PostgresServer


@pytest.fixture
async def pool(postgres: PostgresServer, database_name: str) -> AsyncIterator[Pool]:
    """The service's own tables, empty."""
    pool = await open_pool(postgres.url("documents", database_name), max_size=4)
    yield pool
    await pool.close()


@pytest.fixture
async def office(pool: Pool) -> Office:
    return Office(pool)


class Installation:
    """The service, and what a gateway and a status service would do with it."""

    def __init__(self, settings: Settings, admin_url: str, nursery: Nursery) -> None:
        self.settings = settings
        self.nursery = nursery
        self._admin_url = admin_url
        self._service: Service | None = None
        self._store = open_store(settings.files_url)
        self.bus: Bus

    async def __aenter__(self) -> "Installation":
        await provision(self._admin_url, [DECLARATION], ack_wait=self.settings.ack_wait)
        nc = await nats.connect(self._admin_url, max_reconnect_attempts=-1)
        self.bus = Bus(nc)
        await self.bus.start()
        principals = Bucket(self.bus, subjects.PRINCIPALS, Principal)
        for id, roles in (("ada", {"uploader", "accounting"}), ("uma", {"uploader"})):
            principal = Principal(id=id, name=id.title(), roles=frozenset(roles), clients=frozenset({"acme"}))
            await principals.put(id, principal)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._service is not None:
            await self._service.stop()
        await self.bus.stop()
        await self.bus.nc.close()

    async def start(self) -> None:
        self._service = build(self.settings)
        await self._service.start()

    def files(self, client: str = "acme") -> Files:
        return Files(self._store, client)

    async def upload(self, content: bytes, file_name: str, media_type: str) -> DocumentUploaded:
        """As the intake does it: original first, then the event."""
        sha256 = hashlib.sha256(content).hexdigest()
        document = document_id_of("acme", sha256)
        await self.files().put(original_key(document), content)
        event = DocumentUploaded(
            client="acme", principal="ada", about=[f"document:{document}"], document_id=document,
            file_name=file_name, media_type=media_type, size=len(content), sha256=sha256,
        )  # fmt: skip
        await self.bus.publish(event.type, event.encode(), msg_id=str(event.id))
        return event

    async def converted(self, event: DocumentUploaded) -> "Told":
        """The conversion that an upload started, at its end."""
        job = "documents.convert-to-pdf"
        return await self.ended(run_id_of("acme", "ada", job, str(event.id)), job)

    async def triggered(self, event: DocumentUploaded) -> "Told":
        """The recognition that followed it, at its end."""
        await self.converted(event)
        (told,) = [one for one in await self.conversions() if one.document_id == event.document_id]
        return await self.ended(run_id_of("acme", "ada", "documents.ocr", str(told.id)))

    async def conversions(self) -> list[DocumentConverted]:
        """Every `event.document.converted` so far."""
        messages = await self.bus.read(subjects.EVENTS, "event.document.converted")
        events = [decode_business_event(message.data) for message in messages]
        return [event for event in events if isinstance(event, DocumentConverted)]

    async def uploads(self) -> list[DocumentUploaded]:
        """Every `event.document.uploaded` so far."""
        messages = await self.bus.read(subjects.EVENTS, "event.document.uploaded")
        events = [decode_business_event(message.data) for message in messages]
        return [event for event in events if isinstance(event, DocumentUploaded)]

    async def rerun(self, document: UUID, job: str = "documents.ocr") -> "Told":
        request = Requested(
            run_id=new_id(), job=job, client="acme", principal="ada", effective_principal="ada",
            trigger=Trigger.MANUAL, parameters={"document": str(document)},
        )  # fmt: skip
        await request_run(self.bus, request, Lane.INTERACTIVE)
        return await self.ended(request.run_id, job)

    async def ended(self, run_id: UUID, job: str = "documents.ocr") -> "Told":
        deadline = time.monotonic() + 60
        while True:
            messages = await self.bus.read(subjects.RUNS, RunSubjects(job, run_id).all)
            told = Told([decode_run_event(message.data) for message in messages])
            if told.finished is not None:
                return told
            assert time.monotonic() < deadline, f"not ended; it told {[event.type for event in told.events]}"
            await asyncio.sleep(0.02)

    async def recognized(self) -> list[DocumentTextRecognized]:
        """Every `event.document.text_recognized` so far."""
        messages = await self.bus.read(subjects.EVENTS, "event.document.text_recognized")
        events = [decode_business_event(message.data) for message in messages]
        return [event for event in events if isinstance(event, DocumentTextRecognized)]

    async def describe(self, document: UUID, *, clients: frozenset[str] | None = None) -> Reply:
        request = DocumentQuery(document_id=document, scope=Scope(clients=clients))
        subject = subjects.query("documents", "document")
        answer = await self.bus.nc.request(subject, request.model_dump_json().encode(), timeout=5)
        return Reply.model_validate_json(answer.data)

    async def detail(self, document: UUID) -> DocumentDetail:
        return DocumentDetail.model_validate((await self.describe(document)).data)

    async def with_approval(self, document: UUID) -> DocumentDetail:
        """The document once an approval of its invoice is asked for."""
        deadline = time.monotonic() + 60
        while True:
            detail = await self.detail(document)
            if detail.approval is not None:
                return detail
            assert time.monotonic() < deadline, "nobody asked for an approval"
            await asyncio.sleep(0.02)


class Told:
    """The events of one run."""

    def __init__(self, events: list[RunEvent | UnknownEvent]) -> None:
        self.events = events

    @property
    def finished(self) -> Finished | None:
        return next((event for event in self.events if isinstance(event, Finished)), None)

    @property
    def end(self) -> Finished:
        assert self.finished is not None
        return self.finished

    @property
    def records(self) -> list[Record]:
        return [record for event in self.events if isinstance(event, Recorded) for record in event.records]


@pytest.fixture
async def installation(
    bus_url: str, postgres: PostgresServer, database_name: str, tmp_path: Path, nursery: Nursery
) -> AsyncIterator[Installation]:
    """Provisioned; the service is not started yet."""
    settings = Settings(
        nats_url=bus_url,
        database_url=postgres.url("documents", database_name),
        files_url=f"file://{tmp_path}/files",
        ack_wait=3.0,
        log_level="warning",
    )
    async with Installation(settings, bus_url, nursery) as installation:
        yield installation
