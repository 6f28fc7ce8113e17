"""What only the customer's own network reaches: an agent there is asked."""

from cli.demo.office import ACTION, AGENT, ORDERS, agent_at_work
from cli.demo.visitor import Visitor
from cli.demo.world import World
from shared.commands import AgentRow, AgentsPage
from shared.words import RunState

JOB = "integrations.mqtt-agent-action"
CUSTOMER = "Holzwerk Aebi AG"


async def ask_an_agent(visitor: Visitor, world: World) -> None:
    """Have the agent look up open orders of a customer; each is a record of the run."""
    show, story = visitor.show, visitor.story
    show.chapter("An agent in the customer's network")
    if world.agent is None:
        show.say("This stack knows no agent of the demo, so there is nobody to ask.")
        return
    show.say(
        "The customer's orders lie in a database that nobody outside reaches. An agent beside it connects "
        "outwards to the broker, and does what a file there allows: here one query, which only reads."
    )
    before = await _agent(visitor)
    async with agent_at_work(world.office, world.agent) as log:

        async def agent() -> AgentRow | None:
            return await _agent(visitor)

        def has_come(found: AgentRow | None) -> bool:
            return found is not None and found.there and (before is None or found.since > before.since)

        found = await visitor.until(agent, has_come)
        if not story.check("the agent is there", has_come(found), log.read_text()[-300:]):
            return
        assert found is not None
        allowed = [action.name for action in found.actions]
        story.check("it allows one action, and nothing else", allowed == [ACTION], allowed)
        show.say(f"← {found.client}/{found.name}: {found.actions[0].does}", "dim")
        run = await visitor.start(
            JOB,
            "open orders at the customer's",
            {"agent": AGENT, "action": ACTION, "parameters": [f"customer={CUSTOMER}"]},
            confirm=JOB,
            reason="the customer called",
        )
    taken = story.runs[run.run_id]
    for record in taken.records:
        show.say(f"{record.key}  {record.message}", "dim")
    expected = {
        f"agent:{AGENT}/{ACTION}:{number}" for number, customer, _, is_open in ORDERS
        if customer == CUSTOMER and is_open
    }  # fmt: skip
    story.check("the agent was asked", run.state is RunState.SUCCEEDED, run.sentence)
    keys = {record.key for record in taken.records}
    story.check("each open order of that customer is a record, and no other", keys == expected, sorted(keys))
    show.run_in_short(run)
    gone = await visitor.until(agent, lambda found: found is not None and not found.there)
    story.check("the agent has gone, and Tagwerk knows it", gone is not None and not gone.there, gone)


async def _agent(visitor: Visitor) -> AgentRow | None:
    page = await visitor.gateway.get("/agents", AgentsPage)
    return next((agent for agent in page.items if agent.name == AGENT), None)
