"""The harness finds out jobs that are broken on purpose."""

from collections.abc import Sequence

from tests.faults.lab.test_effects import sent
from tests.support.faults.lane import Lane
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Report, Scenario, sweep


async def found(lanes: Sequence[Lane], job: str, *expects: str) -> Report:
    async def cause(scene: Scene) -> None:
        if job == "lab.send-blindly":
            await scene.request(job, letter="x", folder=str(scene.outside))
        else:
            await scene.request(job, key="a")

    scenario = Scenario(
        dies="lab", cause=cause, expects=expects, look_outside=sent, sides_of=expects, sample=0
    )
    return await sweep(lanes, scenario, whole=False)


def faults_of(report: Report, point: str) -> list[str]:
    return [fault for kill in report.kills if str(kill.point) == point for fault in kill.faults]


async def test_an_event_that_is_told_after_the_commit_is_found_lost(lanes: list[Lane]) -> None:
    event, commit = "publish event.rates.imported", "commit lab.jobs.Items.store"
    report = await found(lanes, "lab.tell-after-commit", event, commit)
    for moment in (f"after {commit}", f"before {event}"):
        (fault,) = faults_of(report, moment)
        assert fault.startswith("events: -"), fault
    assert not faults_of(report, f"before {commit}")


async def test_an_event_that_is_told_before_the_commit_is_found_told_twice(lanes: list[Lane]) -> None:
    event, commit = "publish event.rates.imported", "commit lab.jobs.Items.store"
    report = await found(lanes, "lab.tell-before-commit", event, commit)
    for moment in (f"after {event}", f"before {commit}"):
        (fault,) = faults_of(report, moment)
        assert fault.startswith("events: +"), fault
    assert not faults_of(report, f"before {event}")


async def test_an_effect_without_the_ledger_is_found_done_twice(lanes: list[Lane]) -> None:
    report = await found(lanes, "lab.send-blindly", "publish run.recorded")
    assert faults_of(report, "before publish run.recorded") == ["outside: +x"]
