"""Agents, commands and answers in the database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from services.integrations.agents.core import GRACE, Agent, Command
from shared import subjects
from shared.agents import ActionTold, AgentAnswer, AgentCommand, AgentEnd
from shared.database import Pool
from shared.events import Record, now
from shared.ids import new_id
from shared.outbox import Outbox
from shared.runner.context import RunContext

_ACTIONS: TypeAdapter[tuple[ActionTold, ...]] = TypeAdapter(tuple[ActionTold, ...])


def agent_of(row: Any) -> Agent:
    """A row of `agents`."""
    return Agent(
        client=row["client"],
        name=row["name"],
        online=row["online"],
        seen_at=row["seen_at"],
        since=row["since"],
        version=row["version"],
        actions=_ACTIONS.validate_json(row["actions"]),
    )


def command_of(row: Any) -> Command:
    """A row of `agent_commands`."""
    end = None if row["ending"] is None else AgentEnd.model_validate_json(row["ending"])
    return Command(
        id=row["id"],
        agent=row["agent"],
        action=row["action"],
        answer_by=row["answer_by"],
        outcome=row["outcome"],
        failure=None if end is None else end.failure,
        more=end is not None and end.more,
    )


class AgentStore:
    """Bound to one run: its client's agents, and its own commands."""

    def __init__(self, pool: Pool, outbox: Outbox, context: RunContext) -> None:
        self._pool = pool
        self._outbox = outbox
        self._context = context

    async def agents(self) -> dict[str, Agent]:
        """The client's agents by name."""
        rows = await self._pool.fetch("select * from agents where client = $1", self._context.client)
        return {row["name"]: agent_of(row) for row in rows}

    async def commands(self) -> list[Command]:
        """What this run has told agents so far, the oldest first."""
        rows = await self._pool.fetch(
            "select * from agent_commands where run_id = $1 order by sent_at, id", self._context.run_id
        )
        return [command_of(row) for row in rows]

    async def command(self, id: UUID) -> Command:
        row = await self._pool.fetchrow("select * from agent_commands where id = $1", id)
        return command_of(row)

    async def send(
        self,
        agent: Agent,
        action: ActionTold,
        parameters: dict[str, str],
        *,
        within: float,
        effect: str | None,
    ) -> Command:
        """Let a command leave with its row; fenced, so that an attempt that was superseded sends none."""
        context, at = self._context, now()
        expires_at = at + timedelta(seconds=within)
        command = AgentCommand(
            id=new_id(),
            action=action.name,
            parameters=parameters,
            expires_at=expires_at,
            run_id=context.run_id,
        )
        async with self._outbox.transaction() as tx:
            await tx.connection.execute(
                "insert into agent_commands (id, client, agent, action, run_id, job, principal, traceparent,"
                " effect, sent_at, expires_at, answer_by)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                command.id, context.client, agent.name, action.name, context.run_id, context.job,
                context.principal, context.traceparent, effect, at, expires_at,
                expires_at + timedelta(seconds=action.timeout + GRACE),
            )  # fmt: skip
            tx.message(subjects.to_agent(context.client, agent.name), command.encode(), id=command.id)
        return await self.command(command.id)

    async def answers(self, command: UUID, after: int) -> list[tuple[AgentAnswer, Record | None]]:
        """What has come without a gap since answer `after`, each with the record of the file that it ends.

        An answer that ends a file comes here once its document is stored.
        """
        rows = await self._pool.fetch(
            "select number, payload, record from agent_answers where command = $1 and number > $2"
            " order by number",
            command, after,
        )  # fmt: skip
        found: list[tuple[AgentAnswer, Record | None]] = []
        for row in rows:
            answer = AgentAnswer.model_validate_json(row["payload"])
            record = None if row["record"] is None else Record.model_validate_json(row["record"])
            last = answer.file is not None and answer.file.part == answer.file.parts
            if row["number"] != after + len(found) + 1 or (last and record is None):
                break
            found.append((answer, record))
        return found


async def keep_answer(pool: Pool, answer: AgentAnswer, at: datetime) -> bool:
    """Whether it is new."""
    return bool(
        await pool.fetchval(
            "insert into agent_answers (command, number, received_at, payload) values ($1, $2, $3, $4)"
            " on conflict do nothing returning true",
            answer.command, answer.number, at, answer.encode().decode(),
        )
    )  # fmt: skip


async def keep_document(pool: Pool, pieces: Sequence[AgentAnswer], record: Record) -> None:
    """A file is stored: its record stands with its last piece, and what it consisted of goes."""
    last = pieces[-1]
    async with pool.acquire() as connection, connection.transaction():
        for piece in pieces:
            assert piece.file is not None, "asked for by the caller"
            bare = piece.model_copy(update={"file": piece.file.model_copy(update={"base64": ""})})
            await connection.execute(
                "update agent_answers set payload = $3 where command = $1 and number = $2",
                piece.command, piece.number, bare.encode().decode(),
            )  # fmt: skip
        await connection.execute(
            "update agent_answers set record = $3 where command = $1 and number = $2",
            last.command, last.number, record.model_dump_json(exclude_none=True),
        )  # fmt: skip


async def end_if_whole(pool: Pool, command: UUID) -> None:
    """Once the end and everything before it is there, the command has ended."""
    async with pool.acquire() as connection, connection.transaction():
        ended = await connection.fetchval(
            "select ended_at is not null from agent_commands where id = $1 for update", command
        )
        rows = await connection.fetch(
            "select number, received_at, record is not null as recorded, payload from agent_answers"
            " where command = $1 order by number",
            command,
        )
        if ended or not rows:
            return
        answers = [AgentAnswer.model_validate_json(row["payload"]) for row in rows]
        end = answers[-1].end
        missing = any(
            answer.file is not None and answer.file.part == answer.file.parts and not row["recorded"]
            for answer, row in zip(answers, rows, strict=True)
        )
        if end is None or len(answers) != answers[-1].number or missing:
            return
        await connection.execute(
            "update agent_commands set outcome = $2, ending = $3, ended_at = $4 where id = $1",
            command, end.outcome, orjson.dumps(end.model_dump(mode="json", exclude_none=True)).decode(),
            rows[-1]["received_at"],
        )  # fmt: skip
