"""Elements of the XML of banks by their local names: the versions of a message differ in little else.

Runs in the reading child too, so nothing here imports pydantic.
"""

from collections.abc import Iterator
from typing import Any, Final


class _LocalNames(dict[Any, str]):
    """Tag -> its name without the namespace; comments and processing instructions have none."""

    def __missing__(self, tag: Any) -> str:
        name = tag.rpartition("}")[2] if isinstance(tag, str) else ""
        # A hostile file could invent names without end.
        if len(self) < 5_000:
            self[tag] = name
        return name


_LOCAL: Final = _LocalNames()


def local_name(element: Any) -> str:
    return _LOCAL[element.tag]


def children(element: Any, *path: str) -> Iterator[Any]:
    """Every element at this path of names below `element`."""
    if element is None:
        return
    if not path:
        yield element
        return
    for child in element:
        if _LOCAL[child.tag] == path[0]:
            yield from children(child, *path[1:])


def child(element: Any, *path: str) -> Any | None:
    """The first element at this path."""
    return next(children(element, *path), None)


def text(element: Any, *path: str) -> str | None:
    """The stripped text at this path; None if it is empty or not there."""
    found = child(element, *path)
    return None if found is None else ((found.text or "").strip() or None)


def amount(element: Any) -> tuple[str, str | None] | None:
    """Text and currency of an amount; None if there is no such element."""
    return None if element is None else ((element.text or "").strip(), element.get("Ccy"))
