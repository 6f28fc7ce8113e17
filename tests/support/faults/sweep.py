"""Run a scenario again and again, and kill its service at another point each time.

First undisturbed, to learn what is right; then undisturbed with the points written down; then killed right
before and right after each of them. A healthy process follows the dead one, and when everything has come to
rest, what there is must be what the undisturbed repetition left: nothing twice, nothing lost. Where a run
ended `interrupted`, the effect in doubt is decided by what really happened, and the rest is run again.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from shared import subjects
from shared.commands import Decide, Published
from shared.words import Decision, RunState
from tests.support.faults.lane import PATIENCE, Lane
from tests.support.faults.outcome import Outcome
from tests.support.faults.points import SIDES, Killing, Recording, Side, Watch
from tests.support.faults.scene import USER, Scene
from tests.support.nursery import Newborn

#: Chooses which sides and points a sample takes.
SEED = 4711
#: Points that every service passes at its start: in samples only where a scenario expects them.
START = frozenset({"write database.migrate", "write outbox.Relay.run"})


async def nothing(scene: Scene) -> None: ...


async def nobody(scene: Scene) -> list[str]:
    return []


async def never(scene: Scene, effect: str) -> bool:
    raise AssertionError(f"no effect of this scenario may be in doubt, and {effect} is")


@dataclass(frozen=True)
class Scenario:
    """What happens, who dies meanwhile, and what has to be found."""

    #: The service that is killed, by its name in `nursery.SERVICES`.
    dies: str
    #: Causes everything that is to happen. Whoever calls a service that dies asks again, like any client.
    cause: Callable[[Scene], Awaitable[None]]
    #: Points that have to be among those found, so that a sweep that finds nothing fails.
    expects: Sequence[str]
    #: Services that run all the time; `status` always does.
    beside: Sequence[str] = ()
    #: What is there before; the service that will die is healthy then, and gone before `cause`.
    prepare: Callable[[Scene], Awaitable[None]] = nothing
    #: What a look outside of the installation finds: one line for each thing that happened there.
    look_outside: Callable[[Scene], Awaitable[list[str]]] = nobody
    #: Whether an effect that is in doubt has happened, as a person would find out.
    happened: Callable[[Scene, str], Awaitable[bool]] = never
    #: Kills of a sample at most.
    sample: int = 3
    #: Points that a sample takes with both sides.
    sides_of: Sequence[str] = ()
    #: Columns that are another each time without meaning it: digests of contents with ids in them.
    besides: Sequence[str] = ()
    #: Settings of the service that dies, without the prefix.
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    name: str
    number: int
    side: Side

    def __str__(self) -> str:
        return f"{self.side} {self.name}" + (f" (passage {self.number})" if self.number > 1 else "")


@dataclass
class Kill:
    """A repetition with a kill."""

    point: Point
    seconds: float = 0.0
    #: The process came by the point, and died.
    reached: bool = False
    #: Effects that had to be decided.
    decided: list[str] = field(default_factory=list)
    #: What is wrong afterwards.
    faults: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What a sweep found."""

    #: Name -> passages in an undisturbed repetition.
    points: Counter[str]
    kills: list[Kill]
    #: Temporary files that nobody removes.
    leftovers: list[str]
    seconds: float

    @property
    def faults(self) -> list[str]:
        faults = [f"killed {kill.point}: {fault}" for kill in self.kills for fault in kill.faults]
        return faults + [f"after all kills a temporary file stays: {name}" for name in self.leftovers]

    @property
    def reached(self) -> int:
        return sum(kill.reached for kill in self.kills)

    @property
    def decided(self) -> int:
        return sum(bool(kill.decided) for kill in self.kills)

    def __str__(self) -> str:
        return (
            f"{len(self.points)} points, {self.reached} kills of {len(self.kills)} tried,"
            f" {self.decided} with an effect to decide, {len(self.faults)} faults, {self.seconds:.0f} s"
        )


async def sweep(lanes: Sequence[Lane], scenario: Scenario, *, whole: bool) -> Report:
    """Find the points of the scenario and kill its service there: all of them, both sides, the first and the
    last passage; or a sample."""
    began = time.monotonic()
    await asyncio.gather(*(_start_beside(lane, scenario) for lane in lanes))
    numbers = itertools.count(1)
    # On every lane: what happens only once in an installation has happened before the points are recorded.
    right, *others = await asyncio.gather(*(_undisturbed(lane, scenario, next(numbers)) for lane in lanes))
    points, again = await _recorded(lanes[0], scenario, next(numbers))
    for other in (*others, again):
        assert not (wrong := right.differences(other)), f"two undisturbed repetitions differ: {wrong}"
    for expected in scenario.expects:
        assert expected in points, f"no point {expected!r} was found; there are {sorted(points)}"
    todo = list(product(points)) if whole else sampled(points, scenario)
    kills: list[Kill] = []

    async def work(lane: Lane) -> None:
        while todo:
            kills.append(await _killed(lane, scenario, next(numbers), todo.pop(0), right))

    await asyncio.gather(*(work(lane) for lane in lanes))
    left = [name for lane in lanes for name in await lane.leftovers(scenario.dies, scenario.settings)]
    await asyncio.gather(*(lane.stop_all() for lane in lanes))
    return Report(points, kills, left, time.monotonic() - began)


def product(points: Counter[str]) -> list[Point]:
    """Every point, its first and its last passage, both sides."""
    return [
        Point(name, number, side)
        for name, passages in points.items()
        for number in sorted({1, passages})
        for side in SIDES
    ]


