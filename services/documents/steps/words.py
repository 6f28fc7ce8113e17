"""The words of a page's text layer with their boxes, as PDFium places them."""

from pathlib import Path
from typing import Any, Final

import pypdfium2
from pypdfium2 import raw

from services.documents.invoices.words import Box

#: Characters of a page that are looked at; no page that people read has more.
_MAX_CHARACTERS: Final = 30_000
#: A gap of this many letter heights parts two words.
_WORD_GAP: Final = 0.17
#: In a layer that recognition made, words have spaces between them, and its letters are of any width.
_WORD_GAP_OF_LAYER: Final = 0.6


def words_of_page(pdf: Any, number: int, *, recognized: bool = False) -> list[tuple[str, Box]]:
    """Words of page `number` (from 1) in drawing order; boxes in points from the upper left corner of the
    page as it is shown. `recognized`: the page is the layer that recognition made."""
    gap = _WORD_GAP_OF_LAYER if recognized else _WORD_GAP
    page = pdf[number - 1]
    text = page.get_textpage()
    try:
        shown = _Shown(page)
        words: list[tuple[str, Box]] = []
        letters, box = "", None
        corners = raw.FS_RECTF()
        for index in range(min(text.count_chars(), _MAX_CHARACTERS)):
            code = raw.FPDFText_GetUnicode(text, index)
            # PDFium marks a hyphen at a line's end with U+FFFE or U+0002.
            letter = "-" if code in (0xFFFE, 2) else chr(code)
            if not recognized and raw.FPDFText_IsGenerated(text, index) == 1:
                # A space that PDFium supposes, also where letters are only set wide: the gap decides.
                continue
            if letter.isspace() or code == 0:
                place = None
            else:
                raw.FPDFText_GetLooseCharBox(text, index, corners)
                place = shown.box(corners.left, corners.bottom, corners.right, corners.top)
            if box is not None and (place is None or not _continues(box, place, gap)):
                words.append((letters, box))
                letters, box = "", None
            if place is not None:
                letters += letter
                box = place if box is None else _around(box, place)
        if box is not None:
            words.append((letters, box))
        return words
    finally:
        text.close()
        page.close()


def open_pdf(path: Path) -> Any:
    return pypdfium2.PdfDocument(path)


class _Shown:
    """From the page's own coordinates to those of the page as it is shown."""

    def __init__(self, page: Any) -> None:
        self._turn = page.get_rotation()
        self._left, self._bottom, self._right, self._top = page.get_cropbox()

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        points = [self._point(left, bottom), self._point(right, top)]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return (
            round(min(xs), 1),
            round(min(ys), 1),
            round(max(xs), 1),
            round(max(ys), 1),
        )

    def _point(self, x: float, y: float) -> tuple[float, float]:
        match self._turn:
            case 90:
                return y - self._bottom, x - self._left
            case 180:
                return self._right - x, y - self._bottom
            case 270:
                return self._top - y, self._right - x
            case _:
                return x - self._left, self._top - y


def _continues(box: Box, place: Box, gap: float) -> bool:
    """Whether a letter goes on with a word: on its height, and at most `gap` heights behind it."""
    height = max(box[3] - box[1], place[3] - place[1], 1.0)
    level = abs((box[1] + box[3]) - (place[1] + place[3])) < height
    return level and -0.5 * height < place[0] - box[2] < gap * height


def _around(box: Box, place: Box) -> Box:
    return min(box[0], place[0]), min(box[1], place[1]), max(box[2], place[2]), max(box[3], place[3])
