"""Business events reach a service: who is new is known, an outage buries nothing, a stop loses nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared import subjects
from shared.access import Access, Principal
from shared.buckets import Bucket
from shared.database import DatabaseUnavailable
from shared.dead_letters import list_dead_letters
from shared.declaration import Declaration
from shared.errors import TagwerkError
from shared.events import DocumentUploaded, Record
from shared.ids import new_id
from shared.jobs import Job, Retry, Safe, job, seconds
from shared.provision import provision
from shared.pull import Delivery
from shared.service import Service
from shared.triggers import DELIVERIES_ALLOWED, Triggers
from shared.words import Kind, Level
from tests.support.engine import ACK_WAIT, Engine


@job(
    "listener.read",
    title="Read",
    kind=Kind.PROCESSING,
    owner="Tests",
    access=Access(module="lab", level=Level.OPERATIONAL, roles=frozenset({"tester"})),
    expected_runtime=seconds(1),
    retry=Retry(attempts=1),
    repeat=Safe("it writes nothing"),
    output="nothing",
    expected_result="nothing",
    logs="service=listener",
    troubleshooting="docs/jobs/lab.md",
    on="event.document.uploaded",
)
async def read(document: str) -> AsyncIterator[Record]:
    """Read nothing."""
    return
    yield


def principal(name: str) -> Principal:
    return Principal(id=name, name=name, roles=frozenset({"tester"}), clients=frozenset({"main"}))


def uploaded(by: str) -> DocumentUploaded:
    return DocumentUploaded(
        client="main", principal=by, document_id=new_id(), file_name="a.pdf", media_type="application/pdf",
        size=1, sha256="0" * 64,
    )  # fmt: skip


class Event:
    """A delivery of an event, and what became of it."""

    def __init__(self, engine: Engine, event: DocumentUploaded, delivered: int = 1) -> None:
        self.delivery = Delivery(
            event.type, event.encode(), {}, 1, delivered, 0, "listener-events", "nobody", engine.bus.nc
        )


def triggers(engine: Engine, jobs: list[Job], *handlers: object) -> Triggers:
    people = Bucket(engine.bus, subjects.PRINCIPALS, Principal)
    by_type = {"event.document.uploaded": handlers[0]} if handlers else {}
    return Triggers(engine.bus, people, jobs, by_type, software_version="1")  # type: ignore[arg-type]


async def test_who_was_made_a_moment_ago_is_known(engine: Engine) -> None:
    people = Bucket(engine.bus, subjects.PRINCIPALS, Principal)
    await people.put("ada", principal("ada"))
    listening = triggers(engine, [read])
    await listening.handle(Event(engine, uploaded("ada")).delivery)
    # Within the second for which the listener's view of the bucket is good.
    await people.put("berta", principal("berta"))
    event = uploaded("berta")
    await listening.handle(Event(engine, event).delivery)
    assert await list_dead_letters(engine.bus) == []
    assert len(await engine.bus.read(subjects.RUNS, "run.listener.read.>")) == 2


async def test_an_outage_of_the_database_buries_no_event(engine: Engine) -> None:
    async def remember(event: DocumentUploaded) -> None:
        raise DatabaseUnavailable("connection refused")

    listening = triggers(engine, [], remember)
    with pytest.raises(DatabaseUnavailable):
        await listening.handle(Event(engine, uploaded("ada"), delivered=DELIVERIES_ALLOWED + 1).delivery)
    assert await list_dead_letters(engine.bus) == []


async def test_an_event_that_a_handler_cannot_take_is_buried(engine: Engine) -> None:
    async def refuse(event: DocumentUploaded) -> None:
        raise TagwerkError("no_such_thing", "it is not there", next_step="Look.")

    async def stumble(event: DocumentUploaded) -> None:
        raise RuntimeError("what was that?")

    await triggers(engine, [], refuse).handle(Event(engine, uploaded("ada")).delivery)
    stumbling = triggers(engine, [], stumble)
    with pytest.raises(RuntimeError):
        await stumbling.handle(Event(engine, uploaded("ada")).delivery)
    last = Event(engine, uploaded("ada"), delivered=DELIVERIES_ALLOWED).delivery
    last.sequence = 2
    await stumbling.handle(last)
    codes = {letter.reason.code for letter in await list_dead_letters(engine.bus)}
    assert codes == {"no_such_thing", "unexpected_error"}


async def test_a_stop_lets_the_events_at_work_be_handled(engine: Engine, tmp_path: Path) -> None:
    handled: list[str] = []
    begun = asyncio.Event()

    async def take_a_while(event: DocumentUploaded) -> None:
        begun.set()
        await asyncio.sleep(0.5)
        await service.bus.read(subjects.EVENTS, "event.>")
        handled.append(event.principal)

    declaration = Declaration("listener", listens=["event.document.uploaded"])
    await provision(engine.bus.nc.connected_url.geturl(), [declaration], ack_wait=ACK_WAIT)  # type: ignore[union-attr]
    service = Service(
        declaration, engine.settings(), on_event={"event.document.uploaded": take_a_while}, root=tmp_path
    )
    await service.start()
    event = uploaded("ada")
    await engine.bus.publish(event.type, event.encode(), msg_id=str(event.id))
    await asyncio.wait_for(begun.wait(), 30)
    await service.stop()
    assert handled == ["ada"]
    info = await engine.bus.js.consumer_info(subjects.EVENTS, subjects.events_durable("listener"))
    assert (info.num_ack_pending, info.num_pending) == (0, 0)
