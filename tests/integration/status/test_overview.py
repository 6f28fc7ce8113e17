"""How runs stand and came from each other, within what the asker may see."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.status import tree as trees
from services.status.app import Parts
from shared.bus import Bus
from shared.commands import (
    DurationsQuery,
    LastRunsQuery,
    OverviewQuery,
    RunDetail,
    RunNode,
    RunQuery,
    Scope,
    TreeQuery,
)
from shared.database import Pool
from shared.errors import TagwerkError
from shared.events import Cause
from tests.integration.status.conftest import projecting, publish
from tests.support.run_events import START, RunTeller, failure, record


def run(name: str, minute: int = 0, *, job: str = "documents.ocr", **request: Any) -> RunTeller:
    start = START + timedelta(minutes=minute)
    return RunTeller(name, job=job, start=start).requested(**request)


def told() -> dict[str, RunTeller]:
    rates = "integrations.rates"
    first = run("first", 0).started()
    first.finished(1)
    second = run("second", 1, cause=Cause(run_id=first.run_id)).started().progressed(1, 1).progressed(1, 2)
    second.recorded(1, record("page:1", "failed")).finished(1, "partially_failed")
    runs = [
        first,
        second,
        run("again", 2, rerun_of=second.run_id, trigger="rerun").started().finished(1),
        run("deeper", 3, job=rates, cause=Cause(run_id=second.run_id)).started(),
        run("foreign", 4, client="beta", cause=Cause(run_id=first.run_id)).started(),
        run("below the foreign", 5, cause=Cause(run_id=run("foreign").run_id)).started().finished(1),
        run("broken", 6, job=rates, client="beta").started().finished(1, "failed", failure=failure()),
        run("waiting", 7, job=rates, client="beta").started().attempt_failed(1),
        run("queued", 8),
    ]
    return {one.name: one for one in runs}


RUNS = told()
NAMES = {one.run_id: name for name, one in RUNS.items()}
ALPHA = Scope(clients=frozenset({"muster-ag"}))
BETA = Scope(clients=frozenset({"beta"}))
RATES = Scope(jobs=frozenset({"integrations.rates"}))


@pytest.fixture
async def parts(bus: Bus, pool: Pool) -> AsyncIterator[Parts]:
    async with projecting(bus, pool) as parts:
        messages = [message for one in RUNS.values() for message in one.messages]
        await parts.progress.reach(await publish(bus, messages))
        yield parts


async def test_an_overview_counts_by_job_what_the_asker_may_see(parts: Parts) -> None:
    everything = await parts.overviews.overview(OverviewQuery())
    assert everything.states == {
        "queued": 1, "running": 2, "waiting": 1, "succeeded": 3, "partially_failed": 1, "failed": 1
    }  # fmt: skip
    assert everything.action_required == 2
    assert [job.job for job in everything.jobs] == ["documents.ocr", "integrations.rates"]

    mine = await parts.overviews.overview(OverviewQuery(scope=BETA))
    assert {job.job: job.states for job in mine.jobs} == {
        "documents.ocr": {"running": 1},
        "integrations.rates": {"waiting": 1, "failed": 1},
    }
    assert mine.action_required == 1
    assert mine.states == {"running": 1, "waiting": 1, "failed": 1}

    one_job = await parts.overviews.overview(OverviewQuery(scope=RATES))
    assert [job.job for job in one_job.jobs] == ["integrations.rates"]
    nobodys = await parts.overviews.overview(OverviewQuery(scope=Scope(clients=frozenset())))
    assert (nobodys.jobs, nobodys.states) == ([], {})
    # The empty name, under which all clients are counted, is nobody's.
    for nameless in (OverviewQuery(scope=Scope(clients=frozenset({""}))), OverviewQuery(client="")):
        assert (await parts.overviews.overview(nameless)).jobs == []
    hidden = OverviewQuery(scope=ALPHA, client="beta")
    assert (await parts.overviews.overview(hidden)).jobs == []


async def test_a_glance_shows_the_last_run_of_each_job_that_the_asker_may_see(parts: Parts) -> None:
    async def glances(scope: Scope) -> dict[str, str]:
        found = (await parts.overviews.last_runs(LastRunsQuery(scope=scope))).items
        return {one.job: NAMES[one.run_id] for one in found}

    assert await glances(Scope()) == {"documents.ocr": "queued", "integrations.rates": "waiting"}
    assert await glances(ALPHA) == {"documents.ocr": "queued", "integrations.rates": "deeper"}
    assert await glances(Scope(clients=frozenset({"muster-ag", "beta"}), jobs=RATES.jobs)) == {
        "integrations.rates": "waiting"
    }
    assert await glances(Scope(clients=frozenset({""}))) == {}
    (shown,) = (await parts.overviews.last_runs(LastRunsQuery(scope=RATES))).items
    assert (shown.state, shown.requested_at) == ("waiting", START + timedelta(minutes=7))


async def test_an_overview_tells_the_last_run_and_how_the_last_ones_went(parts: Parts) -> None:
    ocr, rates = (await parts.overviews.overview(OverviewQuery())).jobs
    assert ocr.last is not None
    assert NAMES[ocr.last.run_id] == "queued"
    assert (ocr.ended, ocr.succeeded) == (4, 3)
    assert ocr.typical == 1.0
    assert rates.last is not None
    assert NAMES[rates.last.run_id] == "waiting"
    assert (rates.ended, rates.succeeded, rates.typical) == (1, 0, None)

    mine = (await parts.overviews.overview(OverviewQuery(scope=BETA))).jobs
    assert [NAMES[job.last.run_id] for job in mine if job.last is not None] == ["foreign", "waiting"]
    alpha = (await parts.overviews.overview(OverviewQuery(scope=ALPHA, job="integrations.rates"))).jobs
    assert [NAMES[job.last.run_id] for job in alpha if job.last is not None] == ["deeper"]
    numbers = await parts.overviews.overview(OverviewQuery(last_runs=False))
    assert [job.last for job in numbers.jobs] == [None, None]


async def test_totals_are_what_counting_gives(parts: Parts, pool: Pool) -> None:
    counted = await pool.fetch(
        "select client, job, state, count(*) as n from runs group by client, job, state"
        " union all select '', job, state, count(*) from runs group by job, state"
    )
    kept = {
        (row["client"], row["job"], state): row[state]
        for row in await pool.fetch("select * from totals")
        for state in {found["state"] for found in counted}
        if row[state]
    }
    assert kept == {(row["client"], row["job"], row["state"]): row["n"] for row in counted}


async def test_durations_are_those_of_the_last_started_runs(parts: Parts) -> None:
    found = await parts.overviews.durations(DurationsQuery(job="documents.ocr"))
    assert [NAMES[one.run_id] for one in found.items] == [
        "below the foreign", "foreign", "again", "second", "first"
    ]  # fmt: skip
    assert [one.duration for one in found.items] == [1.0, None, 1.0, 4.0, 1.0]
    mine = await parts.overviews.durations(DurationsQuery(job="documents.ocr", scope=BETA))
    assert [NAMES[one.run_id] for one in mine.items] == ["foreign"]
    assert len((await parts.overviews.durations(DurationsQuery(job="documents.ocr", limit=2))).items) == 2


def shape(node: RunNode) -> Any:
    """`(name, how it came from the one above, children)`."""
    return NAMES[node.run.run_id], node.how, [shape(child) for child in node.children]


async def tree_of(parts: Parts, name: str, scope: Scope = Scope()) -> Any:
    return shape((await parts.trees.tree(TreeQuery(run_id=RUNS[name].run_id, scope=scope))).root)


async def test_a_tree_shows_causes_and_consequences_from_wherever_it_is_asked(parts: Parts) -> None:
    whole: Any = (
        "first",
        None,
        [
            ("second", "caused", [("again", "rerun", []), ("deeper", "caused", [])]),
            ("foreign", "caused", [("below the foreign", "caused", [])]),
        ],
    )
    for name in ("first", "second", "again", "deeper", "below the foreign"):
        assert await tree_of(parts, name) == whole
    assert await tree_of(parts, "queued") == ("queued", None, [])


async def test_what_is_hidden_is_in_no_tree(parts: Parts) -> None:
    assert await tree_of(parts, "again", ALPHA) == (
        "first", None, [("second", "caused", [("again", "rerun", []), ("deeper", "caused", [])])]
    )  # fmt: skip
    # Its cause cannot be seen, so it begins there.
    assert await tree_of(parts, "below the foreign", ALPHA) == ("below the foreign", None, [])
    assert await tree_of(parts, "deeper", RATES) == ("deeper", None, [])
    for name, scope in (("first", BETA), ("foreign", ALPHA), ("first", RATES)):
        with pytest.raises(TagwerkError, match="no run"):
            await tree_of(parts, name, scope)


async def test_a_wide_tree_says_that_there_is_more_and_keeps_the_way(bus: Bus, pool: Pool) -> None:
    top = run("top")
    children = [run(f"child {n}", n + 1, cause=Cause(run_id=top.run_id)) for n in range(trees.CHILDREN + 5)]
    below = run("below", 60, cause=Cause(run_id=children[-1].run_id))
    async with projecting(bus, pool) as parts:
        told = [message for one in (top, *children, below) for message in one.messages]
        await parts.progress.reach(await publish(bus, told))
        root = (await parts.trees.tree(TreeQuery(run_id=below.run_id))).root
        assert root.run.run_id == top.run_id
        assert root.more
        assert len(root.children) == trees.CHILDREN
        last = root.children[-1]
        assert last.run.run_id == children[-1].run_id
        assert [child.run.run_id for child in last.children] == [below.run_id]
        assert not last.more


async def test_a_deep_tree_ends_somewhere(bus: Bus, pool: Pool) -> None:
    chain = [run("0")]
    for n in range(1, 40):
        chain.append(run(str(n), n, cause=Cause(run_id=chain[-1].run_id)))
    async with projecting(bus, pool) as parts:
        await parts.progress.reach(await publish(bus, [m for one in chain for m in one.messages]))
        node = (await parts.trees.tree(TreeQuery(run_id=chain[20].run_id))).root
        assert node.run.run_id == chain[20 - trees.LEVELS_UP].run_id
        depth = 0
        while node.children:
            node, depth = node.children[0], depth + 1
        assert depth == trees.LEVELS_DOWN
        assert node.more


async def test_a_run_of_thousands_of_records_is_told_without_reading_them(bus: Bus, pool: Pool) -> None:
    big = RunTeller("big").requested().started()
    for n in range(8):
        outcome = "failed" if n == 7 else "created"
        big.recorded(1, *(record(f"item:{n}:{i}", outcome, label="x" * 40) for i in range(200)))
    big.finished(1, "partially_failed")
    async with projecting(bus, pool) as parts:
        await parts.progress.reach(await publish(bus, big.messages))
        assert await pool.fetchval("select count(*) from archive where gist is not null") == 8
        told = await timeline(parts, big.run_id)
        # As it was told by a version that kept no gist.
        await pool.execute("update archive set gist = null")
        assert await timeline(parts, big.run_id) == told
        assert [entry.words for entry in told.timeline if entry.type == "run.recorded"] == [
            *["200 records: 200 created."] * 7,
            "200 records: 200 failed.",
        ]
        failures = next(answer for answer in told.answers if answer.question == "failures")
        assert failures.data["failed"] == 200
        assert failures.data["records"][0]["key"] == "item:7:0"
        # Where nobody reads the timeline, all else stays.
        short = await parts.details.run(RunQuery(run_id=big.run_id, timeline=False))
        assert short == told.model_copy(update={"timeline": []})


async def timeline(parts: Parts, run_id: UUID) -> RunDetail:
    return await parts.details.run(RunQuery(run_id=run_id))
