"""The simplest job that writes: rows and outcomes, one transaction each."""

from tests.faults.conftest import Sweep
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario


async def cause(scene: Scene) -> None:
    await scene.request("lab.store", keys=["a", "b", "c"])


STORE = Scenario(
    dies="lab",
    cause=cause,
    expects=(
        "write database.migrate",
        "write outbox.Relay.run",
        "publish run.started",
        "commit lab.jobs.Items.store",
        "publish run.recorded",
        "publish run.finished",
        "ack lab-store-interactive",
    ),
)


async def test_a_kill_anywhere_in_a_job_that_stores_changes_nothing(sweep: Sweep) -> None:
    await sweep(STORE)
