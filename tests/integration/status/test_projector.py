"""The projector on a real nats-server and PostgreSQL."""

import asyncio

import asyncpg
import pytest
from nats.js.api import DiscardPolicy

from services.status import details, projection, rebuild
from services.status.store import PROJECTION, Connection
from shared.bus import Bus
from shared.commands import Rebuild, RunQuery, RunsQuery
from shared.database import Pool
from shared.dead_letters import list_dead_letters
from shared.errors import TagwerkError
from shared.events import Call, DoubtfulEffect, LogLine
from shared.provision import provision
from shared.subjects import RUNS
from shared.words import CallOutcome, Decision, LogLevel, RunState
from tests.conftest import MakeNatsServer
from tests.integration.status.conftest import archived, connected, eventually, projecting, publish, rows
from tests.support.run_events import START, RunTeller, record


def whole_run(name: str) -> RunTeller:
    """A run with two attempts, a crash, records, calls, logs and an effect in doubt."""
    call = Call(
        system="mail-server",
        operation="send",
        outcome=CallOutcome.SUCCEEDED,
        started_at=START,
        duration_ms=12,
    )
    line = LogLine(time=START, level=LogLevel.WARNING, message="slow", fields={"seconds": 3})
    return (
        RunTeller(name)
        .requested(about=[f"document:{name}"], parameters={"pages": [1, 2]})
        .started(1)
        .recorded(1, record(f"{name}/1", "created"), record(f"{name}/2", "failed"))
        .started(2, worker="host:456", crashes=1)
        .recorded(1, record(f"{name}/9", "created"))
        .progressed(2, 1, 2)
        .recorded(2, record(f"{name}/1", "unchanged"), record(f"{name}/2", "updated"))
        .called(2, call)
        .logged(2, line)
        .recorded(2, record(f"{name}/3", "unknown"))
        .finished(
            2, "interrupted", in_doubt=[DoubtfulEffect(effect="mail", cause="a timeout", record=f"{name}/3")]
        )
        .decided("mail", Decision.HAPPENED)
    )


def shuffled(*runs: RunTeller) -> list[tuple[str, bytes]]:
    """The messages of several runs, in turns."""
    longest = max(len(run.messages) for run in runs)
    return [run.messages[i] for i in range(longest) for run in runs if i < len(run.messages)]


async def test_a_published_run_can_be_queried_at_its_sequence(bus: Bus, pool: Pool) -> None:
    async with projecting(bus, pool) as parts:
        run = RunTeller().requested().started(1).finished(1)
        sequence = await publish(bus, run.messages)
        detail = await parts.details.run(RunQuery(run_id=run.run_id, at_least=sequence))
    assert detail.state is RunState.SUCCEEDED
    assert detail.sequence == sequence
    assert [answer.question for answer in detail.answers] == [
        "started", "finished", "records", "failures", "data_changed", "external_calls", "retry",
    ]  # fmt: skip


async def test_the_archive_holds_every_message_as_it_was_published(bus: Bus, pool: Pool) -> None:
    async with projecting(bus, pool) as parts:
        run = whole_run("a").raw(b"no json at all").raw(b"\xff\x00")
        await parts.progress.reach(await publish(bus, run.messages))
        kept = await archived(pool)
    assert [(raw.subject, raw.payload) for raw in kept] == run.messages
    assert [raw.sequence for raw in kept] == list(range(1, len(run.messages) + 1))


async def test_a_restarted_projector_goes_on_from_its_checkpoint(bus: Bus, pool: Pool) -> None:
    messages = shuffled(*(whole_run(str(n)) for n in range(5)))
    for begin in range(0, len(messages), 17):
        sequence = await publish(bus, messages[begin : begin + 17])
        async with projecting(bus, pool) as parts:
            await parts.progress.reach(sequence)
    piecewise = await rows(pool)
    async with projecting(bus, pool) as parts:
        await parts.progress.reach(sequence)
        await parts.rebuilds.request(Rebuild(principal="ada"))
        assert await rows(pool) == piecewise
    assert len(piecewise["runs"]) == 5
    assert len(piecewise["records"]) == 15


