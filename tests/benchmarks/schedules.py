"""A thousand schedules: how late their runs start, and what an occurrence costs."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from deploy.local.stack import LocalStack
from shared import subjects
from shared.buckets import Bucket
from shared.bus import Bus
from shared.commands import Schedule, ScheduleRule
from shared.events import Requested, Started, decode_run_event, now
from tests.benchmarks.figures import Figure, Report, percentile
from tests.benchmarks.stack import connected, cpu_by_process

SCHEDULES = 1000
#: Seconds from one occurrence of a schedule to the next; those of all are spread evenly over them.
EVERY = 30
#: Schedules that are due at the same moment: none together, and as cron makes them meet at full minutes.
TOGETHER = (1, 50)
#: Milliseconds within which a scheduled run starts, at the 99th percentile.
TARGET = 150.0


async def measure_schedules(stack: LocalStack, rounds: int, report: Report) -> None:
    """From the moment at which an occurrence is due until a worker has started its run."""
    async with connected(stack) as bus:
        for together in TOGETHER:
            await _measure(stack, bus, together, rounds, report)


async def _measure(stack: LocalStack, bus: Bus, together: int, rounds: int, report: Report) -> None:
    every = timedelta(seconds=EVERY)
    begin = await _make(bus, together)
    # Once around, to warm up.
    await _sleep_until(begin + every)
    late: list[list[float]] = []
    costs: list[float] = []
    for number in range(1, rounds + 1):
        before = cpu_by_process(stack)["scheduler"]
        await _sleep_until(begin + (number + 1) * every)
        costs.append((cpu_by_process(stack)["scheduler"] - before) / SCHEDULES * 1000)
        await asyncio.sleep(2)
        late.append(await _latenesses(bus, begin + number * every, begin + (number + 1) * every))
    conditions = {"schedules": SCHEDULES, "every_seconds": EVERY, "together": together}
    for percent in (50, 99):
        figure = Figure.of(
            f"schedule_late_ms_p{percent}", "ms", [percentile(one, percent) for one in late], **conditions
        )
        report.add(figure.within(TARGET if percent == 99 else None))
    report.add(Figure.of("scheduler_cpu_ms_per_occurrence", "ms", costs, **conditions))


async def _make(bus: Bus, together: int) -> datetime:
    """Set the schedules, anew if they are there; when the first occurrence of the first is due."""
    begin = now() + timedelta(seconds=15)
    bucket = Bucket(bus, subjects.SCHEDULES, Schedule)
    for number in range(SCHEDULES):
        id = f"lab.noop.n{number}"
        first = begin + timedelta(seconds=EVERY * (number // together * together) / SCHEDULES)
        schedule = Schedule(
            id=id, job="lab.noop", client="main", principal="admin", origin="set",
            rule=ScheduleRule(every=EVERY), since=first - timedelta(seconds=EVERY),
            changed_at=begin, changed_by="admin",
        )  # fmt: skip
        await bucket.put(f"schedule.{id}", schedule)
    return begin


async def _latenesses(bus: Bus, begin: datetime, end: datetime) -> list[float]:
    """Of every occurrence between, in milliseconds. One that did not start is an error."""
    due: dict[UUID, datetime] = {}
    started: dict[UUID, datetime] = {}
    for stored in await bus.read(subjects.RUNS, "run.lab.noop.>"):
        match decode_run_event(stored.data):
            case Requested() as event if event.cause is not None and event.cause.occurrence is not None:
                due[event.run_id] = datetime.fromisoformat(event.cause.occurrence.partition("@")[2])
            case Started() as event:
                started.setdefault(event.run_id, event.time)
            case _:
                pass
    wanted: Sequence[UUID] = [run for run, moment in due.items() if begin <= moment < end]
    if len(wanted) != SCHEDULES or not set(wanted) <= started.keys():
        raise RuntimeError(f"{len(wanted)} of {SCHEDULES} occurrences were requested, or some not started")
    return [(started[run] - due[run]).total_seconds() * 1000 for run in wanted]


async def _sleep_until(moment: datetime) -> None:
    await asyncio.sleep(max(0.0, (moment - now()).total_seconds()))
