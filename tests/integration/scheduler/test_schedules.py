"""Schedules on a real bus: replicas that race and die, pauses, rights, overlaps, backfills."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from services.scheduler.decider import request_of
from services.scheduler.keeper import Keeper
from services.scheduler.stream import StreamOfVerdicts
from shared import subjects
from shared.access import Principal
from shared.audit import AuditEntry
from shared.buckets import Bucket
from shared.catalogue import catalogue
from shared.commands import (
    Backfill,
    Backfilled,
    OccurrencesPage,
    OccurrencesQuery,
    PauseChanged,
    PauseSchedules,
    Preview,
    PreviewQuery,
    Schedule,
    ScheduleChanged,
    ScheduleRule,
    SchedulesPage,
    SchedulesQuery,
    SetSchedule,
)
from shared.errors import TagwerkError
from shared.events import Occurrence, Requested, Started, decode_run_event, now
from shared.words import Catchup, OccurrenceVerdict, RunState
from tests.support.engine import Engine
from tests.support.spans import Spans, recording, trace_of


@pytest.fixture(autouse=True)
async def principals(engine: Engine) -> None:
    bucket = Bucket(engine.bus, subjects.PRINCIPALS, Principal)
    every = frozenset({"*"})
    await bucket.put("ada", Principal(id="ada", name="Ada", roles=frozenset({"tester"}), clients=every))
    await bucket.put("bob", Principal(id="bob", name="Bob", roles=frozenset({"clerk"}), clients=every))


async def until(condition: Callable[[], Awaitable[Any]], *, timeout: float = 60.0) -> Any:
    deadline = time.monotonic() + timeout
    while True:
        if found := await condition():
            return found
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.05)


async def set_schedule(engine: Engine, id: str, principal: str = "ada", **rule: Any) -> ScheduleChanged:
    command = SetSchedule(
        id=id, client="main", principal=principal, rule=ScheduleRule.model_validate(rule), reason="a test"
    )
    return await engine.bus.ask(subjects.SET_SCHEDULE, command, ScheduleChanged)


async def fire(engine: Engine, id: str, at: datetime, *, principal: str = "ada") -> None:
    """A single time, put where schedules lie: a command would refuse one that has passed meanwhile."""
    since = at - timedelta(minutes=1)
    schedule = Schedule(
        id=id, job=".".join(id.split(".")[:2]), client="main", principal=principal, origin="set",
        rule=ScheduleRule(at=at), since=since, changed_at=since, changed_by=principal,
    )  # fmt: skip
    keeper = Keeper(engine.bus, catalogue(engine.bus), "UTC")
    await keeper.change_schedule(id, partial(_keep, schedule))


def _keep(schedule: Schedule, before: Schedule | None) -> Schedule:
    return schedule


def started(spans: Spans) -> list[ReadableSpan]:
    return spans.named("process run.requested", **{"tagwerk.job": "lab.noop"})


async def verdicts(engine: Engine, schedule: str = ">") -> list[Occurrence]:
    filter = "occurrence.>" if schedule == ">" else f"occurrence.{schedule}.*"
    found = await engine.bus.read(subjects.OCCURRENCES, filter)
    return [Occurrence.model_validate_json(stored.data) for stored in found]


async def requests(engine: Engine, job: str) -> list[Requested]:
    found = await engine.bus.read(subjects.RUNS, f"run.{job}.*.*.requested")
    events = [decode_run_event(stored.data) for stored in found]
    return [event for event in events if isinstance(event, Requested)]


async def test_two_replicas_of_which_one_is_killed_start_each_occurrence_once(engine: Engine) -> None:
    await engine.start("lab", "scheduler")
    doomed = await engine.spawn("scheduler")
    begin = now() + timedelta(seconds=2)
    for number in range(30):
        await fire(engine, f"lab.noop.at-{number}", begin + timedelta(milliseconds=100 * number))

    async def some() -> bool:
        return len(await verdicts(engine)) >= 10

    await until(some)
    await doomed.end()

    async def all_run() -> bool:
        return len(await requests(engine, "lab.noop")) >= 30

    await until(all_run)
    said = await verdicts(engine)
    assert [one.verdict for one in said] == [OccurrenceVerdict.STARTED] * 30
    assert len({one.schedule for one in said}) == 30
    asked = await requests(engine, "lab.noop")
    assert {one.run_id for one in asked} == {one.request.run_id for one in said if one.request}
    assert len(asked) == 30
    for request in asked[:3]:
        assert (await engine.ended("lab.noop", request.run_id)).end.state is RunState.SUCCEEDED
        assert (request.trigger, request.principal) == ("schedule", "ada")
        assert request.cause is not None
        assert request.cause.occurrence == request.idempotency_key


async def test_what_came_due_while_nobody_was_there_is_made_up_for_or_missed(engine: Engine) -> None:
    await engine.start("lab")
    since = (now() - timedelta(hours=3, minutes=30)).replace(microsecond=0)
    keeper = Keeper(engine.bus, catalogue(engine.bus), "UTC")
    for catchup in Catchup:
        schedule = Schedule(
            id=f"lab.noop.{catchup}", job="lab.noop", client="main", principal="ada", origin="set",
            rule=ScheduleRule(every=3600, catchup=catchup, overlap="allow"), since=since, changed_at=since,
            changed_by="ada",
        )  # fmt: skip
        await keeper.change_schedule(schedule.id, partial(_keep, schedule))
    late = [since + timedelta(hours=n) for n in (1, 2, 3)]
    with recording() as spans:
        await engine.start("scheduler")
        await spans.until(lambda: len(started(spans)) >= 1 + len(late))
    # Each occurrence that starts a run begins a trace: it, the request, the attempt.
    for attempt in started(spans):
        request = spans.above(attempt)
        assert request is not None
        occurrence = spans.above(request)
        assert occurrence is not None
        assert (occurrence.name, occurrence.parent) == ("process occurrence", None)
        said = [request for request in await requests(engine, "lab.noop") if request.traceparent]
        assert trace_of(attempt) in {str(request.traceparent).split("-")[1] for request in said}

    async def decided() -> bool:
        return len([one for one in await verdicts(engine) if one.nominal in late]) == 3 * len(late)

    await until(decided)
    words = {
        catchup: [
            one.verdict.value for one in await verdicts(engine, f"lab.noop.{catchup}") if one.nominal in late
        ]
        for catchup in Catchup
    }
    count = len(late)
    assert words[Catchup.NONE] == ["missed"] * count
    assert words[Catchup.LAST] == ["missed"] * (count - 1) + ["started"]
    assert words[Catchup.ALL] == ["started"] * count
    page = await engine.bus.ask(
        subjects.query("scheduler", "schedules"), SchedulesQuery(id="lab.noop.none"), SchedulesPage
    )
    assert page.items[0].missed == count
    missed = await engine.bus.ask(
        subjects.query("scheduler", "occurrences"),
        OccurrencesQuery(schedule="lab.noop.none", verdict=OccurrenceVerdict.MISSED),
        OccurrencesPage,
    )
    assert [row.nominal for row in missed.items] == late[::-1]

    # What was missed can be run afterwards: each once, however often one asks.
    command = Backfill(
        id="lab.noop.none", start=late[0], end=now(), principal="ada", reason="the outage", limit=count
    )
    first = await engine.bus.ask(subjects.BACKFILL, command, Backfilled)
    again = await engine.bus.ask(subjects.BACKFILL, command, Backfilled)
    assert [item.nominal for item in first.items] == late
    assert [item.existing for item in first.items] == [False] * count
    assert [(item.run_id, item.existing) for item in again.items] == [(i.run_id, True) for i in first.items]
    for item in first.items:
        assert (await engine.ended("lab.noop", item.run_id)).end.state is RunState.SUCCEEDED
    with pytest.raises(TagwerkError, match="more than 1 occurrences"):
        await engine.bus.ask(
            subjects.BACKFILL,
            command.model_copy(update={"limit": 1, "start": since - timedelta(days=2)}),
            Backfilled,
        )


async def test_a_pause_and_a_missing_right_skip_with_the_reason_and_changes_are_audited(
    engine: Engine,
) -> None:
    await engine.start("lab", "scheduler")
    pause = PauseSchedules(what="module:lab", paused=True, principal="ada", reason="a migration")
    await engine.bus.ask(subjects.PAUSE_SCHEDULES, pause, PauseChanged)
    await fire(engine, "lab.noop.paused", now())

    async def one(schedule: str) -> Occurrence | None:
        return next(iter(await verdicts(engine, schedule)), None)

    said = await until(lambda: one("lab.noop.paused"))
    assert (said.verdict, said.request) == (OccurrenceVerdict.SKIPPED, None)
    assert said.reason == "ada has paused the module lab: a migration"
    changed = await engine.bus.ask(
        subjects.PAUSE_SCHEDULES, pause.model_copy(update={"paused": False}), PauseChanged
    )
    assert changed.before is not None
    assert changed.after is None
    await set_schedule(engine, "lab.noop.later", cron="0 3 1 1 *")
    await fire(engine, "lab.noop.bob", now(), principal="bob")
    said = await until(lambda: one("lab.noop.bob"))
    assert said.verdict is OccurrenceVerdict.SKIPPED
    assert "bob" in said.reason
    entries = [
        AuditEntry.model_validate_json(stored.data)
        for stored in await engine.bus.read(subjects.AUDIT, "audit.>")
    ]
    assert {entry.action for entry in entries} == {
        "schedules_paused", "schedules_resumed", "schedule_changed", "access_refused",
    }  # fmt: skip
    changes = [entry for entry in entries if entry.action == "schedule_changed"]
    assert all(entry.before is None and entry.after and entry.reason == "a test" for entry in changes)
    assert await requests(engine, "lab.noop") == []


async def test_an_occurrence_that_waits_starts_when_the_run_before_has_been_cancelled(engine: Engine) -> None:
    await engine.start("lab", "scheduler")
    before = await engine.request("lab.sleep", steps=600)
    await engine.until("lab.sleep", before.request.run_id, lambda told: "recorded" in told.types)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    schedule = Schedule(
        id="lab.sleep.often", job="lab.sleep", client="main", principal="ada", origin="set",
        rule=ScheduleRule(every=60, parameters={"steps": 1}), since=at, changed_at=at, changed_by="ada",
    )  # fmt: skip
    request = request_of(schedule, at, "ada", None)
    waits = Occurrence(
        schedule=schedule.id, job=schedule.job, client="main", nominal=at,
        verdict=OccurrenceVerdict.STARTED, request=request, after_run=before.request.run_id,
        cancel_before=True, last_run=request.run_id,
    )  # fmt: skip
    await StreamOfVerdicts(engine.bus).decide(waits)
    told = await engine.ended("lab.sleep", request.run_id)
    cancelled = await engine.ended("lab.sleep", before.request.run_id)
    assert cancelled.end.state is RunState.CANCELLED
    assert told.end.state is RunState.SUCCEEDED
    (started,) = (event for event in told.events if isinstance(event, Started))
    assert cancelled.end.time <= started.time


async def test_a_rule_is_tried_before_it_is_set_and_refused_where_it_is_wrong(engine: Engine) -> None:
    await engine.start("lab", "scheduler")
    rule = ScheduleRule(cron="30 2 * * *", zone="Europe/Zurich")
    after = datetime(2026, 3, 28, tzinfo=UTC)
    preview = await engine.bus.ask(
        subjects.query("scheduler", "preview"), PreviewQuery(rule=rule, after=after, count=3), Preview
    )
    assert [planned.transition for planned in preview.items] == [None, "shifted", None]
    with pytest.raises(TagwerkError, match="five fields"):
        await set_schedule(engine, "lab.noop", cron="1 2 3")
    changed = await set_schedule(engine, "lab.noop", cron="0 3 1 1 *")
    assert changed.before is None
    again = await set_schedule(engine, "lab.noop", cron="0 3 1 1 *")
    assert again.before == again.after == changed.after
