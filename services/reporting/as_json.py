"""Dataclasses as JSON takes them, and back, by the types of their fields. Pure, and without pydantic: the
process that writes the files of reports imports it for each report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints

_Reader = Callable[[Any], Any]
_KNOWN: dict[Any, Mapping[str, _Reader]] = {}


class AsJson:
    """Base of dataclasses whose fields are texts, numbers, days, moments, amounts, others of these, and
    sequences of them; each may be None."""

    __slots__ = ()

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {name: _plain(getattr(self, name)) for name in _readers(type(self))}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """What `plain` gave."""
        readers = _readers(cls)
        return cls(**{name: readers[name](value) for name, value in plain.items()})


def _plain(value: Any) -> Any:
    match value:
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case AsJson():
            return value.plain()
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return value


def _readers(kind: Any) -> Mapping[str, _Reader]:
    """By the names of its fields what reads them; found out once."""
    if kind not in _KNOWN:
        hints = get_type_hints(kind)
        _KNOWN[kind] = {field.name: _reader(hints[field.name]) for field in fields(kind)}
    return _KNOWN[kind]


def _reader(hint: Any) -> _Reader:
    if isinstance(hint, UnionType):
        (some,) = (one for one in get_args(hint) if one is not NoneType)
        read = _reader(some)
        return lambda value: None if value is None else read(value)
    if get_origin(hint) is Sequence:
        read = _reader(*get_args(hint))
        return lambda values: [read(value) for value in values]
    if hint in (str, int, bool):
        return lambda value: value
    readers: dict[Any, _Reader] = {
        date: date.fromisoformat,
        datetime: datetime.fromisoformat,
        Decimal: Decimal,
    }
    own: _Reader = hint.of if issubclass(hint, AsJson) else readers[hint]
    return own
