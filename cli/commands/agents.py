"""Agents in customers' networks, for technical administrators."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.session import Session


async def agents(session: "Session") -> None:
    """List agents in customers' networks: which are there, what each allows, the last command."""
    from cli.render.agents import agents_view
    from shared.commands import AgentsPage

    page = await session.gateway.get("/agents", AgentsPage)
    session.output.answer(page, agents_view)
