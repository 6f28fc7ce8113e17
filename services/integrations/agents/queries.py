"""Agents as pages, dialogs and checks before a start ask for them."""

from collections.abc import Sequence
from typing import Any

from services.integrations.agents.core import Agent
from services.integrations.agents.store import agent_of
from shared.agents import AgentEnd
from shared.choices import containing
from shared.commands import (
    AgentActionRow,
    AgentRow,
    AgentsPage,
    AgentsQuery,
    Choice,
    ChoicesQuery,
    LastCommand,
)
from shared.database import Pool
from shared.errors import TagwerkError
from shared.events import now

_NEWEST = """
select a.*, c.action, c.run_id, c.sent_at, c.outcome, c.ended_at, c.ending,
       coalesce(c.ended_at > c.answer_by, false) as late
from agents a left join lateral (
    select * from agent_commands where client = a.client and agent = a.name order by sent_at desc limit 1
) c on true
where $1::text[] is null or a.client = any($1)
order by a.client, a.name
"""


async def list_agents(pool: Pool, query: AgentsQuery) -> AgentsPage:
    """Every agent of the clients that the scope names, with the newest command to it."""
    clients = query.scope.clients
    rows = await pool.fetch(_NEWEST, None if clients is None else sorted(clients))
    return AgentsPage(items=[_row(row) for row in rows])


def _row(row: Any) -> AgentRow:
    agent = agent_of(row)
    return AgentRow(
        name=agent.name,
        client=agent.client,
        there=agent.is_there(now()),
        seen_at=agent.seen_at,
        since=agent.since,
        version=agent.version,
        actions=[
            AgentActionRow(
                name=action.name,
                title=action.title,
                does=action.does,
                changes=action.changes,
                parameters=[one.name + ("" if one.required else "?") for one in action.parameters],
            )
            for action in agent.actions
        ],
        last=None if row["action"] is None else _last(row),
    )


def _last(row: Any) -> LastCommand:
    end = None if row["ending"] is None else AgentEnd.model_validate_json(row["ending"])
    return LastCommand(
        action=row["action"],
        run_id=row["run_id"],
        sent_at=row["sent_at"],
        outcome=row["outcome"],
        ended_at=row["ended_at"],
        cause=end.failure.cause if end is not None and end.failure is not None else None,
        late=row["late"],
    )


async def _agents(pool: Pool, client: str) -> list[Agent]:
    rows = await pool.fetch("select * from agents where client = $1 order by name", client)
    return [agent_of(row) for row in rows]


async def probe(pool: Pool, client: str) -> str:
    """Whether an agent of the client is there. Raises `agent_unknown` and `agent_away`."""
    agents = await _agents(pool, client)
    if not agents:
        raise TagwerkError(
            "agent_unknown",
            "no agent of this client has ever been heard",
            concern="mqtt-agent",
            next_step="Start one in the customer's network (docs/agents.md).",
        )
    there = ", ".join(agent.name for agent in agents if agent.is_there(now()))
    away = ", ".join(
        f"{agent.name} ({agent.seen_at:%Y-%m-%d %H:%M} UTC)" for agent in agents if not agent.is_there(now())
    )
    if not there:
        raise TagwerkError(
            "agent_away",
            f"no agent is connected; last heard: {away}",
            concern="mqtt-agent",
            next_step="Have somebody look at the agent's machine and its way out to the broker.",
        )
    if away:
        return f"connected: {there}; away, last heard: {away}"
    return f"connected: {there}"


async def choose_agent(pool: Pool, query: ChoicesQuery) -> Sequence[Choice]:
    """The client's agents, those that are there first."""
    at = now()
    agents = sorted(await _agents(pool, query.client), key=lambda agent: not agent.is_there(at))
    return containing(
        [
            Choice(
                value=agent.name,
                label=agent.name,
                detail="connected"
                if agent.is_there(at)
                else f"away since {agent.seen_at:%Y-%m-%d %H:%M} UTC",
            )
            for agent in agents
        ],
        query.text,
    )


async def choose_action(pool: Pool, query: ChoicesQuery) -> Sequence[Choice]:
    """What the client's agents allow."""
    return containing(
        [
            Choice(value=action.name, label=action.title, detail=f"{agent.name}: {action.does}")
            for agent in await _agents(pool, query.client)
            for action in agent.actions
        ],
        query.text,
    )
