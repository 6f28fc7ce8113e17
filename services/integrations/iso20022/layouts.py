"""Values below an element by their paths, fast where many elements have the same layout.

The layout of an element is the names of all elements below it in their order, and how many children each
has. Where in that order a value stands is worked out once for each layout; after that it is read by its
place. In a path (`Sts/Cd`) a name stands for the first child that has it, with an asterisk (`Strd*`) for each
that has it, and `*` for each child.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from services.integrations.iso20022.elements import amount, local_name

#: Layouts that are remembered, and elements of the largest of them; a hostile file could invent more.
_REMEMBERED: Final = 1_000
_LARGEST: Final = 500


class _Kind:
    def __init__(self, *paths: str) -> None:
        self.paths: Final = [path.split("/") for path in paths]


class Text(_Kind):
    """The first text at one of these paths that is not empty."""


class Texts(_Kind):
    """All texts at these paths that are not empty, in the order of the document."""


class Amount(_Kind):
    """Text and currency (attribute `Ccy`) of the first element at one of these paths."""


class There(_Kind):
    """True if there is an element at one of these paths."""


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the values of one layout stand: name and place, of a `Text` one for each that may have it."""

    texts: Sequence[tuple[str, int]]
    lists: Sequence[tuple[str, Sequence[int]]]
    amounts: Sequence[tuple[str, int]]
    there: Sequence[str]


_Layout: TypeAlias = tuple[tuple[str, ...], tuple[int, ...]]


class Fields:
    """What is wanted of elements of one kind: the name of each value, and where it may stand."""

    def __init__(self, **wanted: Text | Texts | Amount | There) -> None:
        self._wanted = wanted
        self._known: dict[_Layout, _Places] = {}

    def of(self, element: Any) -> dict[str, Any]:
        """The values that there are: of a `Text` a string, of `Texts` a list, of an `Amount` a pair, of
        `There` true."""
        elements = list(element.iter("*"))
        layout = tuple([one.tag for one in elements]), tuple([len(one) for one in elements])
        places = self._known.get(layout)
        if places is None:
            places = self._learn(layout, elements)
        found: dict[str, Any] = {}
        for name, place in places.texts:
            if name not in found and (text := elements[place].text) and (text := text.strip()):
                found[name] = text
        for name, many in places.lists:
            texts = [(elements[place].text or "").strip() for place in many]
            if texts := [text for text in texts if text]:
                found[name] = texts
        for name, place in places.amounts:
            found[name] = amount(elements[place])
        for name in places.there:
            found[name] = True
        return found

    def _learn(self, layout: _Layout, elements: Sequence[Any]) -> _Places:
        place_of = {element: place for place, element in enumerate(elements)}
        texts: list[tuple[str, int]] = []
        lists: list[tuple[str, Sequence[int]]] = []
        amounts: list[tuple[str, int]] = []
        there: list[str] = []
        for name, wanted in self._wanted.items():
            found = [place_of[one] for path in wanted.paths for one in _at(elements[0], path)]
            match wanted:
                case Text():
                    texts += [(name, place) for place in found]
                case Texts() if found:
                    lists.append((name, sorted(found)))
                case Amount() if found:
                    amounts.append((name, found[0]))
                case There() if found:
                    there.append(name)
        places = _Places(texts, lists, amounts, there)
        if len(self._known) < _REMEMBERED and len(elements) <= _LARGEST:
            self._known[layout] = places
        return places


def _at(element: Any, path: Sequence[str]) -> Iterator[Any]:
    if not path:
        yield element
        return
    for child in _named(element, path[0]):
        yield from _at(child, path[1:])


def _named(element: Any, step: str) -> Iterable[Any]:
    if step == "*":
        return list(element.iterchildren("*"))
    name = step.removesuffix("*")
    found = [child for child in element if local_name(child) == name]
    return found if step.endswith("*") else found[:1]
