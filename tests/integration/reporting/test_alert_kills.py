"""kill -9 of the service anywhere on the way of an alert: nothing is lost silently, no mail comes twice."""

from pathlib import Path

import pytest

from shared import subjects
from shared.words import AlertKind, RunState, TellingState
from tests.integration.reporting.alerting import World, failure, world
from tests.integration.reporting.conftest import until
from tests.support.faults.points import SIDES, Killing, Recording, Watch
from tests.support.nursery import Newborn, Nursery, environment_of

__all__ = ["world"]

POST = "call webhook-pager: tell of alerts"
MAIL = "call mail-server: send mail"
#: Points that have to be among those found.
EXPECTED = (
    "commit reporting.following.follower.Follower._take as alerts",
    "commit reporting.alerts.telling.Telling.look",
    "write reporting.alerts.sending.Sending._send",
    POST,
    MAIL,
    "commit reporting.alerts.sending.Sending._sent",
)
#: Whether a kill leaves the mail in doubt; at the others it may be on its way or not, beside the webhook.
DOUBTS = {EXPECTED[0]: False, EXPECTED[1]: False, MAIL: True}
SAMPLE = {(MAIL, "after")}


class Repetition:
    """A run that fails while the service is away, for a client of its own."""

    def __init__(self, world: World, nursery: Nursery, number: int) -> None:
        self._world = world
        self._nursery = nursery
        self.client = f"client-{number}"

    async def start(self, watch: Watch | None) -> Newborn:
        settings = self._world.installation.settings(alert_rules=self._world.rules())
        return await self._nursery.start("reporting", environment_of(settings), watch)

    async def fail(self) -> None:
        await self._world.run(RunState.FAILED, client=self.client, failure=failure("closed"))

    async def told(self) -> bool:
        rows = await self._world.alerts_if_answered(client=self.client, kind=AlertKind.RUN_FAILED)
        return bool(rows) and all(
            telling.state in (TellingState.SENT, TellingState.IN_DOUBT) for telling in rows[0].tellings
        )

    async def faults(self, *, in_doubt: bool | None) -> list[str]:
        (alert,) = await self._world.alerts(client=self.client)
        by_mail, by_post = sorted(alert.tellings, key=lambda told: told.destination)
        mails = [
            caught.id
            for caught in self._world.installation.catcher.mails
            if str(by_mail.telling_id) in caught.id
        ]
        posts = [id for id in self._world.receiver.ids if id == str(by_post.telling_id)]
        wrong = []
        if len(alert.tellings) != 2 or alert.count != 1:
            wrong.append(f"told {len(alert.tellings)} times of {alert.count}")
        if by_post.state is not TellingState.SENT or not posts:
            wrong.append(f"the webhook is {by_post.state}, posted {len(posts)} times")
        if len(mails) > 1 or (by_mail.state is TellingState.SENT and len(mails) != 1):
            wrong.append(f"the mail is {by_mail.state}, and came {len(mails)} times")
        if in_doubt not in (None, by_mail.state is TellingState.IN_DOUBT):
            wrong.append(f"the mail is {by_mail.state}")
        return wrong


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.soak)], ids=["sample", "whole"])
def whole(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_a_kill_anywhere_tells_once_or_says_that_it_is_in_doubt(
    world: World, nursery: Nursery, tmp_path: Path, whole: bool
) -> None:
    record = Recording(tmp_path / "points")
    first = Repetition(world, nursery, 1)
    process = await first.start(record)
    await world.answers()
    await first.fail()
    await until(first.told)
    faults = await first.faults(in_doubt=False)
    await process.end()
    assert not faults
    lines = record.path.read_text().splitlines()
    points = {line.split(" ", 2)[2] for line in lines}
    assert points >= set(EXPECTED), f"not found: {set(EXPECTED) - points}; there are {sorted(points)}"

    kills = [(name, side) for name in EXPECTED for side in SIDES if whole or (name, side) in SAMPLE]
    for number, (name, side) in enumerate(kills, 2):
        repetition = Repetition(world, nursery, number)
        await repetition.fail()
        dying = await repetition.start(Killing(name, 1, side))
        assert await dying.wait() == -9, f"{side} {name} was not reached"
        healthy = await repetition.start(None)
        await until(repetition.told)
        faults = await repetition.faults(in_doubt=DOUBTS.get(name))
        await healthy.end()
        assert not faults, f"killed {side} {name}: {faults}"
    assert await world.bus.read(subjects.AUDIT, "audit.delivered")
