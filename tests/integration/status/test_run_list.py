"""Whichever way a list of runs takes, it shows the same: every filter and order, page by page."""

import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.status import run_list, ways
from services.status.app import Parts
from services.status.ways import Sizes, Way
from shared.bus import Bus
from shared.commands import RunsQuery, RunSummary, Scope
from shared.database import Pool
from shared.words import RunState, Trigger
from tests.integration.status.conftest import projecting, publish
from tests.support.run_events import START, RunTeller, failure

JOBS = ("documents.ocr", "documents.convert", "integrations.rates", "reports.due")
CLIENTS = ("alpha", "beta", "gamma")
PRINCIPALS = ("ada", "bob", "service-night")
ENDS = ("succeeded", "succeeded", "succeeded", "partially_failed", "failed", "cancelled", "timed_out")
ORDERS = tuple(run_list.ORDERS)
FAR = START + timedelta(days=999)


def told(draw: random.Random) -> list[RunTeller]:
    runs = []
    for n in range(90):
        # Some at the same time, so that the id decides.
        start = START + timedelta(minutes=draw.randint(0, 40))
        run = RunTeller(f"run {n}", job=draw.choice(JOBS), start=start)
        run.requested(
            client=draw.choice(CLIENTS), principal=draw.choice(PRINCIPALS),
            trigger=draw.choice([Trigger.MANUAL, Trigger.EVENT]),
        )  # fmt: skip
        match draw.randint(0, 9):
            case 0:
                pass
            case 1:
                run.started()
            case 2:
                run.started().attempt_failed(1)
            case 3:
                run.finished(0, "cancelled")
            case _:
                run.started()
                for done in range(draw.randint(0, 3)):
                    run.progressed(1, done)
                end = draw.choice(ENDS)
                run.finished(1, end, failure=failure() if end == "failed" else None)
        runs.append(run)
    return runs


@pytest.fixture
async def parts(bus: Bus, pool: Pool) -> AsyncIterator[Parts]:
    async with projecting(bus, pool) as parts:
        messages = [message for run in told(random.Random(7)) for message in run.messages]
        await parts.progress.reach(await publish(bus, messages))
        # As it is on a grown installation: the estimates of the database are made of what is there.
        await pool.execute("analyze runs")
        yield parts


async def pages(parts: Parts, limit: int, **query: Any) -> list[RunSummary]:
    found: list[RunSummary] = []
    cursor = None
    while True:
        page = await parts.queries.runs(RunsQuery(**query, limit=limit, cursor=cursor))
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def matches(run: RunSummary, query: dict[str, Any]) -> bool:
    scope = query.get("scope", Scope())
    return (
        (scope.clients is None or run.client in scope.clients)
        and (scope.jobs is None or run.job in scope.jobs)
        and all(getattr(run, name) == query.get(name, getattr(run, name)) for name in EQUAL)
        and (not query.get("state") or run.state in query["state"])
        and run.requested_at > query.get("requested_after", START - timedelta(days=1))
        and run.requested_at < query.get("requested_before", FAR)
    )


EQUAL = ("job", "client", "principal", "trigger", "action_required")

KEYS: dict[str, Callable[[RunSummary], Any]] = {
    "requested_at": lambda run: (0, run.requested_at, run.run_id),
    "finished_at": lambda run: (run.finished_at is None, run.finished_at or START, run.run_id),
    "duration": lambda run: (run.duration is None, run.duration or 0.0, run.run_id),
}


def in_order(runs: list[RunSummary], sort: str) -> list[RunSummary]:
    """Those without a value come last in either direction."""
    if sort == "job":
        newest = sorted(runs, key=KEYS["requested_at"], reverse=True)
        return sorted(newest, key=lambda run: run.job)
    key = KEYS[sort.lstrip("-")]
    valued = [run for run in runs if not key(run)[0]]
    empty = [run for run in runs if key(run)[0]]
    down = sort.startswith("-")
    return sorted(valued, key=key, reverse=down) + sorted(empty, key=key, reverse=down)


