"""What leaves with the row leaves once, whatever is killed or refused beside it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import nats
import pytest
from nats.js.api import StreamConfig

from services.gateway.declaration import DECLARATION
from shared import subjects
from shared.audit import AuditEntry
from shared.bus import Bus
from shared.database import Pool, open_pool
from shared.errors import TagwerkError
from shared.events import DocumentUploaded, Record
from shared.ids import new_id
from shared.metrics.database import OutboxMeasure, measure_breakers
from shared.metrics.registry import REGISTRY
from shared.outbox import REMEMBERED, Outbox, Relay
from shared.provision import provision
from shared.rule_files import tell_changed_rules
from shared.runner.context import RunContext
from shared.subjects import RunSubjects
from shared.words import Outcome
from tests.support.servers import PostgresServer


@dataclass
class Post:
    """An outbox and what its messages became."""

    bus: Bus
    pool: Pool

    async def record(self, run_id: UUID, key: str) -> None:
        context = RunContext(run_id, 1, "lab.store", "main", "ada")
        async with Outbox(self.pool, Relay(self.pool, self.bus), context).transaction() as tx:
            tx.record(Record(key=key, outcome=Outcome.CREATED))

    async def upload(self) -> None:
        event = DocumentUploaded(
            client="main", principal="ada", document_id=new_id(), file_name="a.pdf",
            media_type="application/pdf", size=1, sha256="0" * 64,
        )  # fmt: skip
        async with Outbox(self.pool, Relay(self.pool, self.bus)).transaction() as tx:
            tx.event(event)

    async def waiting(self) -> int:
        count: int = await self.pool.fetchval("select count(*) from outbox")
        return count


@pytest.fixture
async def post(bus_url: str, postgres: PostgresServer, database_name: str) -> AsyncIterator[Post]:
    await provision(bus_url, [DECLARATION])
    url = postgres.url("gateway", database_name)
    pool = await open_pool(url)
    nc = await nats.connect(bus_url)
    bus = Bus(nc)
    await bus.start()
    yield Post(bus, pool)
    await pool.close()
    await bus.stop()
    await nc.close()


async def test_a_relay_killed_between_publish_and_delete_doubles_nothing(post: Post) -> None:
    run_id = new_id()
    for key in "abc":
        await post.record(run_id, key)
    killed = Relay(post.pool, post.bus)
    gone = asyncio.Event()

    class Killed(BaseException):
        """Stands for the end of the process: its transaction is never committed."""

    async def publish_and_die(subject: str, payload: bytes, **options: str) -> int:
        await post.bus.publish(subject, payload, **options)  # type: ignore[arg-type]
        gone.set()
        raise Killed

    killed._bus = type("Dying", (), {"publish": staticmethod(publish_and_die)})()
    with pytest.raises(Killed):
        await killed.flush(run_id)
    assert gone.is_set()
    assert await post.waiting() == 3
    sequence = await Relay(post.pool, post.bus).flush(run_id)
    stored = await post.bus.read(subjects.RUNS, RunSubjects("lab.store", run_id).all)
    assert len(stored) == 3
    assert sequence == stored[-1].sequence
    assert await post.waiting() == 0


async def test_a_frozen_relay_keeps_nothing_from_the_others_and_goes_on_when_it_thaws(post: Post) -> None:
    run_id, later = new_id(), new_id()
    await post.record(run_id, "a")
    published, thawed = asyncio.Event(), asyncio.Event()

    async def publish_and_freeze(subject: str, payload: bytes, **options: str) -> int:
        sequence = await post.bus.publish(subject, payload, **options)  # type: ignore[arg-type]
        published.set()
        await thawed.wait()
        return sequence

    frozen = Relay(post.pool, post.bus)
    frozen.HELD_AT_MOST = 0.5
    frozen._bus = type("Freezing", (), {"publish": staticmethod(publish_and_freeze)})()
    running = asyncio.create_task(frozen.run())
    await published.wait()
    assert await asyncio.wait_for(Relay(post.pool, post.bus).flush(run_id), 30) > 0
    published.clear()
    thawed.set()
    await post.record(later, "b")
    await asyncio.wait_for(published.wait(), 30)
    for run, records in ((run_id, 1), (later, 1)):
        assert len(await post.bus.read(subjects.RUNS, RunSubjects("lab.store", run).all)) == records
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_what_was_stored_beside_a_refused_message_is_not_sent_again(post: Post) -> None:
    run_id = new_id()
    await post.upload()
    await post.record(run_id, "a")
    await post.upload()
    # The stream of runs is full; that of events is not.
    info = await post.bus.js.stream_info(subjects.RUNS)
    full = StreamConfig(**{**info.config.__dict__, "max_bytes": 1})
    await post.bus.js.update_stream(full)
    relay = Relay(post.pool, post.bus)
    with pytest.raises(TagwerkError, match="full"):
        await relay.flush(run_id)
    assert await post.waiting() == 1
    assert len(await post.bus.read(subjects.EVENTS, "event.>")) == 2
    await post.bus.js.update_stream(info.config)
    assert await relay.flush(run_id) > 0
    assert await post.waiting() == 0


async def test_a_flush_is_not_stopped_by_what_others_cannot_publish(post: Post) -> None:
    mine = new_id()
    await post.pool.execute(
        "insert into outbox (msg_id, run_id, subject, payload) values ($1, $2, 'event.large', $3)",
        new_id(),
        new_id(),
        b"x" * 1_100_000,
    )
    await post.record(mine, "a")
    assert await asyncio.wait_for(Relay(post.pool, post.bus).flush(mine), 30) > 0
    assert await post.waiting() == 1


async def test_a_relay_forgets_runs_that_nobody_asks_for(post: Post) -> None:
    relay = Relay(post.pool, post.bus)
    for number in range(REMEMBERED + 100):
        relay._remember(UUID(int=number), number)
    assert len(relay._sequences) == REMEMBERED
    assert UUID(int=REMEMBERED + 99) in relay._sequences


async def test_a_file_of_rules_that_has_changed_is_told_once_with_both(post: Post, tmp_path: Path) -> None:
    file, relay = tmp_path / "policy.toml", Relay(post.pool, post.bus)

    async def told() -> list[tuple[str, str, object, object]]:
        # Two replicas start at the same time.
        await asyncio.gather(
            *(
                tell_changed_rules(post.pool, relay, "gateway", {"policy": file, "other": None})
                for _ in range(2)
            )
        )
        rows = await post.pool.fetch("delete from outbox returning payload")
        entries = [AuditEntry.model_validate_json(row["payload"]) for row in rows]
        return [(entry.action, entry.concern, entry.before, entry.after) for entry in entries]

    file.write_text("[roles]")
    assert await told() == [("rules_changed", "rules:policy", None, {"file": "[roles]"})]
    assert await told() == []
    file.write_text("[roles]\na = []")
    [(_, _, before, after)] = await told()
    assert (before, after) == ({"file": "[roles]"}, {"file": "[roles]\na = []"})
    file.write_text("")
    assert [entry[3] for entry in await told()] == [None]


async def test_what_waits_in_the_outbox_is_measured(post: Post) -> None:
    measure = OutboxMeasure(post.pool)

    async def rows() -> float | None:
        await measure()
        return REGISTRY.get_sample_value("tagwerk_outbox_rows")

    def waiting() -> float:
        return REGISTRY.get_sample_value("tagwerk_outbox_waiting_seconds") or 0.0

    assert await rows() == 0
    assert waiting() == 0
    await post.upload()
    await post.upload()
    assert await rows() == 2
    await rows()
    assert waiting() > 0
    run_id = new_id()
    await Relay(post.pool, post.bus).flush(run_id)
    assert await rows() == 0
    assert waiting() == 0
    await post.pool.execute(
        "insert into breakers (system, host, opened_at) values ('erp', 'a:1', now()), ('erp', 'b:1', null)"
    )
    await measure_breakers(post.pool)
    assert REGISTRY.get_sample_value("tagwerk_breakers_open", {"system": "erp"}) == 1
