"""The watch in simulated time: real watching, a stream in memory, replicas that die and go deaf."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from nats.aio.msg import Msg

from services.scheduler.watch.core import Patience, Queue, QueueWatch, Silences
from services.scheduler.watch.runs import RunsWatch
from shared import subjects
from shared.buckets import Bucket
from shared.bus import Bus, BusUnavailable, Conflict, Stored
from shared.commands import RunsPage, RunSummary
from shared.events import (
    BusinessEventBase,
    Finished,
    Message,
    Requested,
    RunFound,
    RunLost,
    RunOverdue,
    Started,
    decode_business_event,
)
from shared.ids import new_id
from shared.jobs import CatalogueEntry
from shared.subjects import RunSubjects
from shared.words import Lane, RunState, Trigger
from tests.support.lab.jobs import sleep

PATIENCE = Patience(15)
JOB = "lab.sleep"
EXPECTED = 60.0
BEGIN = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


class Killed(BaseException):
    """The replica dies here."""


@dataclass
class World:
    """RUNS and EVENTS, what the projection shows of them, and who listens."""

    chance: random.Random
    now: datetime = BEGIN
    messages: list[Stored] = field(default_factory=list)
    running: dict[UUID, RunSummary] = field(default_factory=dict)
    deadly: float = 0.0
    away: bool = False

    def store(self, subject: str, event: Message) -> int:
        self.messages.append(Stored(subject, len(self.messages) + 1, event.encode(), {}))
        return len(self.messages)

    def start(self, run_id: UUID, attempt: int = 1) -> int:
        """A run is requested, or due again, and a worker starts it; the sequence of the work item."""
        where = RunSubjects(JOB, run_id)
        request = Requested(
            run_id=run_id, job=JOB, client="main", principal="ada", effective_principal="ada",
            trigger=Trigger.MANUAL, time=self.now,
        )  # fmt: skip
        item = self.store(where.requested(Lane.BULK), request) if attempt == 1 else 1
        self.store(where.ev, Started(run_id=run_id, attempt=attempt, worker="w:1", delivery=2, time=self.now))
        self.running[run_id] = RunSummary(
            run_id=run_id, job=JOB, client="main", principal="ada", effective_principal="ada",
            trigger=Trigger.MANUAL, state=RunState.RUNNING, sentence="", action_required=False,
            requested_at=self.now, started_at=self.now, attempt=attempt,
        )  # fmt: skip
        return item

    def end(self, run_id: UUID, *, projected: bool = True) -> None:
        where = RunSubjects(JOB, run_id)
        attempt = self.running[run_id].attempt
        self.store(
            where.ev, Finished(run_id=run_id, attempt=attempt, state=RunState.SUCCEEDED, time=self.now)
        )
        if projected:
            del self.running[run_id]

    def told(self) -> list[BusinessEventBase]:
        found = [decode_business_event(one.data) for one in self.messages if one.subject.startswith("event.")]
        return [event for event in found if isinstance(event, BusinessEventBase)]

    def kinds(self) -> Counter[str]:
        return Counter(one.subject for one in self.messages if one.subject.startswith("event."))


class FakeBus:
    """What the watch asks of the bus, answered from the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.nc = self
        self.ears: Callable[[Msg], Awaitable[None]]

    async def subscribe(self, subject: str, cb: Callable[[Msg], Awaitable[None]]) -> object:
        self.ears = cb
        return object()

    async def beat(self, item: int, delivered: int = 1) -> None:
        subject = f"$JS.ACK.{subjects.RUNS}.lab-sleep-bulk.{delivered}.{item}.9.9.0"
        await self.ears(Msg(cast(Any, None), subject=subject, data=b"+WPI"))

    async def ask(self, subject: str, query: object, answer: object) -> RunsPage:
        if self.world.away:
            raise BusUnavailable("away")
        return RunsPage(items=list(self.world.running.values()))

    async def read(self, stream: str, filter: str, *, after: int = 0) -> list[Stored]:
        return [one for one in self.world.messages if _matches(filter, one.subject) and one.sequence > after]

    async def read_last(self, stream: str, filter: str) -> Stored | None:
        return next(iter(reversed(await self.read(stream, filter))), None)

    async def publish(self, subject: str, data: bytes, *, expect_last: tuple[str, int]) -> int:
        self._perhaps_die()
        last = await self.read_last("", expect_last[0])
        if (0 if last is None else last.sequence) != expect_last[1]:
            raise Conflict("somebody else spoke")
        self.world.messages.append(Stored(subject, len(self.world.messages) + 1, data, {}))
        self._perhaps_die()
        return len(self.world.messages)

    def _perhaps_die(self) -> None:
        if self.world.chance.random() < self.world.deadly:
            raise Killed


def _matches(filter: str, subject: str) -> bool:
    tokens, there = filter.split("."), subject.split(".")
    if tokens[-1] == ">":
        tokens, there = tokens[:-1], there[: len(tokens) - 1]
    return len(tokens) == len(there) and all(a in ("*", b) for a, b in zip(tokens, there, strict=True))


class Catalogue:
    entry = CatalogueEntry.of(sleep, "1")

    async def get(self, key: str) -> CatalogueEntry:
        return self.entry.model_copy(update={"expected_runtime": EXPECTED})


class Replica:
    def __init__(self, world: World) -> None:
        self.world = world
        self.bus = FakeBus(world)
        catalogue = cast(Bucket[CatalogueEntry], Catalogue())
        self.watch = RunsWatch(cast(Bus, self.bus), catalogue, PATIENCE, lambda: world.now)

    async def look(self, passed: float = 5.0) -> None:
        await self.watch.listen()
        try:
            await self.watch.look(passed)
        except BusUnavailable:
            self.watch.deaf()


