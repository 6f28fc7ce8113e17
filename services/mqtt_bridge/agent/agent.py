"""The agent at work: hears commands, does them one after the other, answers, and tells that it is there."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import aiomqtt
import structlog
from pydantic import ValidationError

from services.mqtt_bridge.agent.core import (
    Refused,
    Result,
    Unfinished,
    allowed,
    answer_of_failure,
    answers_of,
    values_of,
)
from services.mqtt_bridge.agent.journal import Journal, Move
from services.mqtt_bridge.agent.local_http import call
from services.mqtt_bridge.agent.pickup import move, pick_up
from services.mqtt_bridge.agent.registry import FilesAction, HttpAction, Registry, SqlAction
from services.mqtt_bridge.agent.sql import run_query
from services.mqtt_bridge.messages import Arrived
from shared.agents import HEARTBEAT, AgentCommand, AgentStatus, topic
from shared.errors import TagwerkError

log = structlog.get_logger(__name__)

Publish = Callable[[str, bytes, bool], Awaitable[None]]


class Agent:
    """`publish(topic, payload, retain)` returns when the broker has it."""

    def __init__(self, registry: Registry, journal: Journal, version: str, publish: Publish) -> None:
        self._registry = registry
        self._journal = journal
        self._version = version
        self._publish = publish
        self._session = uuid4()
        self._connected = asyncio.Event()
        self._work = asyncio.Event()
        self._answers = asyncio.Event()

    # What the connection asks for.

    def will(self) -> aiomqtt.Will:
        """What the broker tells if this connection is lost."""
        self._session = uuid4()
        return aiomqtt.Will(self._topic("status"), self._offline(), 1, True)

    def told(self, why_not: str | None) -> None:
        if why_not is None:
            self._connected.set()

    async def hear(self, message: Arrived) -> None:
        """Write a command down; the broker hears that it came after that."""
        try:
            command = AgentCommand.model_validate_json(message.payload)
        except ValidationError as error:
            log.warning("a message is no command", topic=message.topic, why=str(error)[:300])
            return
        found = self._journal.receive(command)
        log.info("a command came", command=str(command.id), action=command.action, found=found)
        self._work.set()
        self._answers.set()

    # What goes on all the time.

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell_status())
            tasks.create_task(self._work_off())
            tasks.create_task(self._answer())

    async def say_farewell(self) -> None:
        """Tell that it goes."""
        await self._publish(self._topic("status"), self._offline(), True)

    async def _tell_status(self) -> None:
        while True:
            await self._connected.wait()
            self._connected.clear()
            await self._publish(self._topic("status"), self._status(), True)
            try:
                # Told anew at once where the connection is.
                async with asyncio.timeout(HEARTBEAT):
                    await self._connected.wait()
            except TimeoutError:
                self._connected.set()

    def _offline(self) -> bytes:
        return AgentStatus(online=False, session=self._session).encode()

    def _status(self) -> bytes:
        return AgentStatus(
            online=True,
            session=self._session,
            time=datetime.now(UTC),
            version=self._version,
            actions=self._registry.told(),
        ).encode()

    async def _work_off(self) -> None:
        while True:
            self._work.clear()
            await self._move_files()
            for command, begun in self._journal.open_commands():
                await self._do(command, begun=begun)
            await self._work.wait()

    async def _do(self, command: AgentCommand, *, begun: bool) -> None:
        moves: list[Move] = []
        try:
            action = allowed(self._registry, command, command.expires_at if begun else datetime.now(UTC))
            if begun and action.changes:
                raise Unfinished(
                    "agent_interrupted",
                    "the agent ended while it was doing it",
                    "Look into the local system whether it was done, then decide it at the run.",
                    done_perhaps=True,
                )
            values = values_of(action, command.parameters)
            self._journal.begin(command.id)
            try:
                result, moves = await self._perform(action, values, command.id)
            except (TagwerkError, OSError) as error:
                raise Unfinished("agent_failed", str(error), "Check the agent's machine.") from error
            answers = answers_of(command.id, result)
        except (Refused, Unfinished) as error:
            log.warning(
                "a command was not done", command=str(command.id), code=error.failure.code, why=str(error)
            )
            answers = answer_of_failure(command.id, error)
        self._journal.finish(command.id, answers, moves)
        self._answers.set()
        await self._move_files()

    async def _perform(
        self, action: SqlAction | FilesAction | HttpAction, values: dict[str, object], id: UUID
    ) -> tuple[Result, list[Move]]:
        match action:
            case SqlAction():
                return await run_query(action, values), []
            case HttpAction():
                return await call(action, values, str(id)), []
            case FilesAction():
                under_way = {source for source, _ in self._journal.moves()}
                return await asyncio.to_thread(pick_up, action, str(id), under_way)

    async def _move_files(self) -> None:
        for source, target in self._journal.moves():
            try:
                await asyncio.to_thread(move, source, target)
            except OSError as error:
                # It stays known as picked up, and is tried again with the next command.
                log.warning("a file cannot be moved", file=str(source), why=str(error))
                continue
            self._journal.moved(source)

    async def _answer(self) -> None:
        while True:
            self._answers.clear()
            while (found := self._journal.next_answer()) is not None:
                command, number, payload = found
                await self._publish(self._topic("answers"), payload, False)
                self._journal.sent(command, number)
            await self._answers.wait()

    def _topic(self, kind: str) -> str:
        return topic(self._registry.client, self._registry.name, kind)
