"""A page as lines of cells: words that stand on one height, parted where a gap is wider than a space."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.documents.invoices.words import Box

#: A gap of this many letter heights parts two cells.
_CELL_GAP: Final = 1.1
#: Words whose middles differ by less than this share of their height stand on one line.
_LEVEL: Final = 0.5


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    #: None where only the reading order is known, as of a recognized page.
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Line:
    page: int
    cells: tuple[Cell, ...]
    #: Recognized by OCR: a letter may be wrong.
    recognized: bool = False

    @property
    def text(self) -> str:
        return "   ".join(cell.text for cell in self.cells)


def cell_below(cell: Cell, index: int, line: Line, below: Line) -> Cell | None:
    """The cell of a lower line that stands below `cell`."""
    for other in below.cells:
        if (
            cell.box is not None
            and other.box is not None
            and min(cell.box[2], other.box[2]) - max(cell.box[0], other.box[0]) > 0
            and other.box[1] - cell.box[3] < 2.5 * (cell.box[3] - cell.box[1])
        ):
            return other
    if cell.box is None and len(below.cells) == len(line.cells):
        return below.cells[index]
    return None


def lines_of_text(text: str, page: int) -> list[Line]:
    """Lines of a recognized page, whose text parts cells by three spaces."""
    return [
        Line(page, tuple(Cell(cell) for cell in re.split(r"\s{3,}", line.strip())), recognized=True)
        for line in text.splitlines()
        if line.strip()
    ]


def lines_of_words(words: Iterable[tuple[str, Box]], page: int) -> list[Line]:
    """Lines from words with their boxes, from top to bottom and from left to right."""
    rows: list[list[tuple[str, Box]]] = []
    for word in sorted(words, key=lambda word: (_middle(word[1]), word[1][0])):
        row = rows[-1] if rows else None
        if row is not None and _level(row[0][1], word[1]):
            row.append(word)
        else:
            rows.append([word])
    return [Line(page, tuple(_cells(sorted(row, key=lambda word: word[1][0])))) for row in rows]


def _cells(row: list[tuple[str, Box]]) -> Iterable[Cell]:
    text, box = row[0]
    for word, place in row[1:]:
        height = max(box[3] - box[1], place[3] - place[1], 1.0)
        if place[0] - box[2] > _CELL_GAP * height:
            yield Cell(text, box)
            text, box = word, place
        else:
            text = f"{text} {word}"
            box = (min(box[0], place[0]), min(box[1], place[1]), max(box[2], place[2]), max(box[3], place[3]))
    yield Cell(text, box)


def _middle(box: Box) -> float:
    return (box[1] + box[3]) / 2


def _level(one: Box, other: Box) -> bool:
    height = max(one[3] - one[1], other[3] - other[1], 1.0)
    return abs(_middle(one) - _middle(other)) < _LEVEL * height
