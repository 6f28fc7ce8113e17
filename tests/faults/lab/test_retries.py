"""A run that fails, waits and is tried again: its worker dies, and the scheduler that holds the retry."""

from tests.faults.conftest import Sweep
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario


async def cause(scene: Scene) -> None:
    await scene.request("lab.flaky", fails=1)


async def cause_patiently(scene: Scene) -> None:
    """With a wait that is long enough for the scheduler to hand the retry back."""
    await scene.request("lab.patient", fails=1)


WORKER = Scenario(
    dies="lab",
    beside=("scheduler",),
    cause=cause,
    expects=("publish run.attempt_failed", "publish run.finished"),
)
SCHEDULER = Scenario(
    dies="scheduler",
    beside=("lab",),
    cause=cause_patiently,
    expects=("publish run.due", "nak scheduler-retries", "ack scheduler-retries"),
)


async def test_a_kill_of_the_worker_anywhere_in_a_retry_changes_nothing(sweep: Sweep) -> None:
    await sweep(WORKER)


async def test_a_kill_of_the_scheduler_anywhere_in_a_retry_changes_nothing(sweep: Sweep) -> None:
    await sweep(SCHEDULER)
