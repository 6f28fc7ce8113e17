"""Keyset paging: an order that is total, and a cursor that says where the page before ended. Pure."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from shared.errors import TagwerkError


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an order. Empty values come last; only the first column may have any."""

    column: str
    type: type
    descending: bool = False
    nullable: bool = False

    @property
    def order(self) -> str:
        return f"{self.column}{' desc' if self.descending else ''}{' nulls last' if self.nullable else ''}"


@dataclass(frozen=True, slots=True)
class Order:
    #: Names the order within the cursor, so that a cursor of another order is recognized.
    name: str
    #: Together unique over the rows that are paged.
    keys: tuple[Key, ...]

    @property
    def sql(self) -> str:
        return ", ".join(key.order for key in self.keys)


class Conditions:
    """A `where` clause with its numbered arguments."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.arguments: list[Any] = []

    def argument(self, value: Any) -> str:
        """The placeholder of a new argument."""
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def add(self, template: str, *values: Any) -> None:
        """Add a condition; `{}` stands for the placeholders of `values`."""
        self._parts.append(template.format(*(self.argument(value) for value in values)))

    def add_after(self, order: Order, cursor: str) -> None:
        """Only what comes behind the row at which `cursor` stands. Raises `cursor_invalid`."""
        self.add_behind(order.keys, decode_cursor(order, cursor))

    def add_behind(self, keys: Sequence[Key], values: Sequence[Any]) -> None:
        """Only what comes behind the row with `values`, in the order of `keys`."""
        first = keys[0]
        if values[0] is not None and not first.nullable:
            # Follows from what is added below, and lets the index begin at the right place.
            self.add(f"{first.column} {'<=' if first.descending else '>='} {{}}", values[0])
        choices = []
        for place, key in enumerate(keys):
            same = [self._same(k, v) for k, v in zip(keys[:place], values[:place], strict=True)]
            behind = self._behind(key, values[place])
            if behind:
                choices.append(" and ".join([*same, behind]))
        self._parts.append(" or ".join(f"({choice})" for choice in choices))

    def _same(self, key: Key, value: Any) -> str:
        return f"{key.column} is null" if value is None else f"{key.column} = {self.argument(value)}"

    def _behind(self, key: Key, value: Any) -> str:
        if value is None:
            return ""
        behind = f"{key.column} {'<' if key.descending else '>'} {self.argument(value)}"
        return f"({behind} or {key.column} is null)" if key.nullable else behind

    @property
    def sql(self) -> str:
        return " and ".join(f"({part})" for part in self._parts) if self._parts else "true"


def encode_cursor(order: Order, values: Sequence[Any]) -> str:
    """An opaque cursor that stands at the row with these values of the order's columns."""
    return base64.urlsafe_b64encode(orjson.dumps([order.name, *values], default=str)).decode().rstrip("=")


def decode_cursor(order: Order, cursor: str) -> list[Any]:
    """The values that `encode_cursor` was given. Raises `cursor_invalid`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        name, *values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if name != order.name or len(values) != len(order.keys):
            raise ValueError(f"it belongs to the order {name}")
        return [_value(key, value) for key, value in zip(order.keys, values, strict=True)]
    except (ValueError, TypeError, binascii.Error) as error:
        raise TagwerkError(
            "cursor_invalid",
            f"the cursor does not belong to this query: {error}",
            concern="cursor",
            next_step="Begin again without a cursor, and keep filters and order while paging.",
        ) from error


def _value(key: Key, value: Any) -> Any:
    if value is None and key.nullable:
        return None
    if key.type is datetime and isinstance(value, str):
        return datetime.fromisoformat(value)
    if key.type is date and isinstance(value, str):
        return date.fromisoformat(value)
    if key.type is UUID and isinstance(value, str):
        return UUID(value)
    if key.type is float and isinstance(value, int | float):
        return float(value)
    if type(value) is not key.type:
        raise ValueError(f"{key.column} is no {key.type.__name__}")
    return value
