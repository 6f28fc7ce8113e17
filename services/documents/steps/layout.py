"""Put recognized words into reading order.

Tesseract finds columns, which newspapers need; on an invoice it also takes the amounts for a column of their
own and reads them after everything else. Here a block of short lines that stand level with lines to their
left is joined to those: `5 Kartons Kopierpapier   112.50`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import mean

#: Blocks with more words a line than this are text of their own, such as the second column of a newspaper.
_WORDS_OF_A_CELL = 3.0
#: This share of a block's lines must stand level with others for the block to be cells of a table.
_LEVEL_LINES = 0.6


@dataclass(frozen=True, slots=True)
class Word:
    """One recognized word: its place in Tesseract's layout, its box in pixels, confidence in percent."""

    block: int
    paragraph: int
    line: int
    left: int
    top: int
    right: int
    bottom: int
    confidence: float
    text: str


@dataclass(slots=True)
class _Line:
    block: int
    paragraph: int
    words: list[Word]
    #: Cells of other blocks that stand level with this line, to its right.
    cells: list["_Line"] = field(default_factory=list)

    @property
    def left(self) -> int:
        return min(word.left for word in self.words)

    @property
    def right(self) -> int:
        return max(word.right for word in self.words)

    @property
    def middle(self) -> float:
        return mean((word.top + word.bottom) / 2 for word in self.words)

    @property
    def height(self) -> float:
        return mean(word.bottom - word.top for word in self.words)

    def read(self) -> str:
        own = " ".join(word.text for word in self.words)
        return "   ".join([own, *(cell.read() for cell in sorted(self.cells, key=lambda cell: cell.left))])


def parse_tsv(tsv: str) -> list[Word]:
    """The words in Tesseract's TSV output, in its order."""
    words = []
    for row in tsv.splitlines()[1:]:
        cells = row.split("\t")
        if len(cells) < 12 or cells[0] != "5" or not cells[11].strip():
            continue
        _, _, block, paragraph, line, _, left, top, width, height = (int(cell) for cell in cells[:10])
        box = (left, top, left + width, top + height)
        words.append(Word(block, paragraph, line, *box, float(cells[10]), cells[11].strip()))
    return words


def reading_order(words: Iterable[Word]) -> str:
    """The text of a page: a line a line, an empty line between paragraphs."""
    lines: dict[tuple[int, int, int], _Line] = {}
    for word in words:
        place = (word.block, word.paragraph, word.line)
        lines.setdefault(place, _Line(word.block, word.paragraph, [])).words.append(word)
    read = _join_cells(list(lines.values()))
    text: list[str] = []
    before: _Line | None = None
    for line in read:
        if before is not None and (line.block, line.paragraph) != (before.block, before.paragraph):
            text.append("")
        text.append(line.read())
        before = line
    return "\n".join(text)


def _join_cells(lines: list[_Line]) -> list[_Line]:
    """Hang the lines of blocks that are table cells onto the lines that they stand level with."""
    blocks: dict[int, list[_Line]] = {}
    for line in lines:
        blocks.setdefault(line.block, []).append(line)
    # From right to left, so that the third column hangs on the second, and both on the first.
    for block in sorted(blocks, key=lambda number: -min(line.left for line in blocks[number])):
        cells = blocks[block]
        if mean(len(line.words) for line in cells) > _WORDS_OF_A_CELL:
            continue
        hosts = [_host_of(cell, (line for line in lines if line.block != block)) for cell in cells]
        if sum(host is not None for host in hosts) < len(cells) * _LEVEL_LINES:
            continue
        for cell, host in zip(cells, hosts, strict=True):
            if host is not None:
                host.cells.append(cell)
                lines.remove(cell)
    return lines


def _host_of(cell: _Line, others: Iterable[_Line]) -> _Line | None:
    """The nearest line to the left of `cell` that stands level with it."""
    level = (
        line
        for line in others
        if line.right <= cell.left and abs(line.middle - cell.middle) < 0.5 * max(line.height, cell.height)
    )
    return max(level, key=lambda line: line.right, default=None)