def sampled(points: Counter[str], scenario: Scenario) -> list[Point]:
    """Each point once, at one of its passages and on one side; the same choice each time."""
    chance = random.Random(SEED)
    chosen = [Point(name, 1, side) for name in scenario.sides_of for side in SIDES]
    others = [
        Point(name, chance.choice([1, passages]), chance.choice(SIDES))
        for name, passages in sorted(points.items())
        if name not in scenario.sides_of and (name not in START or name in scenario.expects)
    ]
    room = max(0, scenario.sample - len(chosen))
    return chosen + (others if len(others) <= room else chance.sample(others, room))


class Stage:
    """Where one repetition happens. Use as an async context manager: what it started is gone afterwards."""

    def __init__(self, lane: Lane, scenario: Scenario, number: int) -> None:
        self._lane = lane
        self._scenario = scenario
        self._scene = Scene(lane, f"client-{number}")
        self._service: Newborn | None = None

    async def __aenter__(self) -> Self:
        await self._scene.set_up()
        if self._scenario.prepare is not nothing:
            await self._start(None)
            await self._scenario.prepare(self._scene)
            await self._scene.rest()
            await self._stop()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()
        await self._scene.close()

    async def play(self, watch: Watch | None) -> bool:
        """Cause everything and wait until it has come to rest; whether the service died on the way."""
        service = await self._start(watch)
        playing = asyncio.create_task(self._cause_and_rest())
        try:
            either: tuple[asyncio.Future[Any], ...] = (playing, service.ended)
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            died = not playing.done()
            if died:
                await self._start(None)
            await asyncio.wait_for(playing, 2 * PATIENCE)
        finally:
            playing.cancel()
        return died

    async def outcome(self) -> Outcome:
        found = await self._scene.outcome(self._scenario.besides)
        return replace(found, outside=sorted(await self._scenario.look_outside(self._scene)))

    async def decide(self) -> list[str]:
        """Decide what is in doubt by what really happened, and run it again; the effects that it was."""
        decided = []
        for run in await self._scene.runs():
            # One that is interrupted and names no effect differs from what is right, and that is told.
            if run.state is not RunState.INTERRUPTED or not run.in_doubt:
                continue
            for doubt in run.in_doubt:
                happened = await self._scenario.happened(self._scene, doubt.effect)
                command = Decide(
                    run_id=run.run_id,
                    job=run.job,
                    effect=doubt.effect,
                    decision=Decision.HAPPENED if happened else Decision.REPEAT,
                    principal=USER,
                    reason="looked outside",
                )
                service = subjects.service_of(run.job)
                await self._scene.ask(subjects.decide(service), command, Published)
                decided.append(doubt.effect)
            again = await self._scene.request(run.job, rerun_of=run.run_id, **run.parameters)
            await self._scene.rest()
            (state,) = [other.state for other in await self._scene.runs() if other.run_id == again]
            assert state is RunState.SUCCEEDED, f"the rerun after the decision ended as {state}"
        return decided

    async def _cause_and_rest(self) -> None:
        await self._scenario.cause(self._scene)
        await self._scene.rest()

    async def _start(self, watch: Watch | None) -> Newborn:
        self._service = await self._lane.start(self._scenario.dies, self._scenario.settings, watch)
        return self._service

    async def _stop(self) -> None:
        if self._service is not None:
            await self._service.end()


async def _undisturbed(lane: Lane, scenario: Scenario, number: int) -> Outcome:
    async with Stage(lane, scenario, number) as stage:
        await stage.play(None)
        outcome = await stage.outcome()
    assert outcome.runs or outcome.events or outcome.outside, "the scenario does nothing"
    return outcome


async def _recorded(lane: Lane, scenario: Scenario, number: int) -> tuple[Counter[str], Outcome]:
    """The points that an undisturbed repetition passes, and its outcome."""
    path = lane.folder / f"points-{number}"
    async with Stage(lane, scenario, number) as stage:
        await stage.play(Recording(path))
        outcome = await stage.outcome()
    lines = [line.split(" ", 2) for line in path.read_text().splitlines()]
    return Counter(name for side, _, name in lines if side == "after"), outcome


async def _killed(lane: Lane, scenario: Scenario, number: int, point: Point, right: Outcome) -> Kill:
    """A repetition with a kill, and what is wrong after it."""
    began = time.monotonic()
    kill = Kill(point)
    try:
        async with Stage(lane, scenario, number) as stage:
            kill.reached = await stage.play(Killing(point.name, point.number, point.side))
            kill.decided = await stage.decide()
            # A rerun after a decision is another run, with records of its own.
            kill.faults += right.differences(await stage.outcome(), besides=("runs",) if kill.decided else ())
    except Exception as error:
        kill.faults.append(f"{type(error).__name__}: {error}")
    kill.seconds = time.monotonic() - began
    return kill


async def _start_beside(lane: Lane, scenario: Scenario) -> None:
    names = [name for name in dict.fromkeys(("status", *scenario.beside)) if name != scenario.dies]
    await lane.provision([*names, scenario.dies])
    for name in names:
        await lane.start(name, scenario.settings)
    for name in names:
        await lane.ready(name)
    # Its tables have to be there before the first repetition empties them.
    first = await lane.start(scenario.dies, scenario.settings)
    await lane.ready(scenario.dies)
    await first.end()
