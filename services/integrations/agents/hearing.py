"""What comes from agents: that they are there, and answers, however late or often they come.

Files become documents here and not in the run, so that one that comes after the run has given up is no less
a document.
"""

import base64
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from services.integrations.agents.core import failure_of, key_of, whole_files
from services.integrations.agents.store import end_if_whole, keep_answer, keep_document
from shared import subjects
from shared.agents import AgentAnswer, AgentMessage, AgentStatus, ItemFailure, user_of
from shared.bus import Bus
from shared.commands import Decide
from shared.database import Pool
from shared.dead_letters import bury
from shared.effects import Ledger
from shared.errors import Failure, TagwerkError
from shared.events import AgentAway, AgentBack, Record
from shared.intake import Arrival, Intake
from shared.outbox import Outbox, Relay
from shared.pull import Delivery
from shared.telemetry.messages import hearing_agent
from shared.words import Decision, Outcome
from shared.workplace import workplace

log = structlog.get_logger(__name__)


class Hearing:
    """The durable on what came from agents."""

    def __init__(self, bus: Bus, pool: Pool, relay: Relay, intake: Intake) -> None:
        self._bus = bus
        self._pool = pool
        self._relay = relay
        self._intake = intake

    async def handle(self, delivery: Delivery) -> None:
        try:
            message = AgentMessage.model_validate_json(delivery.data)
            if message.text is None:
                raise ValueError("the payload is no text, or larger than the bridge takes")
            if message.kind == "status":
                await self._status(message, AgentStatus.model_validate_json(message.text))
            else:
                await self._answer(message, AgentAnswer.model_validate_json(message.text))
        except ValueError as error:
            reason = Failure(
                code="agent_message_invalid",
                cause=str(error)[:500],
                concern=delivery.subject,
                next_step="Check which version of the agent runs there; then replay this dead letter.",
            )
            await bury(
                self._bus,
                durable=delivery.durable,
                stream=subjects.INGRESS,
                subject=delivery.subject,
                sequence=delivery.sequence,
                data=delivery.data,
                reason=reason,
            )
            await delivery.term()
            return
        await delivery.ack()

    async def _status(self, message: AgentMessage, status: AgentStatus) -> None:
        async with Outbox(self._pool, self._relay).transaction() as tx:
            # Two statuses of one agent wait for each other, also of one that is heard for the first time.
            await tx.connection.execute(
                "select pg_advisory_xact_lock(hashtextextended($1, 0))",
                f"agent {message.client}/{message.agent}",
            )
            before = await tx.connection.fetchrow(
                "select online, session, seen_at from agents where client = $1 and name = $2",
                message.client, message.agent,
            )  # fmt: skip
            if before is None and not status.online:
                # A farewell is all that there is of it; what it can do is not known.
                return
            if before is not None and not status.online and before["session"] != status.session:
                return
            if before is not None and message.received_at < before["seen_at"]:
                return
            changed = before is None or before["online"] != status.online
            # What the broker kept tells how it stands, and not that somebody is there at this moment.
            seen = message.received_at
            if message.retained and before is not None and (status.time is None or not status.online):
                seen = before["seen_at"]
            elif message.retained and status.time is not None:
                seen = min(seen, status.time)
            await tx.connection.execute(
                "insert into agents (client, name, online, session, seen_at, since, version, actions)"
                " values ($1, $2, $3, $4, $5, $5, $6, $7) on conflict (client, name) do update"
                " set online = excluded.online, session = excluded.session,"
                " seen_at = greatest(agents.seen_at, excluded.seen_at),"
                " since = case when $8 then excluded.since else agents.since end,"
                # A farewell tells neither.
                " version = coalesce(excluded.version, agents.version),"
                " actions = case when excluded.online then excluded.actions else agents.actions end",
                message.client, message.agent, status.online, status.session, seen, status.version,
                "[" + ",".join(one.model_dump_json(exclude_none=True) for one in status.actions) + "]",
                changed,
            )  # fmt: skip
            if not changed:
                return
            facts = {
                "client": message.client,
                "principal": user_of(message.agent),
                "about": [f"agent:{message.agent}"],
                "interactive": False,
                "agent": message.agent,
            }
            if status.online:
                tx.event(AgentBack.model_validate({**facts, "software": status.version}))
            else:
                tx.event(AgentAway.model_validate({**facts, "seen_at": message.received_at}))

    async def _answer(self, message: AgentMessage, answer: AgentAnswer) -> None:
        command = await self._pool.fetchrow(
            "select client, agent, action, run_id, principal, traceparent from agent_commands where id = $1",
            answer.command,
        )
        if command is None or (command["client"], command["agent"]) != (message.client, message.agent):
            raise ValueError(f"{message.agent} answers the command {answer.command}, which it was not given")
        with hearing_agent(command["traceparent"]):
            await keep_answer(self._pool, answer, message.received_at)
            if answer.file is not None:
                await self._file(answer, command)
            await end_if_whole(self._pool, answer.command)

    async def _file(self, answer: AgentAnswer, command: Any) -> None:
        rows = await self._pool.fetch(
            "select payload from agent_answers where command = $1 order by number", answer.command
        )
        pieces = whole_files([AgentAnswer.model_validate_json(row["payload"]) for row in rows], answer.number)
        if pieces is None:
            return
        done = await self._pool.fetchval(
            "select record is not null from agent_answers where command = $1 and number = $2",
            answer.command, pieces[-1].number,
        )  # fmt: skip
        if not done:
            await keep_document(self._pool, pieces, await self._document(pieces, command))

    async def _document(self, pieces: list[AgentAnswer], command: Any) -> Record:
        first = pieces[0].file
        assert first is not None, "pieces of a file"
        name = Path(first.name).name
        with workplace() as folder:
            path = folder / "content"
            path.write_bytes(b"".join(base64.b64decode(one.file.base64) for one in pieces if one.file))
            try:
                accepted = await self._intake.accept(
                    Arrival(
                        client=command["client"],
                        principal=command["principal"],
                        file_name=name,
                        path=path,
                        interactive=False,
                        traceparent=command["traceparent"],
                        run_id=UUID(str(command["run_id"])),
                    )
                )
            except TagwerkError as error:
                if error.failure.retryable:
                    raise
                told = ItemFailure(
                    code=error.failure.code, cause=error.failure.cause, next_step=error.failure.next_step
                )
                return Record(
                    key=key_of(command["agent"], command["action"], name),
                    outcome=Outcome.FAILED,
                    label=name,
                    failure=failure_of(told, name),
                )
        event = accepted.event
        # In hand a second time after a kill, it is still what this run has brought in.
        own = not accepted.duplicate or str(event.run_id) == str(command["run_id"])
        return Record(
            key=f"document:{event.document_id}",
            outcome=Outcome.CREATED if own else Outcome.UNCHANGED,
            label=name,
        )

    async def settle_doubts(self) -> int:
        """Decide effects in doubt of which a late answer tells what became of them; how many there were."""
        rows = await self._pool.fetch(
            "select c.agent, c.run_id, c.job, c.effect, c.outcome, c.ended_at from agent_commands c"
            " join effects e on e.client = c.client and e.effect = c.effect and e.run_id = c.run_id"
            " where e.state = 'unknown' and c.outcome in ('done', 'failed', 'refused')"
        )
        settled = 0
        for row in rows:
            happened = row["outcome"] == "done"
            said = "it was done" if happened else "it was not done"
            request = Decide(
                run_id=row["run_id"],
                job=row["job"],
                effect=row["effect"],
                decision=Decision.HAPPENED if happened else Decision.REPEAT,
                principal=user_of(row["agent"]),
                reason=f"the agent answered late: {said}",
            )
            try:
                await Ledger(self._pool, self._relay).decide(request)
                settled += 1
            except TagwerkError as error:
                # Somebody was faster.
                log.info("an effect was decided already", effect=row["effect"], why=str(error))
        return settled
