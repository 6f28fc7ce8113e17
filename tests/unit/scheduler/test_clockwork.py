"""Which schedules are looked at, and when."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from services.scheduler.agenda import Agenda
from services.scheduler.clockwork import LOOK_EVERY, Clockwork
from shared.bus import BusUnavailable
from shared.commands import Planned, Schedule, ScheduleRule

BEGIN = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("seed", range(30))
def test_the_agenda_gives_what_is_due_in_order_whatever_was_set_before(seed: int) -> None:
    chance = random.Random(seed)
    agenda, plain = Agenda(), dict[str, datetime]()
    for step in range(200):
        key, moment = f"s{chance.randrange(9)}", BEGIN + chance.randrange(300) * SECOND
        if chance.random() < 0.2:
            agenda.set(key, None)
            plain.pop(key, None)
        else:
            agenda.set(key, moment)
            plain[key] = moment
        if step % 7 == 0:
            now = BEGIN + step * SECOND
            due = agenda.take_due(now)
            assert sorted(due) == sorted(key for key, at in plain.items() if at <= now)
            moments = [plain.pop(key) for key in due]
            assert moments == sorted(moments)
        assert agenda.next() == min(plain.values(), default=None)


class Keeper:
    def __init__(self, schedules: Mapping[str, Schedule]) -> None:
        self.schedules = schedules
        self.kept = 0

    async def by_key(self) -> Mapping[str, Schedule]:
        return self.schedules

    async def keep_defaults(self, now: datetime) -> None:
        self.kept += 1


class Catalogue:
    entries: Mapping[str, Any] = {"lab.noop": object()}

    async def all(self) -> Mapping[str, Any]:
        return self.entries


class Decider:
    """Decides each minute; says at how many schedules was looked."""

    def __init__(self) -> None:
        self.looked: list[str] = []
        self.decided: list[str] = []
        self.next: dict[str, datetime] = {}
        self.away = False

    async def next_of(self, schedule: Schedule) -> Planned:
        self.looked.append(schedule.id)
        if self.away:
            raise BusUnavailable("away")
        at = self.next.setdefault(schedule.id, schedule.since + 60 * SECOND)
        return Planned(nominal=at, fires_at=at, local="")

    async def decide_due(self, schedule: Schedule, now: datetime, *, closing: bool = False) -> None:
        if self.away:
            raise BusUnavailable("away")
        self.decided.append(schedule.id)
        self.next[schedule.id] += 60 * SECOND


def schedule(number: int, **changes: Any) -> Schedule:
    given = {
        "id": f"lab.noop.n{number}", "job": "lab.noop", "client": "main", "principal": "ada", "origin": "set",
        "rule": ScheduleRule(every=60), "since": BEGIN + number * SECOND, "changed_at": BEGIN,
        "changed_by": "ada",
    }  # fmt: skip
    return Schedule.model_validate({**given, **changes})


async def test_only_what_is_due_or_has_changed_is_looked_at_and_nothing_is_lost_in_an_outage() -> None:
    now = BEGIN
    keeper = Keeper({f"schedule.{one.id}": one for one in map(schedule, range(100))})
    clockwork = Clockwork(
        cast(Any, None), cast(Any, keeper), cast(Any, Catalogue()), cast(Any, None), lambda: now
    )
    decider = clockwork.decider = cast(Any, Decider())
    decider.away = True
    with pytest.raises(BusUnavailable):
        await clockwork.turn()
    # Broken off in the middle: all of it is taken over again.
    decider.away = False
    await clockwork.turn()
    assert len(set(decider.looked)) == 100
    decider.looked.clear()

    now = BEGIN + 60 * SECOND
    assert await clockwork.turn() == 1.0
    assert decider.decided == ["lab.noop.n0"]
    assert set(decider.looked) == {"lab.noop.n0"}

    decider.away = True
    now = BEGIN + 61 * SECOND
    await clockwork.turn()
    decider.away = False
    now += timedelta(seconds=LOOK_EVERY)
    await clockwork.turn()
    assert sorted(decider.decided) == ["lab.noop.n0", "lab.noop.n1", "lab.noop.n2"]

    decider.looked.clear()
    changed = schedule(7, since=BEGIN - 3600 * SECOND)
    decider.next.pop(changed.id)
    keeper.schedules = {**keeper.schedules, f"schedule.{changed.id}": changed}
    await clockwork.turn()
    assert set(decider.looked) == {changed.id}
    assert decider.decided[-1] == changed.id
