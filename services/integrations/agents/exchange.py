"""A run's commands to an agent, and what is answered to them."""

import asyncio
from collections.abc import AsyncIterator

from services.integrations.agents.core import Agent, Command, failure_of, no_answer, record_of
from services.integrations.agents.store import AgentStore
from shared.agents import ActionTold
from shared.events import Record, now
from shared.runner.context import Calls, OpenCall, Progress, RunContext
from shared.words import CallOutcome

#: Seconds between two looks for answers; another replica may have taken them.
_LOOK_EVERY = 0.2


class Exchange:
    """Bound to one attempt of a run."""

    def __init__(
        self, store: AgentStore, context: RunContext, calls: Calls, progress: Progress, *, system: str
    ) -> None:
        self._store = store
        self._context = context
        self._calls = calls
        self._progress = progress
        self._system = system

    async def newest(self) -> Command | None:
        """The last command of this run."""
        commands = await self._store.commands()
        return commands[-1] if commands else None

    async def pending(self) -> Command | None:
        """The last command, where it is done, or may still be answered: an earlier attempt has sent it."""
        newest = await self.newest()
        if newest is None or newest.outcome == "done":
            return newest
        return newest if newest.outcome is None and now() < newest.answer_by else None

    async def send(
        self,
        agent: Agent,
        action: ActionTold,
        parameters: dict[str, str],
        *,
        within: float,
        effect: str | None = None,
    ) -> Command:
        return await self._store.send(agent, action, parameters, within=within, effect=effect)

    async def brought(self, command: Command, *, changes: bool) -> list[Record]:
        """What has come of a command so far."""
        return (await self._look(command, 0, changes=changes))[0]

    async def earlier(self, than: Command | None) -> list[Record]:
        """What earlier commands of this run brought, for which nobody waited any more."""
        commands = [one for one in await self._store.commands() if than is None or one.id != than.id]
        return [record for one in commands for record in await self.brought(one, changes=False)]

    async def follow(
        self, command: Command, *, changes: bool, give_up: bool = True
    ) -> AsyncIterator[list[Record]]:
        """The records of its answers as they come, until its end. Raises `agent_no_answer` when the time is
        over, or with `give_up` False ends without a word."""
        named = f"{command.agent}: {command.action}"
        lost = CallOutcome.UNKNOWN if changes else CallOutcome.FAILED
        known = 0
        with self._calls.begin(self._system, named, broken_off=lost) as call:
            while True:
                command = await self._store.command(command.id)
                records, known = await self._look(command, known, changes=changes)
                if records:
                    yield records
                    await self._progress(known, None, named)
                if command.outcome is not None:
                    _end(call, command)
                    return
                if now() > command.answer_by:
                    _end(call, command)
                    if give_up:
                        raise no_answer(command, changes=changes)
                    return
                await asyncio.sleep(_LOOK_EVERY)

    async def _look(self, command: Command, known: int, *, changes: bool) -> tuple[list[Record], int]:
        """The records of answers after `known`, and how many answers are known then."""
        answers = await self._store.answers(command.id, known)
        records = [
            record_of(command.agent, command.action, item, changes=changes)
            for answer, _ in answers
            for item in answer.items
        ]
        records += [record for _, record in answers if record is not None]
        return [record for record in records if self._context.wants(record.key)], known + len(answers)


def _end(call: OpenCall, command: Command) -> None:
    outcomes = {
        "done": CallOutcome.SUCCEEDED,
        "failed": CallOutcome.FAILED,
        "refused": CallOutcome.FAILED,
    }
    failure = None if command.failure is None else failure_of(command.failure, command.agent)
    call.end(
        outcomes.get(command.outcome or "", CallOutcome.UNKNOWN), command.outcome or "no answer", failure
    )
