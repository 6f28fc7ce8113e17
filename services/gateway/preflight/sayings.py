"""Sentences that are English in the API and of the reader's language on a page. Pure.

A saying is a message, as the catalogues of translations know it, and the values in it, as they are: whoever
shows it writes numbers, times and words as its reader does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, Self


def N_(message: str) -> str:
    """Marks a message for translation."""
    return message


class Told(str):
    """Words that a job or a service said, in English."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Ago:
    """A moment as seen from another one: `20 minutes ago`."""

    then: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Saying:
    """One sentence; `%(name)s` in the message stands for the value of that name."""

    message: str
    values: Mapping[str, Any]

    @classmethod
    def of(cls, message: str, /, **values: Any) -> Self:
        return cls(message, values)

    def english(self) -> str:
        return self.message % {name: in_english(value) for name, value in self.values.items()}


def told(words: str | None) -> tuple[Saying, ...]:
    """What somebody else said, as a sentence of its own; nothing for nothing."""
    return (Saying.of("%(words)s", words=Told(words)),) if words else ()


def english(sayings: Sequence[Saying]) -> str | None:
    """All of them, one after the other; None for none."""
    return " ".join(saying.english() for saying in sayings) or None


def in_english(value: Any) -> str:
    match value:
        case Enum():
            return str(value.value).replace("_", " ")
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case Ago():
            return _ago(value.now - value.then)
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        case date():
            return value.isoformat()
        case Mapping():
            return ", ".join(f"{number:,} {in_english(name)}" for name, number in value.items())
        case list() | tuple():
            return ", ".join(in_english(one) for one in value)
        case _:
            return str(value)


def _ago(passed: timedelta) -> str:
    """In the largest unit: `20 minutes ago`."""
    seconds = int(passed.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            number = seconds // length
            return f"{number} {unit}{'' if number == 1 else 's'} ago"
    return "a moment ago"
