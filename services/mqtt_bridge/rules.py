"""What a rules file can say: which messages are taken, as whom, and what becomes of them. Pure."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.mqtt_bridge.topics import check_filter, check_topic
from shared.agents import AgentName, topic
from shared.words import Lane

_NAME = r"^[a-z0-9][a-z0-9._-]{0,62}$"

Filter = Annotated[str, AfterValidator(check_filter)]
Topic = Annotated[str, AfterValidator(check_topic)]
#: Where a value stands in a JSON payload: names of fields with dots between them, `order.number`.
FieldPath = Annotated[str, Field(pattern=r"^[^.\s]+(\.[^.\s]+)*$", max_length=200)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Upload(Strict):
    """The payload is a document, as it came."""

    #: What it is called; without one the last level of the topic.
    file_name: str | None = Field(default=None, pattern=r"^[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,199}$")


class Start(Strict):
    """The payload asks for a run of a job."""

    job: str = Field(pattern=r"^[a-z0-9_-]+\.[a-z0-9-]+$")
    #: Values that are always the same.
    parameters: dict[str, Any] = {}
    #: Parameter -> where its value stands in the payload. One that is missing there is left out.
    fields: dict[str, FieldPath] = {}
    lane: Lane = Lane.BULK
    #: A dangerous or risky job wants its id here, and a reason: whoever writes the rule answers for it.
    confirm: str | None = None
    reason: str | None = Field(default=None, max_length=1000)

    @model_validator(mode="after")
    def _no_parameter_twice(self) -> "Start":
        if both := sorted(set(self.parameters) & set(self.fields)):
            raise ValueError(f"{', '.join(both)} stands in `parameters` and in `fields`; leave it in one")
        return self


class Event(Strict):
    """The payload, a JSON object, is told to all services as `event.message.received`."""

    #: What it is called there; jobs that wait for it tell by this which messages are theirs.
    name: str = Field(pattern=_NAME)


class Rule(Strict):
    """One kind of message. Exactly one of `upload`, `start` and `event`."""

    name: str = Field(pattern=_NAME)
    topic: Filter
    client: str = Field(pattern=_NAME)
    principal: str = Field(pattern=_NAME)
    upload: Upload | None = None
    start: Start | None = None
    event: Event | None = None
    #: What makes two messages on one topic the same one. Without it the payload does, for `window_minutes`.
    idempotency_field: FieldPath | None = None
    window_minutes: float = Field(default=10.0, gt=0, le=1440)
    #: Where the answer goes if the message does not say so itself (MQTT 5).
    response_topic: Topic | None = None
    #: What a message's own response topic has to begin with; without it, none is followed.
    response_prefix: Topic | None = None
    #: What the answer repeats as `correlation`, from the payload.
    correlation_field: FieldPath | None = None

    @model_validator(mode="after")
    def _one_meaning(self) -> "Rule":
        meanings = [name for name in ("upload", "start", "event") if getattr(self, name) is not None]
        if len(meanings) != 1:
            said = f"it has {' and '.join(meanings)}" if meanings else "it has none of them"
            raise ValueError(f"give exactly one of `upload`, `start` and `event`; {said}")
        if self.upload is not None and self.idempotency_field is not None:
            raise ValueError(
                "`idempotency_field` means nothing for an upload: the same content is the same document"
            )
        return self


class States(Strict):
    """Which states of runs are told on the broker."""

    #: States go to `<prefix>/<client>/<job>/runs/<run id>` and `<prefix>/<client>/<job>/last`.
    prefix: Topic = "tagwerk/out"
    #: `*`: of every one.
    clients: frozenset[str] = Field(default=frozenset({"*"}), min_length=1)
    jobs: frozenset[str] = Field(default=frozenset({"*"}), min_length=1)

    def tell(self, client: str, job: str) -> bool:
        return bool({"*", client} & self.clients and {"*", job} & self.jobs)


class Agent(Strict):
    """An agent in a customer's network that is heard and may be sent commands."""

    name: AgentName
    client: AgentName


class Rules(Strict):
    rules: tuple[Rule, ...] = ()
    agents: tuple[Agent, ...] = ()
    #: None: no states are told.
    states: States | None = None

    @property
    def filters(self) -> list[str]:
        """What to subscribe to, each once."""
        return sorted({*(rule.topic for rule in self.rules), *self.agent_topics})

    @property
    def agent_topics(self) -> dict[str, tuple[Agent, str]]:
        """Topic -> the agent that speaks there, and what of: `answers` or `status`."""
        return {
            topic(agent.client, agent.name, kind): (agent, kind)
            for agent in self.agents
            for kind in ("answers", "status")
        }


def words_of_job(job: str) -> str:
    """A job id as levels of a topic: `documents/ocr`."""
    return re.sub(r"\.", "/", job, count=1)