async def test_a_rebuild_gives_the_same_rows_while_queries_and_projection_go_on(bus: Bus, pool: Pool) -> None:
    async with projecting(bus, pool) as parts:
        sequence = await publish(bus, shuffled(*(whole_run(str(n)) for n in range(40))))
        await parts.progress.reach(sequence)
        before = await rows(pool)
        names = await indexes(pool)

        async def ask(rebuilding: "asyncio.Task[object]") -> int:
            asked = 0
            while not rebuilding.done():
                page = await parts.queries.runs(RunsQuery(limit=1000))
                assert len(page.items) >= 40
                asked += 1
            return asked

        rebuilding = asyncio.create_task(parts.rebuilds.request(Rebuild(principal="ada")))
        late = RunTeller("late").requested().started(1)
        asking = asyncio.create_task(ask(rebuilding))
        sequence = await publish(bus, late.messages)
        report = await rebuilding
        asked = await asking
        assert report.runs >= 40
        assert asked > 0
        await parts.progress.reach(sequence)
        sequence = await publish(bus, late.finished(1).messages[-1:])
        detail = await parts.details.run(RunQuery(run_id=late.run_id, at_least=sequence))
        assert detail.state is RunState.SUCCEEDED
        after = await rows(pool)
        assert {row for row in after["runs"] if str(late.run_id) not in row} == set(before["runs"])
        assert after["records"] == before["records"]
        assert await indexes(pool) == names
        # And once more: nothing of the first is in the way of the second.
        await parts.rebuilds.request(Rebuild(principal="ada"))
        assert await rows(pool) == after


