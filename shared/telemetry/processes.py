"""Spans of calls into child processes: as long as the parent waits, and as long as the child works."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.trace import SpanKind

from shared.telemetry.spans import Attributes, inside, told


@contextmanager
def child_at_work(target: str, method: str, pid: int) -> Iterator[None]:
    """Around one call of `method` of the object that `target` (`package.module:Class`) names."""
    attributes: Attributes = {"code.function.name": f"{_class(target)}.{method}", "process.pid": pid}
    with inside(f"child {_class(target)}.{method}", SpanKind.INTERNAL, attributes):
        yield


def child_told(target: str, method: str, at_work: Any, waited: tuple[int, int]) -> None:
    """What the child says of its own time: begin and end in nanoseconds since 1970, on our clock. Believed
    as far as it lies within the time that we `waited`: what reads strangers' files may say anything."""
    match at_work:
        case [int(began), int(ended)] if waited[0] <= began <= ended <= waited[1]:
            told(f"{_class(target)}.{method}", SpanKind.INTERNAL, {}, began=began, ended=ended)


def _class(target: str) -> str:
    return target.rpartition(":")[2]
