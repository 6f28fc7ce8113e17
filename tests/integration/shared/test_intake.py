"""The one way in for documents: stored before told, once per client and content, whatever is killed."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nats
import pytest

from services.gateway.declaration import DECLARATION
from shared import subjects
from shared.bus import Bus
from shared.database import Pool, open_pool
from shared.errors import TagwerkError
from shared.events import DocumentUploaded, decode_business_event
from shared.files import Files, open_store
from shared.ids import document_id_of
from shared.intake import Arrival, Intake, original_key
from shared.outbox import Relay
from shared.provision import provision
from tests.support.servers import PostgresServer

PDF = b"%PDF-1.7\n" + b"x" * 300


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs."""


@dataclass
class Door:
    """An intake whose relay runs only when a test lets it."""

    bus: Bus
    pool: Pool
    relay: Relay
    intake: Intake
    folder: Path

    def arrival(self, content: bytes = PDF, name: str = "invoice.pdf", **changes: Any) -> Arrival:
        path = self.folder / f"arrived-{hashlib.sha256(content).hexdigest()[:12]}-{name}"
        path.write_bytes(content)
        values: dict[str, Any] = {"client": "alpha", "principal": "ada", "file_name": name, "path": path}
        return Arrival(**{**values, **changes})

    async def told(self) -> list[DocumentUploaded]:
        messages = await self.bus.read(subjects.EVENTS, "event.>")
        events = [decode_business_event(message.data) for message in messages]
        return [event for event in events if isinstance(event, DocumentUploaded)]

    async def relay_for(self, seconds: float) -> None:
        """As a service that starts and runs for a while."""
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.relay.run(), seconds)

    async def waiting(self) -> int:
        count: int = await self.pool.fetchval("select count(*) from outbox")
        return count

    def files(self, client: str = "alpha") -> Files:
        return Files(open_store(f"file://{self.folder}/files"), client)


@pytest.fixture
async def door(
    bus_url: str, postgres: PostgresServer, database_name: str, tmp_path: Path
) -> AsyncIterator[Door]:
    await provision(bus_url, [DECLARATION])
    url = postgres.url("gateway", database_name)
    pool = await open_pool(url)
    nc = await nats.connect(bus_url)
    bus = Bus(nc)
    await bus.start()
    relay = Relay(pool, bus)
    intake = Intake(pool, relay, open_store(f"file://{tmp_path}/files"), size_limit=10_000)
    yield Door(bus, pool, relay, intake, tmp_path)
    await pool.close()
    await bus.stop()
    await nc.close()


async def test_a_document_is_stored_first_and_told_when_the_relay_runs(door: Door) -> None:
    accepted = await door.intake.accept(door.arrival(traceparent="00-1-2-01", interactive=False))
    document_id = document_id_of("alpha", hashlib.sha256(PDF).hexdigest())
    assert accepted.event.document_id == document_id
    assert not accepted.duplicate
    assert await door.files().get(original_key(document_id)) == PDF
    assert (await door.told(), await door.waiting()) == ([], 1)
    await door.relay_for(0.5)
    assert await door.told() == [accepted.event]
    assert await door.waiting() == 0
    assert accepted.event.about == [f"document:{document_id}"]
    assert not accepted.event.interactive


async def test_the_same_bytes_at_the_same_moment_are_one_document_and_one_event(door: Door) -> None:
    arrivals = [door.arrival(name=f"{n}.pdf", principal=f"p{n % 3}") for n in range(20)]
    accepted = await asyncio.gather(*(door.intake.accept(arrival) for arrival in arrivals))
    assert sum(not one.duplicate for one in accepted) == 1
    first = next(one.event for one in accepted if not one.duplicate)
    assert all(one.event == first for one in accepted)
    await door.relay_for(0.5)
    assert await door.told() == [first]


