"""Orders are closed by an agent while it, the bridge and the worker are killed at random: each at most once,
and each is known to be done, known not to be done, or named as doubtful."""

import asyncio
import os
import random

import pytest

from shared.words import RunState
from tests.integration.mqtt_agents.conftest import Network, network
from tests.support.nursery import Newborn

__all__ = ["network"]

SEED = int(os.environ.get("TAGWERK_SOAK_SEED", str(random.SystemRandom().randrange(10**6))))
COMMANDS = 60

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


async def test_an_action_is_done_once_or_in_doubt_whoever_is_killed(network: Network) -> None:
    dice = random.Random(SEED)
    for name in ("integrations", "mqtt_bridge"):
        await network.stop(name)
    await network.start("scheduler")
    services = {name: await network.spawn(name) for name in ("integrations", "mqtt_bridge")}
    agents = [await network.start_agent()]
    kills = 0

    async def kill_at_random() -> None:
        nonlocal kills
        while True:
            await asyncio.sleep(dice.uniform(0.05, 1.0))
            name = dice.choice(["agent", "integrations", "mqtt_bridge"])
            if name == "agent":
                await agents.pop().end()
                agents.append(await network.spawn_agent())
            else:
                died: Newborn = services[name]
                await died.end()
                services[name] = await network.spawn(name)
            kills += 1

    killing = asyncio.create_task(kill_at_random())
    runs = {}
    for number in range(1, COMMANDS + 1):
        runs[number] = await network.request("close-order", number=number)
        await asyncio.sleep(dice.uniform(0.0, 0.5))
    await asyncio.sleep(5)
    killing.cancel()
    states: dict[RunState, int] = {}
    for number, run_id in runs.items():
        told = await network.ended(run_id, timeout=300)
        state = told.end.state
        states[state] = states.get(state, 0) + 1
        asked = network.local.asked.count(f"POST /orders/{number}/close HTTP/1.1")
        what = f"seed {SEED}, order {number}: {state}, closed {asked} times; {told.end.failure}"
        assert asked <= 1, what
        if state is RunState.SUCCEEDED:
            assert asked == 1, what
        elif state is RunState.INTERRUPTED:
            assert told.end.in_doubt, what
        else:
            assert state is RunState.FAILED, what
            assert asked == 0, what
    print(f"seed {SEED}: {kills} kills, {states}")
    assert kills > 10
