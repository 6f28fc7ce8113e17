"""Rows of lists as they were written last: most pages show the same rows to the same sort of reader."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from markupsafe import Markup

#: Rows of about a kilobyte; the one that has not been shown for longest goes first.
LARGEST = 8_000

Thing = TypeVar("Thing")


class Same(Generic[Thing]):
    """A key that is one object, whatever equals it. It keeps the object, so that no other takes its place."""

    __slots__ = ("thing",)

    def __init__(self, thing: Thing) -> None:
        self.thing = thing

    def __hash__(self) -> int:
        return id(self.thing)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.thing is self.thing


class Rows:
    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._rows: OrderedDict[Hashable, Markup] = OrderedDict()

    def row(self, key: Hashable, write: Callable[[Any], Markup], shown: Any) -> Markup:
        """`write(shown)`, or what it was when the key was the same: all that the row depends on."""
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = write(shown)
            if len(self._rows) > self._largest:
                self._rows.popitem(last=False)
        else:
            self._rows.move_to_end(key)
        return found
