"""A page as lines of cells: words that stand on one height, parted where a gap is wider than a space."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from services.documents.invoices.words import Box

#: A gap of this many letter heights parts two cells.
_CELL_GAP: Final = 1.1
#: Words whose middles differ by less than this share of their height stand on one line.
_LEVEL: Final = 0.5
#: Lines further below than this many letter heights do not belong to a label.
_BELOW: Final = 2.5
#: Dots that lead from a label to its sum.
_LEADERS: Final = re.compile(r"\s*[.…·_]{3,}\s*")
_SPECK: Final = re.compile(r"(?<=[a-zäöüéèà])[:;](?=[a-zäöüéèà])")
Word = tuple[str, Box]


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    box: Box

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


@dataclass(frozen=True, slots=True)
class Line:
    page: int
    cells: tuple[Cell, ...]
    #: Recognized by OCR: a letter may be wrong.
    recognized: bool = False

    @property
    def text(self) -> str:
        return "   ".join(cell.text for cell in self.cells)


def cell_below(cell: Cell, index: int, line: Line, below: Line, width: float = 200.0) -> Cell | None:
    """The cell of a lower line that stands below `cell`: at least in part, or between its left edge and that
    of the next cell, as numbers do that are set to the right of their column of at most `width` points."""
    near = [other for other in below.cells if -1 < other.box[1] - cell.box[3] < _BELOW * cell.height]
    if found := next((other for other in near if _overlap(cell, other) > 0), None):
        return found
    right = line.cells[index + 1].box[0] if index + 1 < len(line.cells) else math.inf
    right = min(right, cell.box[0] + width)
    return next((other for other in near if cell.box[0] <= other.box[0] and other.box[2] <= right), None)


def same_column(cell: Cell, other: Cell) -> bool:
    return _overlap(cell, other) > 0


def _overlap(cell: Cell, other: Cell) -> float:
    return min(cell.box[2], other.box[2]) - max(cell.box[0], other.box[0])


def lines_of_words(words: Iterable[Word], page: int, *, recognized: bool = False) -> list[Line]:
    """Lines from words with their boxes, from top to bottom and from left to right."""
    words = list(words)
    if recognized:
        # A speck between two words is read as a mark.
        words = _levelled([(_SPECK.sub(" ", text), box) for text, box in words])
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (_middle(word[1]), word[1][0])):
        row = rows[-1] if rows else None
        if row is not None and _level(row[0][1], word[1]):
            row.append(word)
        else:
            rows.append([word])
    return [Line(page, tuple(_cells(sorted(row, key=lambda word: word[1][0]))), recognized) for row in rows]


def _levelled(words: Sequence[Word]) -> list[Word]:
    """Words of a page that lay askew on the scanner, as if it had lain straight: words that follow each other
    closely stand on one line, and tell its slope."""
    slopes = []
    for (_, one), (_, other) in pairwise(words):
        gap = other[0] - one[2]
        if 0 <= gap < 2 * (one[3] - one[1]) and (run := _center(other) - _center(one)) > 10:
            slopes.append((_middle(other) - _middle(one)) / run)
    slope = median(slopes) if len(slopes) >= 5 else 0.0
    if abs(slope) < 0.001 or abs(slope) > 0.1:
        return list(words)
    moved = []
    for text, box in words:
        drop = slope * _center(box)
        moved.append((text, (box[0], box[1] - drop, box[2], box[3] - drop)))
    return moved


def _cells(row: list[Word]) -> Iterator[Cell]:
    text, box = row[0]
    for word, place in row[1:]:
        height = max(box[3] - box[1], place[3] - place[1], 1.0)
        if place[0] - box[2] > _CELL_GAP * height:
            yield from _parted(text, box)
            text, box = word, place
        else:
            text = f"{text} {word}"
            box = (min(box[0], place[0]), min(box[1], place[1]), max(box[2], place[2]), max(box[3], place[3]))
    yield from _parted(text, box)


def _parted(text: str, box: Box) -> Iterator[Cell]:
    """A cell, in two where dots lead from one part to the other."""
    parts = [part for part in _LEADERS.split(text) if part]
    if len(parts) < 2:
        yield Cell(text, box)
        return
    at = 0
    for part in parts:
        begin = text.index(part, at)
        at = begin + len(part)
        scale = (box[2] - box[0]) / len(text)
        yield Cell(part, (box[0] + begin * scale, box[1], box[0] + at * scale, box[3]))


def _center(box: Box) -> float:
    return (box[0] + box[2]) / 2


def _middle(box: Box) -> float:
    return (box[1] + box[3]) / 2


def _level(one: Box, other: Box) -> bool:
    height = max(one[3] - one[1], other[3] - other[1], 1.0)
    return abs(_middle(one) - _middle(other)) < _LEVEL * height
