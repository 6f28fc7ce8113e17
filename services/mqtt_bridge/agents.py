"""Agents in customers' networks: what they say goes to INGRESS, commands of EGRESS go to them.

A command that can reach nobody any more is refused here, in the agent's place: then it is known that nothing
was done.
"""

from pydantic import ValidationError

from services.mqtt_bridge.broker import Broker
from services.mqtt_bridge.messages import Arrived
from services.mqtt_bridge.rules import Rules
from shared import subjects
from shared.agents import AgentAnswer, AgentCommand, AgentEnd, AgentMessage, ItemFailure, topic
from shared.bus import Bus
from shared.events import now
from shared.pull import Delivery


class Agents:
    """The agents that the rules name."""

    def __init__(self, rules: Rules) -> None:
        self._topics = rules.agent_topics
        self._known = {(agent.client, agent.name) for agent in rules.agents}

    def heard(self, message: Arrived) -> AgentMessage | None:
        """The message as one of an agent; None if it is from nobody of them."""
        found = self._topics.get(message.topic)
        if found is None:
            return None
        agent, kind = found
        try:
            text = None if message.too_large is not None else message.payload.decode()
        except UnicodeDecodeError:
            text = None
        return AgentMessage.model_validate(
            {
                "client": agent.client,
                "agent": agent.name,
                "kind": kind,
                "received_at": message.received_at,
                "retained": message.retained,
                "text": text,
            }
        )

    async def command(self, delivery: Delivery, bus: Bus, broker: Broker) -> None:
        """Give a command to the broker; acknowledged once the broker has it."""
        client, agent = delivery.subject.removeprefix(subjects.COMMANDS).split(".")
        try:
            command = AgentCommand.model_validate_json(delivery.data)
        except ValidationError:
            await delivery.term()
            return
        refusal = None
        if (client, agent) not in self._known:
            refusal = ItemFailure(
                code="agent_not_configured",
                cause=f"the bridge has no agent {agent} of {client} in its rules",
                next_step="Write it into the rules file as [[agent]] and start the bridge again.",
            )
        # One that was handed out before may have reached the broker: the agent alone knows then.
        elif command.expires_at < now() and delivery.delivered == 1:
            refusal = ItemFailure(
                code="agent_command_too_late",
                cause="the command waited for the broker until it was too late to begin",
                next_step="Check the connection of the bridge to the broker, then start it again.",
            )
        if refusal is None:
            await broker.publish(topic(client, agent, "commands"), delivery.data)
        else:
            answer = AgentAnswer(
                command=command.id, number=1, end=AgentEnd(outcome="refused", failure=refusal)
            )
            told = AgentMessage(
                client=client, agent=agent, kind="answers", received_at=now(), text=answer.encode().decode()
            )
            # Killed right after, it is told again: the command is known by its id.
            await bus.publish(subjects.from_agent(client, agent), told.encode())
        await delivery.ack()
