"""Filters, orders, paging and scope, on rows that a projector wrote."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.status.app import Parts
from shared.bus import Bus
from shared.commands import (
    CallsQuery,
    ChangesQuery,
    EventsQuery,
    LogsQuery,
    RecordsQuery,
    RunQuery,
    RunsQuery,
    Scope,
)
from shared.database import Pool
from shared.errors import TagwerkError
from shared.events import Call, Cause, LogLine
from shared.ids import derived_id
from shared.words import CallOutcome, LogLevel, Outcome, RunState
from tests.integration.status.conftest import projecting, publish
from tests.support.run_events import START, RunTeller, failure, record

EVENT = derived_id("upload")


def calls(n: int) -> list[Call]:
    return [
        Call(
            system="bank",
            operation=f"get {i}",
            outcome=CallOutcome.SUCCEEDED,
            started_at=START,
            duration_ms=i,
        )
        for i in range(n)
    ]


def lines(n: int) -> list[LogLine]:
    levels = list(LogLevel)
    return [LogLine(time=START, level=levels[i % 4], message=f"line {i}") for i in range(n)]


def told() -> dict[str, RunTeller]:
    """Runs of two jobs and two clients in several states."""
    at = [START + timedelta(minutes=n) for n in range(6)]
    done = (
        RunTeller("done", start=at[0]).requested(about=["document:1"], cause=Cause(event_id=EVENT)).started(1)
    )
    done.recorded(1, record("page:1", "created"), record("page:2", "unchanged")).called(
        1, *calls(5)
    ).finished(1)
    broken = RunTeller("broken", start=at[1]).requested(cause=Cause(run_id=done.run_id)).started(1)
    broken.recorded(1, record("page:1", "failed"), record("page_1", "deleted")).logged(1, *lines(5))
    broken.progressed(1, 2).finished(1, "partially_failed")
    running = RunTeller("running", start=at[2]).requested(client="other-gmbh", principal="bob").started(1)
    queued = RunTeller("queued", start=at[2]).requested(
        rerun_of=done.run_id, trigger="rerun", client="other-gmbh"
    )
    failed = (
        RunTeller("failed", job="integrations.rates", start=at[3]).requested(trigger="schedule").started(1)
    )
    failed.progressed(1, 1).progressed(1, 2).finished(1, "failed", failure=failure())
    waiting = (
        RunTeller("waiting", job="integrations.rates", start=at[4]).requested().started(1).attempt_failed(1)
    )
    return {run.name: run for run in (done, broken, running, queued, failed, waiting)}


RUNS = told()
NAMES = {run.run_id: name for name, run in RUNS.items()}


@pytest.fixture
async def parts(bus: Bus, pool: Pool) -> AsyncIterator[Parts]:
    async with projecting(bus, pool) as parts:
        messages = [message for run in RUNS.values() for message in run.messages]
        await parts.progress.reach(await publish(bus, messages))
        yield parts


async def names(parts: Parts, **query: Any) -> list[str]:
    page = await parts.queries.runs(RunsQuery(**query))
    return [NAMES[item.run_id] for item in page.items]


async def test_runs_are_found_by_every_filter(parts: Parts) -> None:
    everything = ["waiting", "failed", "running", "queued", "broken", "done"]
    assert sorted(await names(parts)) == sorted(everything)
    expected: list[tuple[dict[str, Any], set[str]]] = [
        ({"job": "integrations.rates"}, {"waiting", "failed"}),
        ({"state": [RunState.QUEUED, RunState.RUNNING]}, {"queued", "running"}),
        ({"client": "other-gmbh"}, {"queued", "running"}),
        ({"principal": "bob"}, {"running"}),
        ({"trigger": "schedule"}, {"failed"}),
        ({"requested_after": START + timedelta(minutes=2)}, {"waiting", "failed"}),
        ({"requested_after": (START + timedelta(minutes=2)).replace(tzinfo=None)}, {"waiting", "failed"}),
        ({"requested_before": START + timedelta(minutes=1)}, {"done"}),
        ({"rerun_of": RUNS["done"].run_id}, {"queued"}),
        ({"caused_by_run": RUNS["done"].run_id}, {"broken"}),
        ({"caused_by_event": EVENT}, {"done"}),
        ({"about": "document:1"}, {"done"}),
        ({"record_key": "page:1"}, {"done", "broken"}),
        ({"action_required": True}, {"broken", "failed"}),
        ({"action_required": False, "job": "integrations.rates"}, {"waiting"}),
    ]
    for query, wanted in expected:
        assert set(await names(parts, **query)) == wanted, query


SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "requested_at": lambda run: run["requested_at"],
    "finished_at": lambda run: run["finished_at"] or START + timedelta(days=9),
    "duration": lambda run: run["duration"] if run["duration"] is not None else 9e9,
    "-requested_at": lambda run: -run["requested_at"].timestamp(),
    "-finished_at": lambda run: -run["finished_at"].timestamp() if run["finished_at"] else 0,
    "-duration": lambda run: -run["duration"] if run["duration"] is not None else 0,
    "job": lambda run: (run["job"], -run["requested_at"].timestamp()),
}


@pytest.mark.parametrize("sort", SORTS)
async def test_each_order_is_kept_over_pages_of_every_size_with_nothing_twice(
    parts: Parts, sort: Any
) -> None:
    whole = (await parts.queries.runs(RunsQuery(sort=sort))).items
    assert len(whole) == 6
    keys = [SORTS[sort](item.model_dump()) for item in whole]
    assert keys == sorted(keys)
    for limit in (1, 2, 4):
        paged: list[UUID] = []
        cursor = None
        while True:
            page = await parts.queries.runs(RunsQuery(sort=sort, limit=limit, cursor=cursor))
            paged += [item.run_id for item in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert paged == [item.run_id for item in whole]


@pytest.mark.parametrize("sort", ["position", "key", "outcome", "-time"])
async def test_records_are_paged_in_each_order(parts: Parts, sort: Any) -> None:
    whole = (await parts.queries.records(RecordsQuery(key_prefix="page", sort=sort))).items
    assert len(whole) == 4
    paged, cursor = [], None
    while True:
        page = await parts.queries.records(RecordsQuery(key_prefix="page", sort=sort, limit=1, cursor=cursor))
        paged += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert paged == whole


async def test_every_run_that_touched_a_record_is_found_the_newest_first(parts: Parts) -> None:
    page = await parts.queries.records(RecordsQuery(key="page:1"))
    assert [(NAMES[r.run_id], r.outcome, r.job) for r in page.items] == [
        ("broken", Outcome.FAILED, "documents.ocr"),
        ("done", Outcome.CREATED, "documents.ocr"),
    ]
    prefix = await parts.queries.records(RecordsQuery(key_prefix="page_", outcome=[Outcome.DELETED]))
    assert [r.key for r in prefix.items] == ["page_1"]
    with pytest.raises(TagwerkError) as refused:
        await parts.queries.records(RecordsQuery())
    assert refused.value.failure.code == "query_invalid"


async def test_changes_calls_logs_and_events_come_in_order_and_paged(parts: Parts) -> None:
    changes = await parts.queries.changes(ChangesQuery(run_id=RUNS["broken"].run_id))
    assert [r.key for r in changes.items] == ["page_1"]
    first = await parts.queries.calls(CallsQuery(run_id=RUNS["done"].run_id, limit=3))
    rest = await parts.queries.calls(
        CallsQuery(run_id=RUNS["done"].run_id, limit=3, cursor=first.next_cursor)
    )
    assert [c.operation for c in first.items + rest.items] == [f"get {i}" for i in range(5)]
    assert rest.next_cursor is None
    logs = await parts.queries.logs(LogsQuery(run_id=RUNS["broken"].run_id, level=LogLevel.WARNING))
    assert [line.message for line in logs.items] == ["line 2", "line 3"]
    whole = await parts.queries.events(EventsQuery(run_id=RUNS["failed"].run_id))
    assert [e.event["type"] for e in whole.items] == [
        "run.requested", "run.started", "run.progressed", "run.progressed", "run.finished",
    ]  # fmt: skip
    after = await parts.queries.events(
        EventsQuery(run_id=RUNS["failed"].run_id, after=whole.items[2].sequence)
    )
    assert after.items == whole.items[3:]


async def test_a_principal_sees_only_the_runs_of_its_clients_and_jobs(parts: Parts) -> None:
    others = Scope(clients=frozenset({"other-gmbh"}))
    rates = Scope(jobs=frozenset({"integrations.rates"}))
    nothing = Scope(clients=frozenset(), jobs=frozenset())
    assert set(await names(parts, scope=others)) == {"running", "queued"}
    assert set(await names(parts, scope=rates)) == {"waiting", "failed"}
    assert await names(parts, scope=nothing) == []
    assert not (await parts.queries.records(RecordsQuery(key="page:1", scope=others))).items
    done = RUNS["done"].run_id
    hidden: list[Awaitable[object]] = [
        parts.details.run(RunQuery(run_id=done, scope=others)),
        parts.queries.records(RecordsQuery(run_id=done, scope=others)),
        parts.queries.changes(ChangesQuery(run_id=done, scope=others)),
        parts.queries.calls(CallsQuery(run_id=done, scope=others)),
        parts.queries.logs(LogsQuery(run_id=done, scope=others)),
        parts.queries.events(EventsQuery(run_id=done, scope=others)),
        parts.details.run(RunQuery(run_id=derived_id("nobody"))),
    ]
    for query in hidden:
        with pytest.raises(TagwerkError) as refused:
            await query
        assert refused.value.failure.code == "run_not_found"
    # Nor does a run that it may see tell of those that it may not.
    muster = Scope(clients=frozenset({"muster-ag"}))
    assert (await parts.details.run(RunQuery(run_id=done, scope=muster))).reruns == []
    assert (await parts.details.run(RunQuery(run_id=done))).reruns == [RUNS["queued"].run_id]


async def test_a_run_tells_everything_about_itself(parts: Parts) -> None:
    done = await parts.details.run(RunQuery(run_id=RUNS["done"].run_id))
    assert (done.state, done.counts, done.calls) == (RunState.SUCCEEDED, {"created": 1, "unchanged": 1}, 5)
    assert (done.about, done.caused_runs) == (["document:1"], [RUNS["broken"].run_id])
    assert [(a.attempt, a.worker, a.outcome) for a in done.attempts] == [(1, "host:123", "succeeded")]
    assert len(done.timeline) == 5
    assert done.answers[5].words == "Yes, 5 calls: bank 5 succeeded."
    waiting = await parts.details.run(RunQuery(run_id=RUNS["waiting"].run_id))
    assert waiting.failure is not None
    assert waiting.attempts[0].next_attempt_at is not None


@pytest.mark.parametrize("cursor", ["", "nonsense", "bm8", "WyJydW5zOmpvYiJd", "WzFd", "eyJhIjoxfQ", "ÄÖ"])
async def test_a_cursor_that_is_none_is_refused(parts: Parts, cursor: str) -> None:
    with pytest.raises(TagwerkError) as refused:
        await parts.queries.runs(RunsQuery(cursor=cursor))
    assert refused.value.failure.code == "cursor_invalid"


async def test_a_cursor_of_another_order_is_refused(parts: Parts) -> None:
    page = await parts.queries.runs(RunsQuery(limit=1))
    with pytest.raises(TagwerkError, match="belongs to the order runs:-requested_at"):
        await parts.queries.runs(RunsQuery(limit=1, cursor=page.next_cursor, sort="duration"))
