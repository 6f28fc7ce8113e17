"""Kills at any point, clocks that jump, replicas that race: nothing is lost, nothing runs twice."""

import pytest

from tests.unit.scheduler.simulation import World


async def _live(seeds: range, steps: int) -> None:
    for seed in seeds:
        world = World(seed)
        await world.live(steps)
        try:
            world.check()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {world.schedule.rule}") from error


async def test_no_occurrence_is_lost_or_doubled() -> None:
    await _live(range(120), steps=40)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_no_occurrence_is_lost_or_doubled_in_thousands_of_lives() -> None:
    await _live(range(1000, 6000), steps=60)
