"""What a command asks for, and how its results are cut into answers. No I/O."""

import base64
import difflib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from services.mqtt_bridge.agent.registry import NAMED, FilesAction, HttpAction, Parameter, Registry, SqlAction
from shared.agents import PART, AgentAnswer, AgentCommand, AgentEnd, AgentItem, FilePart, ItemFailure

#: Bytes of items in one answer.
ITEMS_BYTES: Final = 128 * 1024
#: Bytes of one item.
ITEM_LIMIT: Final = 160 * 1024

_TYPES: Final[Mapping[str, TypeAdapter[Any]]] = {
    "text": TypeAdapter(str),
    "integer": TypeAdapter(int),
    "number": TypeAdapter(Decimal),
    "boolean": TypeAdapter(bool),
    "date": TypeAdapter(date),
}


class Refused(Exception):
    """The agent does not do it; nothing was done."""

    def __init__(self, code: str, cause: str, next_step: str) -> None:
        super().__init__(cause)
        self.failure = ItemFailure(code=code, cause=cause, next_step=next_step)


class Unfinished(Exception):
    """It was begun and failed. `done_perhaps`: nobody can tell whether it changed something."""

    def __init__(self, code: str, cause: str, next_step: str, *, done_perhaps: bool = False) -> None:
        super().__init__(cause)
        self.done_perhaps = done_perhaps
        self.failure = ItemFailure(code=code, cause=cause, next_step=next_step)


@dataclass(frozen=True, slots=True)
class PickedFile:
    name: str
    content: bytes


@dataclass(slots=True)
class Result:
    """What an action gave."""

    items: list[AgentItem] = field(default_factory=list)
    files: list[PickedFile] = field(default_factory=list)
    #: There was more than it may give.
    more: bool = False


def allowed(registry: Registry, command: AgentCommand, now: datetime) -> SqlAction | FilesAction | HttpAction:
    """The action of a command. Raises `Refused`: not in the registry, or too late to begin."""
    action = registry.named(command.action)
    if action is None:
        close = difflib.get_close_matches(command.action, [one.name for one in registry.action], n=1)
        raise Refused(
            "agent_action_unknown",
            f"the agent {registry.name} allows no action {command.action}"
            + (f"; did you mean {close[0]}?" if close else ""),
            "Choose one that it allows, or have it written into the agent's file.",
        )
    if command.expires_at < now:
        raise Refused(
            "agent_command_too_late",
            f"it was to begin by {command.expires_at:%Y-%m-%d %H:%M:%S} UTC, and the agent's clock showed"
            f" {now:%Y-%m-%d %H:%M:%S} UTC",
            "Start it again. If it happens again, check the clock of the agent's machine.",
        )
    return action


def values_of(action: SqlAction | FilesAction | HttpAction, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters in their types; None for an optional one that is missing. Raises `Refused`."""
    wrong = [f"there is no parameter {name}" for name in given if name not in _names(action)]
    values: dict[str, Any] = {}
    for wanted in action.parameters:
        value = given.get(wanted.name)
        if value is None:
            if wanted.required:
                wrong.append(f"{wanted.name} is missing")
            values[wanted.name] = None
            continue
        try:
            values[wanted.name] = _TYPES[wanted.type].validate_python(value)
        except ValidationError as error:
            wrong.append(f"{wanted.name}: {error.errors()[0]['msg']}")
            continue
        if wanted.one_of and not _among(values[wanted.name], wanted):
            wrong.append(f"{wanted.name} has to be one of {', '.join(map(str, wanted.one_of))}")
    if wrong:
        raise Refused(
            "agent_parameters_invalid",
            f"the parameters do not fit {action.name}: {'; '.join(wrong)}",
            "Correct the parameters and start it again.",
        )
    return values


def _names(action: SqlAction | FilesAction | HttpAction) -> set[str]:
    return {one.name for one in action.parameters}


def _among(value: Any, wanted: Parameter) -> bool:
    return str(value) in {str(one) for one in wanted.one_of}


def numbered(query: str) -> tuple[str, list[str]]:
    """A query with `:name` as PostgreSQL wants it, `$1`, and the names in their order."""
    names: list[str] = []

    def number(match: Any) -> str:
        name = match[1]
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return NAMED.sub(number, query), names


def rows_as_items(columns: Sequence[str], rows: Sequence[Sequence[Any]], key: str | None) -> list[AgentItem]:
    """Raises `Unfinished` where the key column is missing, or two rows have the same key."""
    name = key or columns[0]
    if name not in columns:
        raise Unfinished(
            "agent_key_missing",
            f"the query gives no column {name}; it gives {', '.join(columns)}",
            "Correct `key` or the query in the agent's file.",
        )
    items: dict[str, AgentItem] = {}
    for row in rows:
        data = {column: _plain(value) for column, value in zip(columns, row, strict=True)}
        shown = str(data[name])[:300]
        if not shown or data[name] is None:
            raise Unfinished(
                "agent_key_missing",
                f"a row has no value in the column {name}, which tells rows apart",
                "Correct `key` or the query in the agent's file.",
            )
        if shown in items:
            raise Unfinished(
                "agent_key_twice",
                f"two rows have {shown} in the column {name}, which is to tell rows apart",
                "Name another column in `key`, or correct the query in the agent's file.",
            )
        items[shown] = AgentItem(key=shown, data=data)
    return list(items.values())


def _plain(value: Any) -> Any:
    """A value of a database as JSON has it; amounts stay exact, as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def answers_of(id: UUID, result: Result) -> list[AgentAnswer]:
    """Numbered from 1: items, the pieces of files, and the end."""
    bodies: list[dict[str, Any]] = [{"items": chunk} for chunk in _in_chunks(result.items)]
    for file in result.files:
        bodies += [{"file": part} for part in _parts(file)]
    end = AgentEnd(outcome="done", items=len(result.items) + len(result.files), more=result.more)
    bodies.append({"end": end})
    return [AgentAnswer(command=id, number=number, **body) for number, body in enumerate(bodies, 1)]


def answer_of_failure(id: UUID, error: Refused | Unfinished) -> list[AgentAnswer]:
    if isinstance(error, Refused):
        return [AgentAnswer(command=id, number=1, end=AgentEnd(outcome="refused", failure=error.failure))]
    outcome: Literal["unknown", "failed"] = "unknown" if error.done_perhaps else "failed"
    return [AgentAnswer(command=id, number=1, end=AgentEnd(outcome=outcome, failure=error.failure))]


def _in_chunks(items: Sequence[AgentItem]) -> Iterator[list[AgentItem]]:
    chunk: list[AgentItem] = []
    size = 0
    for item in items:
        length = len(item.encode())
        if length > ITEM_LIMIT:
            item = AgentItem(
                key=item.key,
                failure=ItemFailure(
                    code="agent_item_too_large",
                    cause=f"it has {length:,} bytes; the limit is {ITEM_LIMIT:,}",
                    next_step="Let the query give fewer or shorter columns.",
                ),
            )
            length = len(item.encode())
        if chunk and size + length > ITEMS_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        size += length
    if chunk:
        yield chunk


def _parts(file: PickedFile) -> Iterator[FilePart]:
    sha256 = hashlib.sha256(file.content).hexdigest()
    pieces = [file.content[start : start + PART] for start in range(0, len(file.content), PART)] or [b""]
    for number, piece in enumerate(pieces, 1):
        yield FilePart(
            name=file.name,
            part=number,
            parts=len(pieces),
            sha256=sha256,
            base64=base64.b64encode(piece).decode(),
        )
