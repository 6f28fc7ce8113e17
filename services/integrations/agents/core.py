"""What agents and their answers mean, without I/O."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.agents import SILENT_AFTER, ActionTold, AgentAnswer, AgentItem, ItemFailure
from shared.errors import Failure, NotDone, TagwerkError
from shared.events import Record
from shared.words import Outcome

#: Seconds for an answer on its way.
GRACE = 10.0
#: Characters of a row in its record's message.
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent as it told of itself."""

    client: str
    name: str
    online: bool
    seen_at: datetime
    since: datetime
    version: str | None
    actions: tuple[ActionTold, ...]

    def is_there(self, now: datetime) -> bool:
        """One that has not been heard for a while counts as away: its network or the bridge may be down."""
        return self.online and now - self.seen_at < timedelta(seconds=SILENT_AFTER)


@dataclass(frozen=True, slots=True)
class Command:
    """A command to an agent, as it stands."""

    id: UUID
    agent: str
    action: str
    answer_by: datetime
    #: `done`, `failed`, `refused`, `unknown`; None: not known yet.
    outcome: str | None
    failure: ItemFailure | None
    more: bool


def check_there(agent: Agent | None, name: str, known: Collection[str], now: datetime) -> Agent:
    """Raises `agent_unknown`, and `agent_away`, which is tried again."""
    if agent is None:
        close = difflib.get_close_matches(name, known, n=1)
        raise NotDone(
            "agent_unknown",
            f"no agent {name} of this client has ever been heard"
            + (f"; did you mean {close[0]}?" if close else ""),
            concern=name,
            next_step="Start the agent in the customer's network, and check that the rules of the MQTT bridge"
            " name it.",
        )
    if not agent.is_there(now):
        raise NotDone(
            "agent_away",
            f"the agent {name} is away; it was last heard at {agent.seen_at:%Y-%m-%d %H:%M:%S} UTC",
            concern=name,
            next_step="Have somebody look at the agent's machine and its way out to the broker; it is tried"
            " again by itself.",
            retryable=True,
        )
    return agent


def given_of(assignments: Sequence[str]) -> dict[str, str]:
    """Name -> value, of `name=value`; one without a value is left out. Raises `agent_parameters_invalid`."""
    given: dict[str, str] = {}
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        if name in given:
            raise NotDone(
                "agent_parameters_invalid",
                f"the parameter {name} is given twice",
                concern=name,
                next_step="Correct the parameters and start the job again.",
            )
        if value:
            given[name] = value
    return given


def check_action(agent: Agent, name: str, parameters: Mapping[str, str]) -> ActionTold:
    """The action as the agent told it. Raises `agent_action_unknown` and `agent_parameters_invalid`.

    The agent has the last word; this saves the way there, and tells a dry run what it wants to know.
    """
    action = next((one for one in agent.actions if one.name == name), None)
    if action is None:
        names = [one.name for one in agent.actions]
        close = difflib.get_close_matches(name, names, n=1)
        raise NotDone(
            "agent_action_unknown",
            f"the agent {agent.name} allows no action {name}"
            + (f"; did you mean {close[0]}?" if close else f"; it allows {', '.join(names)}"),
            concern=name,
            next_step="Choose one that it allows, or have it written into the agent's file.",
        )
    declared = {one.name for one in action.parameters}
    wrong = [f"there is no parameter {one}" for one in parameters if one not in declared]
    wrong += [
        f"{one.name} is missing"
        for one in action.parameters
        if one.required and parameters.get(one.name) is None
    ]
    if wrong:
        raise NotDone(
            "agent_parameters_invalid",
            f"the parameters do not fit {name}: {'; '.join(wrong)}",
            concern=name,
            next_step="Correct the parameters and start the job again.",
        )
    return action


def foreseen(agent: Agent, action: ActionTold, parameters: Mapping[str, str]) -> Record:
    """What a dry run tells: the action, as the agent described it when it connected."""
    values = f" with {_listed(parameters)}" if parameters else ""
    changes = "it changes something there" if action.changes else "it changes nothing there"
    return Record(
        key=key_of(agent.name, action.name),
        outcome=Outcome.UPDATED if action.changes else Outcome.UNCHANGED,
        label=f"{agent.name}: {action.title}",
        message=f"{agent.name} {action.does}{values}; {changes}"[:_LONGEST],
    )


def key_of(agent: str, action: str, item: str | None = None) -> str:
    """Record key: of an action, or of one thing that it gave."""
    return f"agent:{agent}/{action}" + ("" if item is None else f":{item}")


def record_of(agent: str, action: str, item: AgentItem, *, changes: bool) -> Record:
    """A row, or the answer of a local system."""
    key = key_of(agent, action, item.key)
    if item.failure is not None:
        return Record(
            key=key, outcome=Outcome.FAILED, label=item.key, failure=failure_of(item.failure, item.key)
        )
    return Record(
        key=key,
        outcome=Outcome.UPDATED if changes else Outcome.UNCHANGED,
        label=item.key,
        message=_listed(item.data)[:_LONGEST] or None,
    )


def failure_of(told: ItemFailure, concern: str) -> Failure:
    return Failure(
        code=told.code,
        cause=told.cause,
        concern=concern,
        next_step=told.next_step or "Look at the agent's log on its machine.",
    )


def check_done(command: Command) -> None:
    """Raises what an end means that is not `done`: `NotDone` where nothing was changed."""
    if command.outcome == "done":
        return
    told = command.failure or ItemFailure(code="agent_failed", cause="the agent gave no reason")
    failure = failure_of(told, command.agent)
    kind = TagwerkError if command.outcome == "unknown" else NotDone
    raise kind(
        failure.code,
        failure.cause,
        concern=failure.concern,
        next_step=failure.next_step,
        # Too late to begin: the next command comes in time.
        retryable=failure.code == "agent_command_too_late",
    )


def no_answer(command: Command, *, changes: bool) -> TagwerkError:
    """The time is over. What was changed, if anything, nobody can tell."""
    return TagwerkError(
        "agent_no_answer",
        f"the agent {command.agent} has not answered by {command.answer_by:%Y-%m-%d %H:%M:%S} UTC",
        concern=command.agent,
        next_step="Nothing: it is tried again by itself."
        if not changes
        else "Look into the customer's system whether it was done, then decide it at the run. A late answer"
        " of the agent decides it by itself.",
        retryable=not changes,
    )


def whole_files(answers: Sequence[AgentAnswer], number: int) -> list[AgentAnswer] | None:
    """The pieces of the file to which answer `number` belongs, in order; None while some are missing."""
    found = {answer.number: answer for answer in answers}
    piece = found[number].file
    if piece is None:
        return None
    first = number - piece.part + 1
    pieces = [found.get(one) for one in range(first, first + piece.parts)]
    if any(one is None or one.file is None or one.file.sha256 != piece.sha256 for one in pieces):
        return None
    return [one for one in pieces if one is not None]


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {'–' if value is None else value}" for name, value in values.items())