async def test_the_same_bytes_later_answer_with_the_first_event(door: Door) -> None:
    first = await door.intake.accept(door.arrival())
    later = await door.intake.accept(door.arrival(name="copy.pdf", principal="berta"))
    assert later.duplicate
    assert later.event == first.event
    await door.relay_for(0.5)
    assert len(await door.told()) == 1


async def test_clients_do_not_share_documents(door: Door) -> None:
    a = await door.intake.accept(door.arrival())
    b = await door.intake.accept(door.arrival(client="beta"))
    assert not b.duplicate
    assert a.event.document_id != b.event.document_id
    assert not await door.files("beta").exists(original_key(a.event.document_id))
    assert await door.files("beta").exists(original_key(b.event.document_id))


async def test_killed_between_file_and_row_it_is_told_once_when_it_is_sent_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def killed(*_: object, **__: object) -> None:
            raise Killed

        patch.setattr("shared.intake.Outbox", killed)
        with pytest.raises(Killed):
            await door.intake.accept(door.arrival())
    await door.relay_for(0.5)
    assert await door.told() == []
    again = await door.intake.accept(door.arrival())
    assert not again.duplicate
    await door.relay_for(0.5)
    assert await door.told() == [again.event]


async def test_killed_within_the_transaction_neither_row_nor_event_are_there(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        async def killed(*_: object, **__: object) -> bool:
            raise Killed

        patch.setattr("shared.outbox.Transaction.write", killed)
        with pytest.raises(Killed):
            await door.intake.accept(door.arrival())
    assert await door.pool.fetchval("select count(*) from arrivals") == 0
    assert not (await door.intake.accept(door.arrival())).duplicate


async def test_killed_between_publish_and_removal_it_is_told_once(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = await door.intake.accept(door.arrival())
    publish = Bus.publish

    async def killed(bus: Bus, *arguments: Any, **options: Any) -> int:
        await publish(bus, *arguments, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Bus, "publish", killed)
        with pytest.raises(Killed):
            await door.relay.run()
    assert await door.waiting() == 1
    await door.relay_for(0.5)
    assert await door.waiting() == 0
    assert await door.told() == [accepted.event]


@pytest.mark.parametrize(
    ("content", "name", "declared", "code"),
    [
        (b"", "a.pdf", None, "file_empty"),
        (b"%PDF-" + b"0" * 10_000, "a.pdf", None, "file_too_large"),
        (b"hello", "a.pdf", "application/pdf", "file_type_mismatch"),
        (b"MZ\x90\x00", "a.pdf", None, "file_type_mismatch"),
        (b"MZ\x90\x00", "a.exe", None, "file_type_unsupported"),
        (PDF, "a.png", "image/png", "file_type_mismatch"),
    ],
)
async def test_what_cannot_be_processed_is_refused_and_leaves_nothing(
    door: Door, content: bytes, name: str, declared: str | None, code: str
) -> None:
    with pytest.raises(TagwerkError) as caught:
        await door.intake.accept(door.arrival(content, name, declared_type=declared))
    assert caught.value.failure.code == code
    assert caught.value.failure.next_step
    assert not caught.value.failure.retryable
    assert not list((door.folder / "files").rglob("original"))
    assert await door.waiting() == 0


@pytest.mark.parametrize(
    ("content", "declared", "media_type"),
    [
        (PDF, "application/pdf", "application/pdf"),
        (b"junk before\n" + PDF, None, "application/pdf"),
        (b"\x89PNG\r\n\x1a\n...", "application/octet-stream", "image/png"),
        (b"\xff\xd8\xff\xe0...", "image/jpeg", "image/jpeg"),
        (b"II*\x00...", "image/tiff", "image/tiff"),
        (b"MM\x00*...", "text/plain", "image/tiff"),
    ],
)
async def test_the_content_says_what_it_is(
    door: Door, content: bytes, declared: str | None, media_type: str
) -> None:
    accepted = await door.intake.accept(door.arrival(content, "scan", declared_type=declared))
    assert accepted.event.media_type == media_type
    assert accepted.event.size == len(content)
