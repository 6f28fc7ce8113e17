"""What an agent's file may say: where its broker is, and which actions it allows. Pure."""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.agents import ActionParameter, ActionTold, AgentName, ParameterType

#: `:name` in a query; not `::type`, and not in the middle of a word or of a time.
NAMED: Final = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")

_NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,62}$"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Secret(Strict):
    """Where a secret stands: never in the file itself."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Secret":
        if (self.env is None) == (self.file is None):
            raise ValueError("give either `env`, the name of a variable, or `file`")
        return self


class BrokerPlace(Strict):
    """The MQTT broker, to which the agent connects."""

    url: str
    user: str
    password: Secret
    ca_file: Path | None = None
    version: Literal["3.1.1", "5"] = "3.1.1"


class Parameter(Strict):
    name: str = Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    type: ParameterType = "text"
    required: bool = True
    description: str | None = Field(default=None, max_length=300)
    #: The only values that it may have.
    one_of: tuple[str | int | float, ...] = ()


class _Action(Strict):
    name: str = Field(pattern=_NAME)
    title: str = Field(min_length=1, max_length=200)
    parameters: tuple[Parameter, ...] = ()
    #: Seconds.
    timeout: float = Field(default=30.0, gt=0, le=3600)

    @model_validator(mode="after")
    def _no_name_twice(self) -> "_Action":
        names = [one.name for one in self.parameters]
        if len(set(names)) < len(names):
            raise ValueError("a parameter is named twice")
        return self


class SqlAction(_Action):
    """A query that only reads: each row is an item."""

    kind: Literal["sql"]
    #: Where the address of the database stands: `sqlite:////path` or `postgresql://…`.
    database: Secret
    query: str = Field(min_length=1)
    #: Column that tells rows apart; the first one if none is named.
    key: str | None = None
    row_limit: int = Field(default=1000, ge=1, le=10_000)

    @model_validator(mode="after")
    def _same_names(self) -> "SqlAction":
        used, declared = set(NAMED.findall(self.query)), {one.name for one in self.parameters}
        if used != declared:
            odd = ", ".join(sorted(used ^ declared))
            raise ValueError(f"the query and `parameters` have to name the same ones; they differ in: {odd}")
        return self

    @property
    def changes(self) -> bool:
        return False


class FilesAction(_Action):
    """Files of a folder become documents, and are then moved to another folder."""

    kind: Literal["files"]
    folder: Path
    pattern: str = Field(default="*", pattern=r"^[^/\\]+$")
    #: Where they go; without it `picked-up` below the folder.
    done: Path | None = None
    #: Seconds since the last change after which a file counts as whole.
    settled: float = Field(default=10.0, ge=0)
    file_limit: int = Field(default=20_000_000, ge=1, le=100_000_000)
    count_limit: int = Field(default=50, ge=1, le=500)

    @model_validator(mode="after")
    def _no_parameters(self) -> "FilesAction":
        if self.parameters:
            raise ValueError("files are picked up without parameters")
        return self

    @property
    def changes(self) -> bool:
        return False


class HttpAction(_Action):
    """A call to a system in the customer's network."""

    kind: Literal["http"]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    #: `{name}` in its path is replaced by that parameter.
    url: str
    #: Header of the same name as the key, from where its value stands.
    headers: dict[str, Secret] = {}
    answer_limit: int = Field(default=65_536, ge=1, le=131_072)

    @model_validator(mode="after")
    def _address(self) -> "HttpAction":
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("`url` has to be http://host/path or https://…, without password and query")
        if "{" in parts.netloc:
            raise ValueError("the host of `url` is fixed; parameters stand in its path")
        if unknown := self.in_path - {one.name for one in self.parameters}:
            raise ValueError(f"`url` names parameters that are not declared: {', '.join(sorted(unknown))}")
        if optional := self.in_path & {one.name for one in self.parameters if not one.required}:
            raise ValueError(f"in `url` a parameter has to be required: {', '.join(sorted(optional))}")
        return self

    @property
    def in_path(self) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", self.url))

    @property
    def changes(self) -> bool:
        return self.method != "GET"


Action = Annotated[SqlAction | FilesAction | HttpAction, Field(discriminator="kind")]


class Registry(Strict):
    name: AgentName
    client: AgentName
    broker: BrokerPlace
    #: Where the agent writes down what it was told and what it did.
    journal: Path = Path("agent.sqlite")
    action: tuple[Action, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_name_twice(self) -> "Registry":
        names = [one.name for one in self.action]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"the name of an action is used twice: {', '.join(sorted(twice))}")
        return self

    def named(self, name: str) -> SqlAction | FilesAction | HttpAction | None:
        return next((one for one in self.action if one.name == name), None)

    def told(self) -> tuple[ActionTold, ...]:
        """The actions as the agent tells them, without queries and credentials."""
        return tuple(
            ActionTold(
                name=one.name,
                title=one.title,
                kind=one.kind,
                does=what_it_does(one),
                changes=one.changes,
                timeout=one.timeout,
                parameters=tuple(
                    ActionParameter(
                        name=wanted.name,
                        type=wanted.type,
                        required=wanted.required,
                        description=wanted.description,
                    )
                    for wanted in one.parameters
                ),
            )
            for one in self.action
        )


def what_it_does(action: SqlAction | FilesAction | HttpAction) -> str:
    """In words, without query and credentials."""
    match action:
        case SqlAction():
            return f"runs a named query, which only reads, and gives at most {action.row_limit} rows"
        case FilesAction():
            return f"picks up {action.pattern} from {action.folder}, at most {action.count_limit} files"
        case HttpAction():
            return f"sends {action.method} to {action.url}"


def absolute(registry: Registry, beside: Path) -> Registry:
    """With relative paths taken from the folder of the file."""
    content: dict[str, Any] = registry.model_dump()

    def settle(value: Any) -> Any:
        if isinstance(value, Path):
            return beside / value
        if isinstance(value, dict):
            return {key: settle(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [settle(one) for one in value]
        return value

    return Registry.model_validate(settle(content))
