"""An agent reads rows, hands over a file, and closes an order, while whoever asked for it dies."""

import asyncio
import base64
import hashlib
from collections import defaultdict
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared import subjects
from shared.agents import (
    ActionTold,
    AgentAnswer,
    AgentCommand,
    AgentEnd,
    AgentItem,
    AgentMessage,
    AgentStatus,
    FilePart,
)
from shared.commands import AgentsPage, AgentsQuery
from shared.events import now
from shared.ids import new_id
from tests.faults.conftest import Sweep
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario

JOB = "integrations.mqtt-agent-action"
STORE = "integrations.agents.store"
LETTER = b"A letter that was scanned.\n"
ACTIONS = (
    ActionTold(name="open-orders", title="Open orders", kind="sql", does="reads", timeout=20),
    ActionTold(
        name="close-order", title="Close an order", kind="http", does="closes", changes=True, timeout=20
    ),
)
#: Client -> actions that were done, in their order.
done: dict[str, list[str]] = defaultdict(list)


def answers_to(command: AgentCommand) -> list[AgentAnswer]:
    bodies: list[dict[str, Any]]
    if command.action == "close-order":
        bodies = [{"items": [AgentItem(key="answer", data={"status": 200})]}]
    else:
        bodies = [{"items": [AgentItem(key=str(number)) for number in (1, 2)]}]
        for part, half in enumerate((LETTER[:9], LETTER[9:]), 1):
            piece = FilePart(
                name="letter.txt",
                part=part,
                parts=2,
                sha256=hashlib.sha256(LETTER).hexdigest(),
                base64=base64.b64encode(half).decode(),
            )
            bodies.append({"file": piece})
    bodies.append({"end": AgentEnd(outcome="done", items=len(bodies))})
    return [AgentAnswer(command=command.id, number=number, **body) for number, body in enumerate(bodies, 1)]


async def say(scene: Scene, kind: str, text: bytes) -> None:
    message = AgentMessage.model_validate(
        {"client": scene.client, "agent": "office", "kind": kind, "received_at": now(), "text": text.decode()}
    )
    await scene.bus.publish(subjects.from_agent(scene.client, "office"), message.encode())


async def be_the_agent(scene: Scene) -> None:
    """As the bridge and an agent behind it: a command that comes twice is done once and answered twice."""
    known: set[UUID] = set()
    heard = await scene.bus.nc.subscribe(subjects.to_agent(scene.client, "office"))
    async for msg in heard.messages:
        command = AgentCommand.model_validate_json(msg.data)
        if command.id not in known:
            known.add(command.id)
            done[scene.client].append(command.action)
        for answer in answers_to(command):
            await say(scene, "answers", answer.encode())


async def an_agent_connects(scene: Scene) -> None:
    # Another sweep may have had a client of this name.
    done.pop(scene.client, None)
    scene.company(be_the_agent(scene))
    status = AgentStatus(online=True, session=new_id(), time=now(), version="1", actions=ACTIONS)
    await say(scene, "status", status.encode())
    async with asyncio.timeout(60):
        while not await is_there(scene):  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.05)


async def is_there(scene: Scene) -> bool:
    page = await scene.ask(subjects.query("integrations", "agents"), AgentsQuery(), AgentsPage)
    return any(
        agent.client == scene.client and now() - agent.seen_at < timedelta(hours=1) for agent in page.items
    )


async def ask_it(scene: Scene) -> None:
    for action in ("open-orders", "close-order"):
        await scene.request(JOB, agent="office", action=action)


async def what_was_done(scene: Scene) -> list[str]:
    return sorted(done[scene.client])


@pytest.mark.soak
async def test_a_kill_anywhere_has_the_agent_do_everything_once(sweep: Sweep) -> None:
    await sweep(
        Scenario(
            dies="integrations",
            prepare=an_agent_connects,
            cause=ask_it,
            expects=(
                f"commit {STORE}.AgentStore.send",
                f"write {STORE}.keep_answer",
                f"commit {STORE}.keep_document",
                f"commit {STORE}.end_if_whole",
                "ack integrations-agents",
                "publish event.document.uploaded",
                "publish run.finished",
            ),
            look_outside=what_was_done,
        )
    )
