"""What Tagwerk and an agent in a customer's network say to each other over MQTT.

    tagwerk/agents/<client>/<agent>/commands   `AgentCommand`, to the agent
    tagwerk/agents/<client>/<agent>/answers    `AgentAnswer`, numbered from 1, the last one is the end
    tagwerk/agents/<client>/<agent>/status     `AgentStatus`, retained; the broker tells when it is away

Everything at QoS 1, so each may come twice: a command is known by its id, an answer by that and its number.
An agent needs this module, `shared.errors` and `shared.tls`, and nothing else of `shared`.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

TOPICS: Final = "tagwerk/agents"

#: Of clients and agents here; no dot, which is a level on nats-server.
AgentName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]

#: Seconds between two signs of life.
HEARTBEAT: Final = 30.0
#: Seconds without one after which an agent counts as away, whatever it said last.
SILENT_AFTER: Final = 90.0
#: Bytes of a file in one answer; with base64 a third more.
PART: Final = 180 * 1024

ParameterType = Literal["text", "integer", "number", "boolean", "date"]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    def encode(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


class ActionParameter(_Said):
    name: str
    type: ParameterType = "text"
    required: bool = True
    description: str | None = None


class ActionTold(_Said):
    """An action that an agent allows."""

    name: str
    title: str
    kind: Literal["sql", "files", "http"]
    #: What it does, in a sentence, without credentials.
    does: str
    #: Whether it changes something in the customer's systems; else it can be done again.
    changes: bool = False
    parameters: tuple[ActionParameter, ...] = ()
    #: Seconds that it may take.
    timeout: float


class AgentStatus(_Said):
    online: bool
    #: One for each connection: a farewell of an earlier one says nothing.
    session: UUID
    #: By the agent's clock.
    time: datetime | None = None
    version: str | None = None
    actions: tuple[ActionTold, ...] = ()


class AgentCommand(_Said):
    id: UUID
    action: str
    parameters: dict[str, Any] = {}
    #: An agent that has not begun by then refuses.
    expires_at: datetime
    #: Run that asks.
    run_id: UUID


class ItemFailure(_Said):
    code: str
    cause: str
    next_step: str | None = None


class AgentItem(_Said):
    """A row, an answer of a local system, or a file that could not be taken."""

    key: str = Field(min_length=1, max_length=300)
    data: dict[str, Any] = {}
    failure: ItemFailure | None = None


class FilePart(_Said):
    """A piece of a file; the pieces of one follow each other."""

    name: str = Field(min_length=1, max_length=200)
    part: int = Field(ge=1)
    parts: int = Field(ge=1)
    #: Of the whole file, in hex.
    sha256: str
    base64: str


class AgentEnd(_Said):
    """How a command ended. `failed` and `refused`: nothing was changed. `unknown`: nobody can tell."""

    outcome: Literal["done", "failed", "refused", "unknown"]
    items: int = 0
    #: There was more than the action may give.
    more: bool = False
    failure: ItemFailure | None = None


class AgentAnswer(_Said):
    """One of the answers to a command: items, a piece of a file, or the end."""

    command: UUID
    number: int = Field(ge=1)
    items: tuple[AgentItem, ...] = ()
    file: FilePart | None = None
    end: AgentEnd | None = None


class AgentMessage(_Said):
    """What came from an agent, as it lies in INGRESS."""

    client: AgentName
    agent: AgentName
    kind: Literal["answers", "status"]
    received_at: datetime
    #: The broker had kept it: it is older than `received_at`.
    retained: bool = False
    #: The payload, which is to be JSON; None if it was none, or larger than the bridge takes.
    text: str | None = None


def topic(client: str, agent: str, kind: str) -> str:
    return f"{TOPICS}/{client}/{agent}/{kind}"


def user_of(agent: str) -> str:
    """As whom an agent signs in to the broker, and stands in the audit log."""
    return f"agent-{agent}"
