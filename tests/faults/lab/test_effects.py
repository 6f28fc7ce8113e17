"""Letters that are to be sent once: by the ledger, with and without a counterpart that can be asked."""

from functools import partial

from shared import subjects
from shared.commands import Decide, Published
from shared.errors import TagwerkError
from shared.words import Decision, RunState
from tests.faults.conftest import Sweep
from tests.support.faults.scene import USER, Scene
from tests.support.faults.sweep import Scenario


async def sent(scene: Scene) -> list[str]:
    file = scene.outside / "sent"
    return file.read_text().split() if file.exists() else []


async def was_sent(scene: Scene, effect: str) -> bool:
    return effect.removeprefix("send:") in await sent(scene)


async def send(scene: Scene, *, checkable: bool) -> None:
    await scene.request("lab.send", letters=["x", "y"], folder=str(scene.outside), checkable=checkable)


BEGIN = "write effects.Effects._begin of lab.jobs.send"
COMPLETE = "write effects.Effects._complete of lab.jobs.send"
SEND = Scenario(
    dies="lab",
    beside=("scheduler",),
    cause=partial(send, checkable=False),
    expects=(BEGIN, COMPLETE),
    look_outside=sent,
    happened=was_sent,
    sides_of=(BEGIN, COMPLETE),
)
SEND_CHECKABLE = Scenario(
    dies="lab",
    beside=("scheduler",),
    cause=partial(send, checkable=True),
    expects=(BEGIN, COMPLETE),
    look_outside=sent,
)


async def test_a_kill_around_an_effect_leaves_it_done_once_or_decidable(sweep: Sweep) -> None:
    report = await sweep(SEND)
    by_point = {(kill.point.name, kill.point.side): kill.decided for kill in report.kills if kill.reached}
    # Only between these two does nobody know; everywhere else nothing is in doubt.
    assert all(
        bool(decided) == (point in {(BEGIN, "after"), (COMPLETE, "before")})
        for point, decided in by_point.items()
    ), by_point


async def test_a_counterpart_that_can_be_asked_leaves_nothing_in_doubt(sweep: Sweep) -> None:
    await sweep(SEND_CHECKABLE)


async def leave_in_doubt(scene: Scene) -> None:
    await scene.request("lab.send", letters=["x", "y"], folder=str(scene.outside), mode="lost-answer")


async def decide(scene: Scene) -> None:
    (run,) = [run for run in await scene.runs() if run.state is RunState.INTERRUPTED]
    command = Decide(
        run_id=run.run_id,
        job=run.job,
        effect="send:x",
        decision=Decision.HAPPENED,
        principal=USER,
        reason="the customer has it",
    )
    try:
        await scene.ask(subjects.decide("lab"), command, Published)
    except TagwerkError as error:
        # The answer to the first try was lost with the process; what it decided stands.
        if error.failure.code != "effect_not_in_doubt":
            raise


DECIDE = Scenario(
    dies="lab",
    beside=("scheduler",),
    prepare=leave_in_doubt,
    cause=decide,
    expects=("commit effects.Ledger.decide", "publish run.decided", "commit outbox.Relay._pass"),
    look_outside=sent,
)


async def test_a_kill_anywhere_in_a_decision_decides_once(sweep: Sweep) -> None:
    await sweep(DECIDE)
