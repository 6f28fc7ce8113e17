"""The rules file (`TAGWERK_MQTT_RULES`), TOML; see docs/operations.md. Read once, when the service starts:
a wrong one stops it, with the rule, the cause and what to do."""

from pathlib import Path

from services.mqtt_bridge.rules import Agent, Rule, Rules, States
from shared.errors import TagwerkError
from shared.rule_tables import RulesFile


def read_rules(path: Path) -> Rules:
    """Raises `mqtt_rules_invalid`."""

    def wrong(cause: str) -> TagwerkError:
        return _wrong(path, cause)

    file = RulesFile.read(
        path, ("rule", "agent", "states"), wrong, written="there are [[rule]], [[agent]] and [states]"
    )
    rules: list[Rule] = []
    for where, rule in file.rules("rule", Rule):
        for other in rules:
            if other.name == rule.name:
                raise wrong(f"{where}: the name is used twice")
            if other.topic == rule.topic:
                raise wrong(f"{where}: {other.name} takes the same topic, so this is never asked")
        rules.append(rule)
    states = file.one("[states]", file.content["states"], States) if "states" in file.content else None
    agents: list[Agent] = []
    for where, agent in file.rules("agent", Agent):
        # Its name is its user at the broker.
        if any(agent.name == other.name for other in agents):
            raise wrong(f"{where}: the name is used twice")
        agents.append(agent)
    if not rules and not agents and states is None:
        raise wrong("it has no [[rule]], no [[agent]] and no [states], so there is nothing to do")
    return Rules(rules=tuple(rules), agents=tuple(agents), states=states)


def _wrong(path: Path, cause: str) -> TagwerkError:
    return TagwerkError(
        "mqtt_rules_invalid",
        f"the rules for MQTT in {path} cannot be used: {cause}",
        concern=str(path),
        next_step="Correct the file (docs/operations.md shows one), then start the service again.",
    )