async def live(
    world: World, replicas: list[Replica], seconds: int, beats: Mapping[int, int] | None = None
) -> None:
    """`beats`: work item -> delivery of those whose workers live."""
    for _ in range(seconds // 5):
        world.now += timedelta(seconds=5)
        for index, replica in enumerate(replicas):
            try:
                await replica.look()
            except Killed:
                replicas[index] = replica = Replica(world)
                await replica.watch.listen()
            for item, delivered in (beats or {}).items():
                await replica.bus.beat(item, delivered)


async def test_a_run_is_overdue_after_three_times_its_expected_runtime_until_it_ends() -> None:
    world = World(random.Random(0))
    replicas = [Replica(world)]
    run = new_id()
    item = world.start(run)
    await live(world, replicas, 180, {item: 1})
    assert world.told() == []
    await live(world, replicas, 60, {item: 1})
    (overdue,) = world.told()
    assert isinstance(overdue, RunOverdue)
    assert (overdue.run_id, overdue.expected_runtime, overdue.allowed) == (run, 60, 180)
    assert (overdue.client, overdue.about) == ("main", [f"run:{run}"])
    # The projection is behind: what the stream tells counts, and it has nothing more to say.
    world.end(run, projected=False)
    await live(world, replicas, 120)
    del world.running[run]
    await live(world, replicas, 120)
    assert world.kinds() == {"event.run.overdue": 1, "event.run.overdue_ended": 1}


async def test_a_run_is_lost_when_its_worker_is_silent_and_found_when_it_is_heard() -> None:
    world = World(random.Random(0))
    replicas = [Replica(world)]
    run = new_id()
    item = world.start(run)
    await live(world, replicas, 60, {item: 2})
    # One whose delivery went to another, and one of another run: no signs of this attempt.
    await live(world, replicas, 60, {item: 1, 999: 1})
    (lost,) = world.told()
    assert isinstance(lost, RunLost)
    assert (lost.run_id, lost.attempt, lost.worker) == (run, 1, "w:1")
    assert lost.silent >= PATIENCE.lost
    await live(world, replicas, 10, {item: 2})
    found = world.told()[-1]
    assert isinstance(found, RunFound)
    assert (found.how, found.opened_by) == ("heard", lost.id)


async def test_whoever_was_deaf_does_not_say_that_a_run_is_lost() -> None:
    world = World(random.Random(0))
    replicas = [Replica(world)]
    item = world.start(new_id())
    await live(world, replicas, 45, {item: 1})
    for _ in range(10):
        await live(world, replicas, 35)
        world.away = True
        await live(world, replicas, 5)
        world.away = False
    assert world.kinds()["event.run.lost"] == 0


@pytest.mark.parametrize("seed", range(40))
async def test_each_case_is_opened_and_closed_once_whoever_dies_when(seed: int) -> None:
    chance = random.Random(seed)
    world = World(chance, deadly=0.3)
    replicas = [Replica(world) for _ in range(chance.randint(1, 3))]
    runs = [new_id() for _ in range(3)]
    for run in runs:
        world.start(run)
    await live(world, replicas, 300)
    world.deadly = 0.0
    await live(world, replicas, 100)
    world.deadly = 0.3
    overtaken, *others = runs
    world.start(overtaken, attempt=2)
    for run in others:
        world.end(run)
    await live(world, replicas, 40)
    world.end(overtaken)
    world.deadly = 0.0
    await live(world, replicas, 120)
    told = Counter((one.run_id, cast(Any, one).type.removeprefix("event.run.")) for one in world.told())
    wanted = Counter((run, kind) for run in runs for kind in ("overdue", "overdue_ended", "lost", "found"))
    assert told == wanted
    how = {one.run_id: one.how for one in world.told() if isinstance(one, RunFound)}
    assert how == {overtaken: "taken_over", **dict.fromkeys(others, "ended")}


def test_silence_is_counted_from_when_one_listens() -> None:
    silences = Silences()
    silences.look(["a"], 5)
    assert silences.of("a") == 0
    silences.look(["a", "b"], 5)
    assert (silences.of("a"), silences.of("b")) == (5, 0)
    silences.heard("a")
    silences.heard("nobody")
    silences.look(["a"], 5)
    assert (silences.of("a"), silences.of("b"), silences.of("nobody")) == (5, 0, 0)


WAITING = Queue(pending=3, in_hand=0, asking=0, delivered=10, done=10)


@pytest.mark.parametrize(
    ("queue", "alive", "after"),
    [
        (WAITING, False, 60),
        (WAITING, True, 900),
        # What a worker took along when it died waits, too; what a living one has is being worked on.
        (Queue(pending=0, in_hand=2, asking=0, delivered=10, done=8), False, 60),
        (Queue(pending=5, in_hand=2, asking=0, delivered=10, done=8), True, None),
        (Queue(pending=5, in_hand=0, asking=1, delivered=10, done=10), False, None),
        (Queue(pending=0, in_hand=0, asking=0, delivered=10, done=10), False, None),
    ],
)
def test_a_queue_is_unworked_when_requests_wait_and_nobody_asks(
    queue: Queue, alive: bool, after: float | None
) -> None:
    watch = QueueWatch()
    watch.look(queue, 15)
    for passed in range(15, 3600, 15):
        watch.look(queue, 15)
        unworked = watch.unworked(queue, PATIENCE, alive=alive)
        assert unworked == (after is not None and passed >= after), passed
    # One more was handed out: somebody works.
    watch.look(Queue(queue.pending, queue.in_hand, 0, queue.delivered + 1, queue.done), 15)
    assert watch.worked