async def test_a_rebuild_waits_for_queries_and_ends_none(
    bus: Bus, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()
    swap = rebuild._swap_now

    async def told(connection: Connection, sequence: int) -> None:
        try:
            await swap(connection, sequence)
        except asyncpg.LockNotAvailableError:
            tried.set()
            raise

    monkeypatch.setattr(rebuild, "_swap_now", told)
    async with projecting(bus, pool) as parts:
        await parts.progress.reach(await publish(bus, whole_run("one").messages))
        async with pool.acquire() as reader, reader.transaction():
            # A query over several tables, which has the last of them and not yet the first.
            await reader.fetch(f"select from {PROJECTION[-1]} limit 1")
            rebuilding = asyncio.create_task(parts.rebuilds.request(Rebuild(principal="ada")))
            await asyncio.wait_for(tried.wait(), 30)
            assert await reader.fetchval(f"select count(*) from {PROJECTION[0]}") >= 0
            assert not rebuilding.done()
        assert (await asyncio.wait_for(rebuilding, 30)).runs == 1


async def indexes(pool: Pool) -> list[str]:
    found = await pool.fetch("select indexdef from pg_indexes where schemaname = current_schema() order by 1")
    return [row["indexdef"] for row in found]


async def test_a_poison_message_marks_its_run_and_goes_to_the_dead_letters(bus: Bus, pool: Pool) -> None:
    async with projecting(bus, pool) as parts:
        run = RunTeller("a").requested().started(1).raw(b'{"type": "run.finished"}').finished(1)
        other = RunTeller("b").requested().started(1).finished(1)
        sequence = await publish(bus, shuffled(run, other))
        detail = await parts.details.run(RunQuery(run_id=run.run_id, at_least=sequence))
        undisturbed = await parts.details.run(RunQuery(run_id=other.run_id))
        await eventually(pool, "select count(*) from dead_letters where published", 1)
        letters = await list_dead_letters(bus)
    assert detail.history_incomplete
    assert detail.state is RunState.SUCCEEDED
    assert not undisturbed.history_incomplete
    assert [(letter.stream, letter.subject) for letter in letters] == [(RUNS, run.subjects.ev)]
    assert bytes.fromhex(letters[0].payload_hex) == b'{"type": "run.finished"}'
    assert letters[0].reason.code == "event_undecodable"


async def test_what_the_database_refuses_is_a_poison_message_and_not_an_end(bus: Bus, pool: Pool) -> None:
    async with projecting(bus, pool) as parts:
        run = RunTeller("a").requested().started(1).progressed(1, 2**70).finished(1)
        other = (
            RunTeller("b")
            .requested()
            .started(1)
            .logged(1, LogLine(time=START, level=LogLevel.INFO, message="a\0b"))
        )
        sequence = await publish(bus, shuffled(run, other))
        detail = await parts.details.run(RunQuery(run_id=run.run_id, at_least=sequence))
        undisturbed = await parts.details.run(RunQuery(run_id=other.run_id))
        before = await rows(pool)
        await parts.rebuilds.request(Rebuild(principal="ada"))
        assert await rows(pool) == before
    assert detail.history_incomplete
    assert detail.state is RunState.SUCCEEDED
    assert not undisturbed.history_incomplete
    assert await pool.fetchval("select message from logs") == "a\ufffdb"


async def test_a_run_requested_again_after_its_history_expired_keeps_its_row(bus: Bus, pool: Pool) -> None:
    async with projecting(bus, pool) as parts:
        run = RunTeller("a").requested().started(1).finished(1)
        await parts.progress.reach(await publish(bus, run.messages))
        again = RunTeller("a").requested(principal="mallory")
    async with projecting(bus, pool) as parts:
        sequence = await publish(bus, again.messages)
        detail = await parts.details.run(RunQuery(run_id=run.run_id, at_least=sequence))
        before = await rows(pool)
        await parts.rebuilds.request(Rebuild(principal="ada"))
        assert await rows(pool) == before
    assert (detail.state, detail.principal) == (RunState.SUCCEEDED, "ada")
    assert detail.timeline[-1].stale


async def test_a_recreated_stream_stops_the_projection_with_an_explanation(
    bus: Bus, bus_url: str, pool: Pool
) -> None:
    async with projecting(bus, pool) as parts:
        await parts.progress.reach(await publish(bus, whole_run("a").messages))
    before = await rows(pool)
    await bus.js.delete_stream(RUNS)
    await provision(bus_url, [])
    await publish(bus, whole_run("b").messages)
    async with projecting(bus, pool) as parts:
        await eventually(pool, "select stopped is not null from checkpoint", True)
        with pytest.raises(TagwerkError) as refused:
            await parts.queries.runs(RunsQuery())
    assert refused.value.failure.code == "projection_stopped"
    assert "created anew" in refused.value.failure.cause
    assert await rows(pool) == before


async def test_events_that_expired_before_they_were_projected_stop_it(bus: Bus, pool: Pool) -> None:
    messages = whole_run("a").messages
    async with projecting(bus, pool) as parts:
        await parts.progress.reach(await publish(bus, messages[:4]))
    await publish(bus, messages[4:])
    config = (await bus.js.stream_info(RUNS)).config
    await bus.js.update_stream(config.evolve(max_msgs=3, discard=DiscardPolicy.OLD))
    async with projecting(bus, pool) as parts:
        await eventually(pool, "select stopped is not null from checkpoint", True)
        with pytest.raises(TagwerkError, match=r"misses the sequences 5 to"):
            await parts.queries.runs(RunsQuery())
    assert await pool.fetchval("select sequence from checkpoint") == 4


async def test_a_message_deleted_from_the_middle_stops_it(bus: Bus, pool: Pool) -> None:
    await publish(bus, whole_run("a").messages)
    await bus.js.delete_msg(RUNS, 5)
    async with projecting(bus, pool):
        await eventually(pool, "select stopped is not null from checkpoint", True)
    assert await pool.fetchval("select sequence from checkpoint") == 4
    assert "misses the sequences 5 to 5" in await pool.fetchval("select stopped::text from checkpoint")


async def test_a_query_for_more_than_is_there_says_how_far_the_projection_is(bus: Bus, pool: Pool) -> None:
    async with projecting(bus, pool) as parts:
        await parts.progress.reach(await publish(bus, RunTeller().requested().messages))
        with pytest.raises(TagwerkError, match="has reached sequence 1 of RUNS, 99 was asked for") as late:
            await parts.queries.runs(RunsQuery(at_least=99))
    assert late.value.failure.code == "projection_behind"
    assert late.value.failure.retryable


async def test_a_waiting_query_answers_as_soon_as_the_run_ends(
    bus: Bus, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not only at its next look.
    monkeypatch.setattr(details, "LEADING_LOOK", 3600.0)
    async with projecting(bus, pool) as parts:
        run = RunTeller().requested().started(1)
        sequence = await publish(bus, run.messages)
        asking = asyncio.create_task(
            parts.details.run(RunQuery(run_id=run.run_id, at_least=sequence, wait=30))
        )
        await asyncio.sleep(0.3)
        assert not asking.done()
        await publish(bus, run.finished(1).messages[-1:])
        assert (await asking).state is RunState.SUCCEEDED


async def test_a_second_replica_stands_by_answers_and_takes_over(
    bus: Bus, pool: Pool, status_url: str
) -> None:
    run = RunTeller().requested().started(1)
    async with projecting(bus, pool) as first:
        await first.progress.reach(await publish(bus, run.messages))
        async with projecting(bus, pool) as second:
            sequence = await publish(bus, RunTeller("b").requested().messages)
            page = await second.queries.runs(RunsQuery(at_least=sequence))
            assert len(page.items) == 2
            assert (first.progress.leading, second.progress.leading) == (True, False)
            # A rebuild that reaches the replica that stands by is done by the one that projects.
            report = await second.rebuilds.request(Rebuild(principal="ada"))
            assert (report.events, report.runs) == (3, 2)
            await pool.execute(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
                " and pid <> pg_backend_pid()"
            )
            sequence = await publish(bus, run.finished(1).messages[-1:])
            detail = await second.details.run(RunQuery(run_id=run.run_id, at_least=sequence))
            assert detail.state is RunState.SUCCEEDED


async def test_the_projection_survives_a_killed_nats_server(
    make_nats_server: MakeNatsServer, pool: Pool
) -> None:
    server = make_nats_server()
    await provision(server.url(), [])
    runs = [whole_run(str(n)) for n in range(20)]
    messages = shuffled(*runs)
    async with connected(server.url()) as bus, projecting(bus, pool) as parts:
        third = len(messages) // 3
        await parts.progress.reach(await publish(bus, messages[:third]))
        for begin in (third, 2 * third):
            publishing = asyncio.create_task(publish(bus, messages[begin : begin + third]))
            await asyncio.sleep(0.02)
            server.kill()
            await asyncio.sleep(0.1)
            server.start()
            sequence = await publishing
        sequence = await publish(bus, messages[3 * third :]) or sequence
        await eventually(pool, "select sequence from checkpoint", sequence, seconds=20)
        before = await rows(pool)
        await parts.rebuilds.request(Rebuild(principal="ada"))
        assert await rows(pool) == before
    state = {raw.sequence: raw for raw in await archived(pool)}
    assert sorted(state) == list(range(1, sequence + 1))
    assert {raw.payload for raw in state.values()} == {payload for _, payload in messages}
    assert len(before["runs"]) == 20


async def test_an_empty_database_begins_with_what_the_stream_still_holds(bus: Bus, pool: Pool) -> None:
    messages = whole_run("a").messages
    await publish(bus, [*messages, *RunTeller("b").requested().messages])
    config = (await bus.js.stream_info(RUNS)).config
    await bus.js.update_stream(config.evolve(max_msgs=4, discard=DiscardPolicy.OLD))
    async with projecting(bus, pool) as parts:
        page = await parts.queries.runs(RunsQuery(at_least=len(messages) + 1, sort="requested_at"))
        assert {item.run_id: item.history_incomplete for item in page.items} == {
            RunTeller("a").run_id: True,
            RunTeller("b").run_id: False,
        }
        before = await rows(pool)
        report = await parts.rebuilds.request(Rebuild(principal="ada"))
        assert report.events == 4
        assert await rows(pool) == before


async def test_a_lost_database_connection_is_made_again(bus: Bus, pool: Pool) -> None:
    async with projecting(bus, pool) as parts:
        for n in range(10):
            run = RunTeller(str(n)).requested().started(1)
            await parts.progress.reach(await publish(bus, run.messages))
            await pool.execute(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
                " and pid <> pg_backend_pid()"
            )
            sequence = await publish(bus, run.finished(1).messages[-1:])
            detail = await parts.details.run(RunQuery(run_id=run.run_id, at_least=sequence))
            assert detail.state is RunState.SUCCEEDED


async def test_a_run_with_more_records_than_are_kept_in_memory_gives_the_same_rows(
    bus: Bus, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunTeller("large").requested().started(1)
    for page in range(60):
        run.recorded(1, *(record(f"{page * 10 + n}", "created" if n % 2 else "failed") for n in range(10)))
    run.started(2)
    for page in range(0, 60, 2):
        run.recorded(2, *(record(f"{page * 10 + n}", "unchanged") for n in range(10)))
    async with projecting(bus, pool) as parts:
        for begin in range(0, len(run.messages), 20):
            await parts.progress.reach(await publish(bus, run.messages[begin : begin + 20]))
        whole = await rows(pool)
        monkeypatch.setattr(projection, "RECORDS_IN_MEMORY", 7)
        monkeypatch.setattr(rebuild, "BATCH", 13)
        await parts.rebuilds.request(Rebuild(principal="ada"))
        assert await rows(pool) == whole
        detail = await parts.details.run(RunQuery(run_id=run.run_id))
    assert detail.counts == {"created": 300, "unchanged": 150, "failed": 150}


async def test_an_archive_with_a_hole_is_not_taken_for_the_whole_history(bus: Bus, pool: Pool) -> None:
    async with projecting(bus, pool) as parts:
        await parts.progress.reach(await publish(bus, whole_run("a").messages))
        before = await rows(pool)
        await pool.execute("delete from archive where sequence between 4 and 6")
        with pytest.raises(TagwerkError, match="the archive misses the sequences 4 to 6"):
            await parts.rebuilds.request(Rebuild(principal="ada"))
        assert await rows(pool) == before
