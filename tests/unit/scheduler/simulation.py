"""The scheduler in simulated time: real deciding, a stream and runs in memory, replicas that die anywhere."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.scheduler.decider import Decider
from services.scheduler.rule import occurrences
from services.scheduler.verdicts import RunStands
from shared.commands import Planned, Schedule, ScheduleRule
from shared.events import Occurrence
from shared.words import Catchup, OccurrenceVerdict, Overlap


class Killed(BaseException):
    """The replica dies here."""


class Stream:
    """OCCURRENCES: one verdict for each occurrence. Somebody may die right before and right after."""

    def __init__(self, chance: random.Random) -> None:
        self.said: dict[datetime, Occurrence] = {}
        self.order: list[Occurrence] = []
        self.chance = chance
        self.deadly = 0.0

    def _perhaps_die(self) -> None:
        if self.chance.random() < self.deadly:
            raise Killed

    async def last(self, schedule: str) -> Occurrence | None:
        return self.order[-1] if self.order else None

    async def decide(self, occurrence: Occurrence) -> Occurrence:
        self._perhaps_die()
        if occurrence.nominal not in self.said:
            self.said[occurrence.nominal] = occurrence
            self.order.append(occurrence)
        self._perhaps_die()
        return self.said[occurrence.nominal]


class World:
    """One schedule, some replicas with a clock each, and runs that take a while."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.start = datetime(2026, self.chance.choice([1, 3, 10]), 20, tzinfo=UTC)
        pick = self.chance.choice
        rule = ScheduleRule(
            cron=pick(["30 2 * * *", "*/20 * * * *", "0 1-4 * * *"]),
            zone=pick(["Europe/Zurich", "America/New_York", "UTC"]),
            catchup=pick(list(Catchup)),
            window=pick([600, 86_400]),
            overlap=pick(list(Overlap)),
            jitter=pick([0, 0, 90]),
        )
        self.schedule = Schedule(
            id="lab.noop", job="lab.noop", client="main", principal="ada", origin="set", rule=rule,
            since=self.start, changed_at=self.start, changed_by="ada",
        )  # fmt: skip
        self.stream = Stream(self.chance)
        #: Run -> when it was requested, and how often that was asked for with an effect.
        self.requested: dict[UUID, datetime] = {}
        self.requests: Counter[UUID] = Counter()
        self.delivered: set[UUID] = set()
        self.now = self.start
        self.highest = self.start
        self.replicas = [self._replica() for _ in range(self.chance.randint(1, 3))]

    def _replica(self) -> Decider:
        async def free(schedule: Schedule) -> None:
            return None

        async def stands(job: str, run: UUID) -> RunStands:
            if run not in self.requested:
                return RunStands.HELD
            return (
                RunStands.ENDED if self.now - self.requested[run] > timedelta(minutes=30) else RunStands.OPEN
            )

        async def effective(schedule: Schedule) -> str:
            return schedule.principal

        return Decider(self.stream, free, stands, effective)

    async def live(self, steps: int) -> None:
        self.stream.deadly = 0.03
        for _ in range(steps):
            jump = self.chance.random()
            if jump < 0.04:
                self.now += timedelta(hours=self.chance.randint(1, 60))
            elif jump < 0.08:
                self.now -= timedelta(minutes=self.chance.randint(1, 300))
            else:
                self.now += timedelta(seconds=self.chance.randint(1, 1800))
            await self._step()
        # At last everybody who is there works, and nobody dies.
        self.stream.deadly = 0.0
        self.now = max(self.now, self.highest) + timedelta(hours=1)
        await self._step(everybody=True)

    async def _step(self, *, everybody: bool = False) -> None:
        for index, replica in enumerate(self.replicas):
            if not everybody and self.chance.random() < 0.3:
                continue
            try:
                self.highest = max(self.highest, self.now)
                await replica.decide_due(self.schedule, self.now)
            except Killed:
                self.replicas[index] = self._replica()
        self._deliver(everybody=everybody)

    def _deliver(self, *, everybody: bool) -> None:
        """The durable: at least once, with a death before or after the request."""
        for occurrence in list(self.stream.order):
            request = occurrence.request
            if request is None or occurrence.id in self.delivered:
                continue
            if not everybody and self.chance.random() < 0.1:
                continue
            if request.run_id not in self.requested:
                self.requested[request.run_id] = self.now
                self.requests[request.run_id] += 1
            if everybody or self.chance.random() > 0.1:
                self.delivered.add(occurrence.id)

    def check(self) -> None:
        due = [planned.nominal for planned in self._until_now() if planned.fires_at <= self.now]
        said = self.stream.said
        assert [nominal for nominal in due if nominal not in said] == [], "missed in silence"
        started = [one for one in said.values() if one.verdict is OccurrenceVerdict.STARTED]
        runs = [one.request.run_id for one in started if one.request]
        assert len(runs) == len(set(runs)) == len(started), "two occurrences are one run"
        assert set(runs) == set(self.requested), "what was started runs, and nothing else"
        assert set(self.requests.values()) <= {1}, "started twice"
        nominals = [one.nominal for one in self.stream.order]
        assert nominals == sorted(nominals), "decided out of order"
        assert all(
            (one.reason is not None) for one in said.values() if one.verdict is not OccurrenceVerdict.STARTED
        )
        if self.schedule.rule.catchup is Catchup.ALL and self.schedule.rule.window == 86_400:
            missed = [one for one in said.values() if one.verdict is OccurrenceVerdict.MISSED]
            assert all(one.reason and "within" in one.reason for one in missed)

    def _until_now(self) -> list[Planned]:
        found: list[Planned] = []
        for planned in occurrences(self.schedule.id, self.schedule.rule, self.start, self.start):
            if planned.nominal > self.now:
                break
            found.append(planned)
        return found
