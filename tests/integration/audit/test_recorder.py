"""Streams into the log, on a real nats-server and PostgreSQL: nothing lost, nothing twice."""

import asyncio
import json

from nats.js.api import DiscardPolicy

from shared.audit import audit
from shared.bus import Bus
from shared.database import Pool
from shared.provision import provision
from shared.subjects import AUDIT
from tests.conftest import MakeNatsServer
from tests.integration.audit.conftest import Log, connected, deeds, eventually, recording
from tests.integration.status.conftest import publish
from tests.support.run_events import RunTeller

COUNT = "select count(*) from audit_log.entries"
KINDS = "select string_agg(kind, ',' order by number) from audit_log.entries"


async def test_deeds_of_both_streams_are_written_down_once(bus: Bus, pool: Pool, audit_log: Log) -> None:
    entries = deeds(3)
    run = RunTeller().requested().started(1).cancel_requested().finished(1)
    async with recording(bus, pool):
        for entry in entries:
            await audit(bus, entry)
        await publish(bus, run.messages)
        await eventually(pool, COUNT, 5)
    # Told again, and read again from the beginning.
    await pool.execute("update checkpoints set sequence = 0, digest = ''")
    async with recording(bus, pool):
        await audit(bus, entries[0].model_copy(update={"reason": "sent again, beyond the server's window"}))
        await eventually(pool, f"select sequence from checkpoints where stream = '{AUDIT}'", 3)
        await eventually(pool, "select min(sequence) > 0 from checkpoints", True)
    kinds = (await pool.fetchval(KINDS)).split(",")
    assert sorted(kinds) == [
        "run_cancel_requested", "run_requested", "signed_in", "signed_in", "signed_in",
    ]  # fmt: skip
    assert (await audit_log.check()).findings == []


async def test_two_replicas_write_one_chain(bus: Bus, pool: Pool, audit_log: Log) -> None:
    async with recording(bus, pool), recording(bus, pool):
        await asyncio.gather(*(audit(bus, entry) for entry in deeds(50)))
        runs = [RunTeller(str(n)).requested() for n in range(50)]
        await asyncio.gather(*(publish(bus, run.messages) for run in runs))
        await eventually(pool, COUNT, 100)
        # Whoever writes loses its lead; the other goes on.
        await pool.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
        )
        await asyncio.gather(*(audit(bus, entry) for entry in deeds(50)))
        await eventually(pool, COUNT, 150)
    assert (await audit_log.check()).findings == []


async def test_a_gap_in_a_stream_is_told_and_does_not_end_the_log(
    bus: Bus, pool: Pool, audit_log: Log
) -> None:
    async with recording(bus, pool):
        await asyncio.gather(*(audit(bus, entry) for entry in deeds(3)))
        await eventually(pool, COUNT, 3)
    for entry in deeds(5):
        await audit(bus, entry)
    config = (await bus.js.stream_info(AUDIT)).config
    await bus.js.update_stream(config.evolve(max_msgs=3, discard=DiscardPolicy.OLD))
    # And one in the middle.
    await bus.js.delete_msg(AUDIT, 7)
    async with recording(bus, pool):
        await eventually(pool, COUNT, 7)
    assert await pool.fetchval(KINDS) == (
        "signed_in,signed_in,signed_in,history_missing,signed_in,history_missing,signed_in"
    )
    contents = await pool.fetch(
        "select content from audit_log.contents join audit_log.entries using (number)"
        " where kind = 'history_missing' order by number"
    )
    assert [json.loads(row["content"])["after"] for row in contents] == [
        {"first": 4, "last": 5},
        {"first": 7, "last": 7},
    ]
    assert (await audit_log.check()).findings == []


async def test_a_recreated_stream_is_told_and_read_from_its_beginning(
    bus: Bus, bus_url: str, pool: Pool, audit_log: Log
) -> None:
    async with recording(bus, pool):
        await asyncio.gather(*(audit(bus, entry) for entry in deeds(3)))
        await eventually(pool, COUNT, 3)
    await bus.js.delete_stream(AUDIT)
    await provision(bus_url, [])
    await asyncio.gather(*(audit(bus, entry) for entry in deeds(2)))
    async with recording(bus, pool):
        await eventually(pool, COUNT, 6)
    assert await pool.fetchval(KINDS) == ("signed_in,signed_in,signed_in,history_missing,signed_in,signed_in")
    assert (await audit_log.check()).findings == []


async def test_the_log_survives_a_killed_nats_server(make_nats_server: MakeNatsServer, pool: Pool) -> None:
    server = make_nats_server()
    await provision(server.url(), [])
    entries = deeds(60)
    async with connected(server.url()) as bus, recording(bus, pool):
        await asyncio.gather(*(audit(bus, entry) for entry in entries[:20]))
        await eventually(pool, COUNT, 20)
        for begin in (20, 40):
            publishing = asyncio.gather(*(audit(bus, entry) for entry in entries[begin : begin + 20]))
            server.kill()
            server.start()
            await publishing
        await eventually(pool, COUNT, 60)
    known = {row["event_id"] for row in await pool.fetch("select event_id from audit_log.entries")}
    assert known == {entry.id for entry in entries}
