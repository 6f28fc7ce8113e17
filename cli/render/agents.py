"""Agents as an administrator reads them: each with its actions below it."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.render.words import moment
from shared.commands import AgentActionRow, AgentRow, AgentsPage


def agents_view(page: AgentsPage) -> RenderableType:
    if not page.items:
        return Text("No agent was ever heard. docs/agents.md says how to start one.", style="dim")
    return Group(*(part for agent in page.items for part in _agent(agent)))


def _agent(agent: AgentRow) -> list[RenderableType]:
    head = Text.assemble((agent.name, "bold"), f"  {agent.client}  ")
    if agent.there:
        head.append(f"connected since {moment(agent.since)}", style="green")
    else:
        head.append(f"away, last heard {moment(agent.seen_at)}", style="red")
    parts: list[RenderableType] = [head]
    parts += [Padding(_action(action), (0, 0, 0, 2)) for action in agent.actions]
    if agent.last is not None:
        last = agent.last
        words = Text(
            f"last command {moment(last.sent_at)}: {last.action}, {last.outcome or 'not answered yet'}"
        )
        if last.late:
            words.append(", answered late")
        if last.cause:
            words.append(f": {last.cause}", style="red")
        parts.append(Padding(words, (0, 0, 0, 2)))
    return parts


def _action(action: AgentActionRow) -> Text:
    parameters = f"({', '.join(action.parameters)})" if action.parameters else ""
    changes = "; it changes something there" if action.changes else ""
    return Text.assemble((f"{action.name}{parameters}", "cyan"), f"  {action.does}{changes}")
