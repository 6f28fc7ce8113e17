"""Queries about MQTT: the bridge with its connection and rules, and agents in customers' networks."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.commands.common import Query
from shared.errors import Failure


class BridgeQuery(Query):
    """`query.mqtt_bridge.state` -> `BridgeState`: with the rules of the clients that the scope names."""


class LastMessage(BaseModel):
    """The newest message that a rule took. Its payload may say anything, and is not told."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: str
    received_at: datetime
    #: Bytes of the payload.
    size: int
    #: The run that it started, where it is the first of the same messages.
    run_id: UUID | None = None


class BridgeRule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    #: The filter of topics.
    topic: str
    client: str
    principal: str
    makes: Literal["document", "run", "event"]
    #: Of a run.
    job: str | None = None
    #: Of an event.
    event: str | None = None
    #: The field that tells messages apart; else the payload does, for so many minutes.
    idempotency_field: str | None = None
    window_minutes: float
    response_topic: str | None = None
    #: Messages that INGRESS still holds.
    kept: int
    last: LastMessage | None = None


class BridgeState(BaseModel):
    """How the bridge stands."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: Address of the broker, `host:port`.
    broker: str
    #: Why there is no connection to it; None: there is one.
    trouble: Failure | None = None
    #: Messages that wait to be handled, and answers that wait for the broker.
    waiting: int
    answers_waiting: int
    #: Below which topic states of runs are told.
    states_prefix: str | None = None
    rules: list[BridgeRule]


class AgentsQuery(Query):
    """`query.integrations.agents` -> `AgentsPage`: those of the clients that the scope names."""


class AgentActionRow(BaseModel):
    """An action that an agent allows, in its own words."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    title: str
    does: str
    changes: bool = False
    #: Names, the optional ones with a question mark: `since?`.
    parameters: list[str] = []


class LastCommand(BaseModel):
    """The newest command to an agent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    action: str
    run_id: UUID
    sent_at: datetime
    #: None: not answered yet.
    outcome: Literal["done", "failed", "refused", "unknown"] | None = None
    ended_at: datetime | None = None
    #: Why it was not done.
    cause: str | None = None
    #: The answer came when nobody waited for it any more.
    late: bool = False


class AgentRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    client: str
    #: Whether it is there: connected, and heard within the last 90 seconds.
    there: bool
    seen_at: datetime
    #: Since when it is connected, or away.
    since: datetime
    version: str | None = None
    actions: list[AgentActionRow]
    last: LastCommand | None = None


class AgentsPage(BaseModel):
    """Every agent that was ever heard, by client and name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    items: list[AgentRow]
