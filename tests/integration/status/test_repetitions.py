"""Runs that ask for the same, effects in doubt, and last calls: found by index, and again after a rebuild."""

import json
from datetime import timedelta
from typing import Any

from services.status.app import MIGRATIONS
from shared.bus import Bus
from shared.commands import Rebuild, RepeatsQuery, Scope, SystemCallsQuery
from shared.database import Pool, migrate
from shared.events import Call, DoubtfulEffect
from shared.words import CallOutcome, Decision, RunState
from tests.integration.status.conftest import eventually, projecting, publish, rows
from tests.support.run_events import JOB, START, RunTeller

PAGES = {"pages": [1, 2]}


def run(name: str, minute: int, **more: Any) -> RunTeller:
    return RunTeller(name, start=START + timedelta(minutes=minute)).requested(**more)


def asked(*parameters: dict[str, Any], client: str = "muster-ag", **more: Any) -> RepeatsQuery:
    return RepeatsQuery(job=JOB, client=client, parameters=list(parameters), **more)


def told() -> list[RunTeller]:
    return [
        run("first", 0, parameters=PAGES).started(1).finished(1),
        run("last", 1, parameters=PAGES).started(1).finished(1, RunState.FAILED),
        run("open", 2, parameters=PAGES).started(1),
        run("queued", 3, parameters={**PAGES, "language": None}),
        run("other pages", 4, parameters={"pages": [2, 1]}).started(1).finished(1),
        run("other client", 5, parameters=PAGES, client="other").started(1).finished(1),
        run("dry", 6, parameters=PAGES, dry_run=True).started(1).finished(1),
        run("some records", 7, parameters=PAGES, only_records=["page:1"]).started(1).finished(1),
    ]


async def test_earlier_runs_with_equal_parameters_in_whatever_order_they_are_written(
    bus: Bus, pool: Pool
) -> None:
    tellers = {teller.name: teller for teller in told()}
    async with projecting(bus, pool) as parts:
        at = await publish(bus, [message for teller in tellers.values() for message in teller.messages])
        found = await parts.repetitions.repeats(asked({"pages": [1, 2]}, at_least=at))
        assert found.last is not None
        assert found.last.run_id == tellers["last"].run_id
        assert [one.run_id for one in found.under_way] == [tellers["queued"].run_id, tellers["open"].run_id]
        found = await parts.repetitions.repeats(asked({"pages": [3]}, {"pages": [1, 2], "since": []}))
        assert found.last is not None, "any of the ways to write them"
        hidden = Scope(clients=frozenset({"other"}))
        found = await parts.repetitions.repeats(asked(PAGES, scope=hidden))
        assert (found.last, found.under_way) == (None, [])
        before = await rows(pool)
        await parts.rebuilds.request(Rebuild(principal="ada"))
        assert await rows(pool) == before


async def test_parameters_that_no_encoder_likes_are_projected(bus: Bus, pool: Pool) -> None:
    huge = {"number": 2**80, "text": "\ud83d"}
    (subject, payload), *_ = run("huge", 0, parameters={"number": 2**80}).messages
    event = json.loads(payload)
    event["parameters"] = huge
    async with projecting(bus, pool) as parts:
        at = await publish(bus, [(subject, json.dumps(event).encode())])
        await parts.progress.reach(at)
        assert await pool.fetchval("select count(*) from runs") == 1
        before = await rows(pool)
        await parts.rebuilds.request(Rebuild(principal="ada"))
        assert await rows(pool) == before


async def test_an_effect_in_doubt_is_found_until_it_is_decided(bus: Bus, pool: Pool) -> None:
    doubt = DoubtfulEffect(effect="send:a", cause="no answer in time")
    doubtful = run("doubtful", 0, parameters=PAGES).started(1)
    doubtful.finished(1, RunState.INTERRUPTED, in_doubt=[doubt])
    async with projecting(bus, pool) as parts:
        at = await publish(bus, doubtful.messages)
        found = await parts.repetitions.repeats(asked({"pages": [9]}, at_least=at))
        assert [one.run_id for one in found.in_doubt] == [doubtful.run_id]
        assert [doubt.effect for doubt in found.in_doubt[0].in_doubt] == ["send:a"]
        doubtful.decided("send:a", Decision.HAPPENED)
        at = await publish(bus, doubtful.messages[-1:])
        assert (await parts.repetitions.repeats(asked(PAGES, at_least=at))).in_doubt == []


async def test_the_last_good_and_the_last_bad_call_of_each_system(bus: Bus, pool: Pool) -> None:
    def call(system: str, minute: int, outcome: CallOutcome) -> Call:
        at = START + timedelta(minutes=minute)
        return Call(system=system, operation="get", outcome=outcome, started_at=at, duration_ms=minute)

    good, bad = CallOutcome.SUCCEEDED, CallOutcome.FAILED
    own = run("own", 0).started(1).called(1, call("ecb", 1, good), call("ecb", 3, good), call("ecb", 2, bad))
    foreign = (
        run("foreign", 1, client="other").started(1).called(1, call("ecb", 9, good), call("bazg", 1, bad))
    )
    async with projecting(bus, pool) as parts:
        at = await publish(bus, [*own.messages, *foreign.messages])

        async def newest(**scope: Any) -> dict[str, float]:
            query = SystemCallsQuery(systems=["ecb", "bazg", "none"], at_least=at, scope=Scope(**scope))
            items = (await parts.repetitions.system_calls(query)).items
            return {f"{one.system} {one.outcome}": one.duration_ms for one in items}

        assert await newest() == {"bazg failed": 1, "ecb failed": 2, "ecb succeeded": 9}
        assert await newest(clients=frozenset({"muster-ag"})) == {"ecb failed": 2, "ecb succeeded": 3}


async def by_column(pool: Pool) -> list[str]:
    """The runs with their columns by name: an upgrade may bring them in another order."""
    return [row[0] for row in await pool.fetch("select to_jsonb(t)::text from runs t order by run_id")]


async def test_an_upgrade_finds_the_runs_that_were_there_before(
    bus: Bus, pool: Pool, status_url: str
) -> None:
    """The rows of the version before are made anew by a rebuild that nobody has to ask for."""
    teller = run("old", 0, parameters=PAGES).started(1).finished(1)
    async with projecting(bus, pool) as parts:
        at = await publish(bus, teller.messages)
        await parts.progress.reach(at)
        before = await by_column(pool)
    await pool.execute("drop index calls_by_system, runs_in_doubt, runs_by_parameters")
    await pool.execute(
        "alter table runs drop column dry_run, drop column parameters_digest, drop column calls"
    )
    await pool.execute("alter table archive drop column gist")
    await pool.execute("drop table totals, record_kinds, spans")
    await pool.execute("delete from migrations where name >= 'status/0004'")
    assert await migrate(status_url, "status", MIGRATIONS) == [
        "status/0004_repetitions.sql", "status/0005_totals.sql", "status/0006_ways_to_runs.sql",
        "status/0007_orders_of_jobs.sql", "status/0008_spans.sql",
    ]  # fmt: skip
    # What lists and overviews count is there at once, before anything was made anew.
    assert await pool.fetchval("select sum(succeeded) from totals") == 2
    async with projecting(bus, pool) as parts:
        await eventually(pool, "select count(*) from rebuilds where events > 0 and failure is null", 2)
        found = await parts.repetitions.repeats(asked(PAGES))
        assert found.last is not None
        assert found.last.run_id == teller.run_id
        assert await by_column(pool) == before
