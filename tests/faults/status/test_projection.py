"""The projector is killed while runs happen; what it tells in the end is what happened."""

from tests.faults.conftest import Sweep
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario


async def cause(scene: Scene) -> None:
    await scene.request("lab.store", keys=["a", "b"])
    await scene.request("lab.records", count=5, fail=[2])


PROJECTION = Scenario(
    dies="status", beside=("lab",), cause=cause, expects=("commit status.projection.Projection._commit",)
)


async def test_a_kill_anywhere_in_the_projection_changes_nothing(sweep: Sweep) -> None:
    await sweep(PROJECTION)
