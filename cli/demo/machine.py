"""A machine outside that talks to Tagwerk over MQTT, like a scanner or a till: it knows a broker and topics,
and nothing of Tagwerk."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import aiomqtt

from deploy.local.mqtt import RULES_FILE
from deploy.local.state import StateFolder

#: The principal of the rule, and the machine's user on the broker.
MACHINE: Final = "watchman"
ASKS: Final = "tagwerk/in/main/verify-the-log"
HEARS: Final = "tagwerk/answers/main/verify-the-log"
STATES: Final = "tagwerk/out/main/audit/verify-log/runs/"

_RULES: Final = Path(__file__).parent / "mqtt.toml"


def write_rules(state: Path) -> None:
    """Let a stack that is started on this folder take the machine's messages. Rules that are there stay.

    Raises `TagwerkError`: `stack_running`, `not_a_state_folder`, ...
    """
    with StateFolder(state) as folder:
        rules = folder.path / RULES_FILE
        if not rules.exists():
            # Killed in between, there are none rather than half of them.
            new = rules.with_suffix(".new")
            shutil.copyfile(_RULES, new)
            new.replace(rules)


@dataclass(frozen=True, slots=True)
class Machine:
    _client: aiomqtt.Client

    async def ask(self, id: str) -> None:
        await self._client.publish(ASKS, json.dumps({"id": id}), qos=1)

    async def hear(self) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
        """Topic and content of what is answered and told, as it comes."""
        async for message in self._client.messages:
            assert isinstance(message.payload, bytes), "received payloads are bytes"
            yield str(message.topic), json.loads(message.payload)


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Machine]:
    """The machine, at the broker: it hears answers to what it asks, and how runs stand."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    async with aiomqtt.Client(
        parts.hostname,
        parts.port or 1883,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        timeout=10,
    ) as client:
        await asyncio.gather(*(client.subscribe(topic, qos=1) for topic in (HEARS, f"{STATES}#")))
        yield Machine(client)
