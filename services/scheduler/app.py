"""The scheduler: fires schedules, holds retries until they are due, ends cancelled runs that nobody works on,
and watches for runs and queues that do not go on."""

import functools

from services.scheduler.answers import Answers
from services.scheduler.changes import Changes
from services.scheduler.clockwork import Clockwork
from services.scheduler.declaration import DECLARATION
from services.scheduler.handlers import RunWatch
from services.scheduler.keeper import Keeper
from services.scheduler.recent import Recent
from services.scheduler.starter import Starter
from services.scheduler.watch.answers import answer_watch
from services.scheduler.watch.core import Patience
from services.scheduler.watch.loop import keep_looking
from services.scheduler.watch.queues import QueuesWatch
from services.scheduler.watch.runs import RunsWatch
from shared import subjects
from shared.access import Principal
from shared.buckets import Bucket
from shared.catalogue import catalogue
from shared.commands import (
    Backfill,
    OccurrencesQuery,
    PauseSchedules,
    PreviewQuery,
    SchedulesQuery,
    SeeMissed,
    SetSchedule,
    Watched,
    WatchQuery,
)
from shared.entry import serve
from shared.events import now
from shared.pull import Delivery, Source
from shared.service import Service
from shared.settings import Settings

#: Messages in hand at once; each takes about a millisecond.
SLOTS = 64


def build(settings: Settings) -> Service:
    service = Service(DECLARATION, settings)

    @functools.cache
    def parts() -> tuple[Clockwork, Starter, Answers, Changes]:
        bus = service.bus
        jobs = catalogue(bus)
        keeper = Keeper(bus, jobs, settings.time_zone)
        clockwork = Clockwork(bus, keeper, jobs, Bucket(bus, subjects.PRINCIPALS, Principal))
        answers = Answers(keeper, clockwork, Recent(bus))
        return clockwork, Starter(bus, jobs), answers, Changes(bus, keeper, jobs, clockwork)

    @functools.cache
    def watches() -> tuple[RunsWatch, QueuesWatch]:
        jobs, patience = catalogue(service.bus), Patience(settings.ack_wait)
        return RunsWatch(service.bus, jobs, patience, now), QueuesWatch(service.bus, jobs, patience)

    async def watch_runs() -> None:
        runs, _ = watches()
        await runs.listen()
        await keep_looking(settings.ack_wait / 3, runs.look, runs.deaf)

    async def watch_queues() -> None:
        await keep_looking(settings.ack_wait, watches()[1].look)

    async def watched(query: WatchQuery) -> Watched:
        runs, queues = watches()
        return await answer_watch(query, runs.cases, queues.cases)

    async def retry(delivery: Delivery) -> None:
        await RunWatch(service.bus).release_retry_when_due(delivery)

    async def cancel(delivery: Delivery) -> None:
        await RunWatch(service.bus).end_cancelled_run(delivery)

    async def start(delivery: Delivery) -> None:
        await parts()[1].start(delivery)

    service.source(Source(subjects.RUNS, subjects.RETRIES_DURABLE, retry), slots=SLOTS)
    service.source(Source(subjects.RUNS, subjects.CANCELS_DURABLE, cancel), slots=SLOTS)
    service.source(Source(subjects.OCCURRENCES, subjects.STARTS_DURABLE, start), slots=SLOTS)
    service.background("schedules", lambda: parts()[0].run())
    service.background("watch-runs", watch_runs)
    service.background("watch-queues", watch_queues)
    service.answer(
        subjects.query("scheduler", "schedules"), SchedulesQuery, lambda q: parts()[2].schedules(q)
    )
    service.answer(
        subjects.query("scheduler", "occurrences"),
        OccurrencesQuery,
        lambda asked: parts()[2].occurrences(asked),
    )
    service.answer(
        subjects.query("scheduler", "preview"), PreviewQuery, lambda asked: parts()[2].preview(asked)
    )
    service.answer(subjects.query("scheduler", "watch"), WatchQuery, watched)
    service.answer(subjects.SET_SCHEDULE, SetSchedule, lambda command: parts()[3].set(command))
    service.answer(subjects.PAUSE_SCHEDULES, PauseSchedules, lambda command: parts()[3].pause(command))
    service.answer(subjects.SEE_MISSED, SeeMissed, lambda command: parts()[3].see_missed(command))
    service.answer(subjects.BACKFILL, Backfill, lambda command: parts()[3].backfill(command))
    return service


def main() -> None:
    serve(build)