def drawn(draw: random.Random) -> dict[str, Any]:
    """Any combination of filters."""
    query: dict[str, Any] = {}
    options: dict[str, Callable[[], Any]] = {
        "job": lambda: draw.choice(JOBS),
        "client": lambda: draw.choice(CLIENTS),
        "principal": lambda: draw.choice(PRINCIPALS),
        "trigger": lambda: draw.choice([Trigger.MANUAL, Trigger.EVENT, Trigger.MQTT]),
        "action_required": lambda: draw.random() < 0.5,
        "state": lambda: draw.sample(list(RunState), draw.randint(1, 4)),
        "requested_after": lambda: START + timedelta(minutes=draw.randint(0, 40)),
        "requested_before": lambda: START + timedelta(minutes=draw.randint(0, 40)),
        "scope": lambda: Scope(
            clients=draw.choice([None, frozenset(draw.sample(CLIENTS, draw.randint(0, 2)))]),
            jobs=draw.choice([None, frozenset(draw.sample(JOBS, draw.randint(1, 3)))]),
        ),
    }
    for name, option in options.items():
        if draw.random() < 0.3:
            query[name] = option()
    return query


@pytest.mark.parametrize("sort", ORDERS)
async def test_every_way_shows_the_same(parts: Parts, sort: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(sort)
    everything = await pages(parts, 1000)
    assert len(everything) == 90
    walked: set[tuple[str | None, bool]] = set()

    for _ in range(25):
        query = drawn(draw)
        wanted = [run.run_id for run in in_order([r for r in everything if matches(r, query)], sort)]
        number = 0
        while True:
            left = 0

            def choose(order: str, sizes: Sizes, need: int, *, place: int = number) -> Way | None:
                nonlocal left
                if not sizes.jobs:
                    return None
                found = list(ways._ways(order.lstrip("-"), sizes, need))
                left = len(found) - place - 1
                walked.add((found[place].column, found[place].sort))
                return found[place]

            monkeypatch.setattr(run_list, "choose", choose)
            shown = await pages(parts, draw.choice([3, 7, 50]), **query, sort=sort)
            assert [run.run_id for run in shown] == wanted, (query, number)
            number += 1
            if left <= 0:
                break
    expected = {
        "requested_at": {("client", False), ("state", False), ("principal", False), ("trigger", False),
                         ("action_required", False), ("job", False), (None, False)},
        "finished_at": {("client", True), ("job", True), (None, True), (None, False)},
        "duration": {("client", True), ("job", False), ("job", True), (None, True), (None, False)},
        "job": {("client", True), ("job", False), ("job", True), (None, True)},
    }  # fmt: skip
    assert expected[sort.lstrip("-")] <= walked


async def test_a_time_without_a_zone_is_meant_as_utc(parts: Parts) -> None:
    naive = (START + timedelta(minutes=20)).replace(tzinfo=None)
    same = naive.replace(tzinfo=UTC)
    for name in ("requested_after", "requested_before"):
        for sort in ("-requested_at", "-finished_at"):
            mine = await pages(parts, 50, **{name: naive}, sort=sort)
            assert [r.run_id for r in mine] == [
                r.run_id for r in await pages(parts, 50, **{name: same}, sort=sort)
            ]
            assert 0 < len(mine) < 90


async def test_a_place_that_lies_before_the_period_does_not_widen_it(parts: Parts) -> None:
    """A cursor belongs to the filters it was made with; with others it must not show what they exclude."""
    first = await parts.queries.runs(RunsQuery(limit=1, sort="requested_at", client="alpha"))
    since = datetime(2026, 3, 1, 14, 20, tzinfo=UTC)
    page = await parts.queries.runs(
        RunsQuery(
            sort="requested_at", client="alpha", requested_after=since, cursor=first.next_cursor, limit=90
        )
    )
    assert page.items
    assert all(run.requested_at > since for run in page.items)
