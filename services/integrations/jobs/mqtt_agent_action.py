"""`integrations.mqtt-agent-action`: an agent in the customer's network does one of the actions it allows."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from pydantic import Field

from services.integrations.agents.core import (
    check_action,
    check_done,
    check_there,
    foreseen,
    given_of,
    key_of,
)
from services.integrations.agents.exchange import Exchange
from services.integrations.agents.store import AgentStore
from shared.access import Access
from shared.agents import AgentName
from shared.choices import ChosenFrom
from shared.effects import Effects
from shared.events import Record, now
from shared.jobs import Retry, Risky, exponential, job, minutes, seconds
from shared.runner.context import Calls, Progress, RunContext, RunLog
from shared.words import Kind, Level, Outcome

#: `name=value`.
Assignment = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*=", max_length=2000)]

#: The system in the sense of the catalogue; the calls name the agent.
SYSTEM = "mqtt-agent"


@job(
    "integrations.mqtt-agent-action",
    title="Have an agent do something",
    kind=Kind.INTEGRATION,
    owner="Integrations",
    access=Access(module="agents", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(1),
    timeout=minutes(150),
    retry=Retry(attempts=3, backoff=exponential(seconds(10))),
    repeat=Risky(
        "each run has the agent do the action anew: one that changes something in the customer's system "
        "changes it again; one that only reads does no harm"
    ),
    dry_run=True,
    systems=[SYSTEM],
    locations=["file-store"],
    output="a record for each row that the agent read, a document for each file that it picked up",
    expected_result="the agent has done the action once, or has said why not",
    logs="service=integrations job=integrations.mqtt-agent-action",
    troubleshooting="docs/jobs/mqtt-agent-action.md",
)
async def mqtt_agent_action(
    agent: Annotated[AgentName, ChosenFrom("agent"), Field(description="Name of the agent")],
    action: Annotated[
        str, ChosenFrom("agent-action"), Field(description="One of the actions that it allows", max_length=63)
    ],
    parameters: Annotated[
        list[Assignment],
        Field(description="Values for the action, one on each line: name=value", max_length=50),
    ] = [],  # noqa: B006
    within: Annotated[
        int, Field(description="Seconds within which the agent has to begin", ge=1, le=3600)
    ] = 60,
    *,
    store: AgentStore,
    effects: Effects,
    calls: Calls,
    context: RunContext,
    log: RunLog,
    progress: Progress,
) -> AsyncIterator[Record | Sequence[Record]]:
    """Tell an agent in the customer's network what to do, and take over what it answers.

    An action that changes something goes through the ledger: without an answer it is in doubt, and never done
    again by itself. One that only reads is asked for anew.
    """
    agents = await store.agents()
    exchange = Exchange(store, context, calls, progress, system=SYSTEM)
    newest = await exchange.newest()
    # It has a command of this run already, whether it is there at this moment or not.
    chosen = agents.get(agent) if newest is not None else None
    chosen = chosen or check_there(agents.get(agent), agent, list(agents), now())
    given = given_of(parameters)
    wanted = check_action(chosen, action, given)
    if context.dry_run:
        yield foreseen(chosen, wanted, given)
        return
    if not wanted.changes:
        command = await exchange.pending()
        yield await exchange.earlier(command)
        if command is None:
            check_there(chosen, agent, list(agents), now())
            command = await exchange.send(chosen, wanted, given, within=within)
        async for records in exchange.follow(command, changes=False):
            yield records
        command = await store.command(command.id)
        check_done(command)
        if command.more:
            log.warning("there is more than the action may give", agent=agent, action=action)
        return

    key = f"agent-action:{agent}/{action}:{context.run_id}"

    async def ask() -> bool | None:
        """What became of the newest command of this run: waits for the answer as long as it may come."""
        newest = await exchange.newest()
        if newest is None:
            # Killed before it was sent.
            return False
        async for _ in exchange.follow(newest, changes=True, give_up=False):
            pass
        ended = (await store.command(newest.id)).outcome
        return None if ended in (None, "unknown") else ended == "done"

    record = key_of(agent, action)
    async with effects.once(key, record=record, check=ask) as effect:
        if effect.needed:
            command = await exchange.send(chosen, wanted, given, within=within, effect=key)
            async for _ in exchange.follow(command, changes=True):
                pass
            check_done(await store.command(command.id))
    whole = Record(key=record, outcome=Outcome.UPDATED, label=f"{agent}: {wanted.title}")
    newest = await exchange.newest()
    known = newest is not None and effect.doubt is None
    yield [effect.result(whole), *(await exchange.brought(newest, changes=True) if known and newest else [])]
