"""MQTT on the local stack: the bridge runs where there are rules, and each principal of a rule has a user of
its own on the listener, who may publish what its rules take and hear what is answered and told."""

import importlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from deploy.local.state import SECRETS, STACK
from shared import subjects
from shared.agents import topic, user_of
from shared.errors import TagwerkError

#: Name of the rules file in the state folder; without it the bridge is not started.
RULES_FILE: Final = "mqtt.toml"
MQTT_BRIDGE: Final = "mqtt_bridge"
MODULE: Final = "services.mqtt_bridge"

#: Group of the devices' passwords in the state folder.
PASSWORDS: Final = "mqtt"
_LOOPBACK: Final = "127.0.0.1"

#: What the listener itself needs of a user: subscriptions at QoS 1 are kept by the server under it.
_OWN: Final = "$MQTT.sub.>"


@dataclass(frozen=True, slots=True)
class Device:
    """A user of the listener: what it may publish and hear, as subjects of the bus."""

    password: str = field(repr=False)
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def bridge_of(state: Path) -> dict[str, str]:
    """Service name -> module, where the state folder has rules."""
    return {MQTT_BRIDGE: MODULE} if (state / RULES_FILE).is_file() else {}


def read_state_rules(state: Path, *, taken: Iterable[str]) -> Any:
    """The bridge's own `Rules`; `taken` are names of users that the server has already. Raises
    `mqtt_rules_invalid`, also where the listener of the bus cannot serve what another broker could.

    Imported only where there are rules: whoever starts a stack without them needs no service's code.
    """
    rules = importlib.import_module(f"{MODULE}.rules_file").read_rules(state / RULES_FILE)
    for user in principals_of(rules):
        if user in {*taken, *(user_of(agent.name) for agent in rules.agents)}:
            raise _wrong(state, f"{user} is a user of the bus; a rule needs a principal of its own")
    for written in sorted(_topics(rules)):
        first = written.split("/")[0]
        if first in subjects.ROOTS or first[:1] in {"+", "#", "*", ">", "$"}:
            raise _wrong(
                state,
                f"{written} reaches what services say to each other; begin it with a level of its own, such"
                " as tagwerk/",
            )
    return rules


def _topics(rules: Any) -> set[str]:
    """Everything that a user is let publish, or hear."""
    of_rules = {
        one for rule in rules.rules for one in (rule.topic, rule.response_topic, rule.response_prefix)
    }
    return {one for one in of_rules if one is not None} | (
        set() if rules.states is None else {rules.states.prefix}
    )


def _wrong(state: Path, cause: str) -> TagwerkError:
    return TagwerkError(
        "mqtt_rules_invalid",
        f"the rules for MQTT cannot be used on the listener of nats-server: {cause}",
        concern=str(state / RULES_FILE),
        next_step="Correct the file (docs/operations.md shows one), then start the stack again.",
    )


def devices_of(rules: Any, passwords: Mapping[str, str]) -> dict[str, Device]:
    """One for each principal that rules name, and for each agent."""
    devices = {}
    for agent in rules.agents:
        said = {kind: topic(agent.client, agent.name, kind) for kind in ("answers", "status", "commands")}
        devices[user_of(agent.name)] = Device(
            passwords[user_of(agent.name)],
            tuple(sorted(subjects_of(said["answers"]) + subjects_of(said["status"]))),
            tuple(sorted([_OWN, *subjects_of(said["commands"])])),
        )
    for principal in principals_of(rules):
        own = [rule for rule in rules.rules if rule.principal == principal]
        heard = {_OWN}
        for rule in own:
            if rule.response_topic is not None:
                heard |= set(subjects_of(rule.response_topic))
            if rule.response_prefix is not None:
                heard |= set(subjects_of(f"{rule.response_prefix.rstrip('/')}/#"))
            if rules.states is not None:
                heard |= set(subjects_of(f"{rules.states.prefix}/{rule.client}/#"))
        taken = {subject for rule in own for subject in subjects_of(rule.topic)}
        devices[principal] = Device(passwords[principal], tuple(sorted(taken)), tuple(sorted(heard)))
    return devices


def user_of_bridge(rules: Any, password: str) -> Device:
    """The bridge's own user: it hears what rules take and agents say, and tells the rest."""
    told: set[str] = set()
    for rule in rules.rules:
        if rule.response_topic is not None:
            told |= set(subjects_of(rule.response_topic))
        if rule.response_prefix is not None:
            told |= set(subjects_of(f"{rule.response_prefix.rstrip('/')}/#"))
    if rules.states is not None:
        told |= set(subjects_of(f"{rules.states.prefix}/#"))
    for agent in rules.agents:
        told |= set(subjects_of(topic(agent.client, agent.name, "commands")))
    heard = {_OWN, *(subject for filter in rules.filters for subject in subjects_of(filter))}
    return Device(password, tuple(sorted(told)), tuple(sorted(heard)))


def address_of_device(state: Path, principal: str) -> str | None:
    """`mqtt://user:password@host:port`, as a principal of a rule signs in to the listener; None where the
    stack was never started with such a rule."""
    try:
        password = json.loads((state / SECRETS).read_text())[PASSWORDS][principal]
        port = json.loads((state / STACK).read_text())["ports"]["mqtt"]
    except (FileNotFoundError, KeyError):
        return None
    return f"mqtt://{quote(principal, safe='')}:{quote(password, safe='')}@{_LOOPBACK}:{port}"


def principals_of(rules: Any) -> list[str]:
    return sorted({rule.principal for rule in rules.rules})


def users_of(rules: Any) -> list[str]:
    """Who has a user on the listener: principals of rules, and agents."""
    return sorted({*principals_of(rules), *(user_of(agent.name) for agent in rules.agents)})


def subjects_of(filter: str) -> list[str]:
    """The subjects that a filter of MQTT is on nats-server: `a/+/#` is `a.*.>` and `a.*`."""
    # An empty level and a dot have spellings of their own there.
    levels = [level.replace(".", "//") or "/" for level in filter.split("/")]
    if levels[-1] != "#":
        return [".".join("*" if level == "+" else level for level in levels)]
    above = ".".join("*" if level == "+" else level for level in levels[:-1])
    return [f"{above}.>", above] if above else [">"]
