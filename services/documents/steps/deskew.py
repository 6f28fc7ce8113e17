"""Straighten pages that lay askew on the scanner.

Lines of text that run level give rows of the page that differ sharply in brightness; the angle that makes
them differ most is the skew (projection profile; W. Postl, US patent 4,723,297). Measured on our scanned
invoices: up to 2 degrees Tesseract copes by itself and reads the page as well as a straightened one, for less
CPU time; from 2.6 degrees on it loses words, at 3 to 4 degrees a sixth of the characters.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from statistics import linear_regression, median

from PIL import Image

from services.documents.steps.layout import Word

#: Skews are looked for within so many degrees; larger ones are rotations that nobody scans by accident.
_REACH = 4.0
#: A page is only turned if that sharpens its rows by this factor: drawings and photos stay as they are.
_WORTHWHILE = 1.15
_WIDTH = 500
#: Degrees below which Tesseract is left to cope, and only the boxes of its words are put level.
_LEAST = 1.5
#: Words of a line from which on its slope says something about the page.
_WORDS_OF_A_LINE = 4


def straighten(page: Image.Image) -> tuple[Image.Image, float]:
    """The gray page upright, and the degrees by which it was turned counter-clockwise (0.0 for untouched)."""
    if min(page.size) < _WIDTH // 4 or max(page.size) > 4 * min(page.size):
        return page, 0.0
    small = page.reduce(max(1, page.width // _WIDTH))
    paper = _paper_of(small)
    coarsely, sharpness = partial(_sharpness, small.reduce(2), paper), partial(_sharpness, small, paper)
    coarse = max((step / 2 for step in range(-int(_REACH * 2), int(_REACH * 2) + 1)), key=coarsely)
    if abs(coarse) < _LEAST - 0.5:
        return page, 0.0
    angle = max((coarse + step / 10 for step in range(-4, 5)), key=sharpness)
    if abs(angle) < _LEAST or sharpness(angle) <= sharpness(0.0) * _WORTHWHILE:
        return page, 0.0
    # Bicubic takes three times as long and is not read better.
    return page.rotate(angle, Image.Resampling.BILINEAR, fillcolor=paper), angle


def leveled(words: Sequence[Word]) -> list[Word]:
    """The words with their boxes as if the page had been straight: lines that run a little uphill or downhill
    would not be level with what stands beside them. The slope is the median of the slopes of the lines."""
    lines: dict[tuple[int, int, int], list[Word]] = {}
    for word in words:
        lines.setdefault((word.block, word.paragraph, word.line), []).append(word)
    slopes = [
        linear_regression([word.left for word in line], [word.bottom for word in line]).slope
        for line in lines.values()
        if len(line) >= _WORDS_OF_A_LINE and line[0].left != line[-1].left
    ]
    if not slopes:
        return list(words)
    slope = median(slopes)
    return [
        replace(word, top=word.top - down, bottom=word.bottom - down)
        for word in words
        for down in (round(slope * word.left),)
    ]


def _paper_of(page: Image.Image) -> int:
    """The commonest gray: what the corners are filled with, so that turning makes no edges of its own."""
    counts = page.histogram()
    return counts.index(max(counts))


def _sharpness(page: Image.Image, paper: int, angle: float) -> float:
    turned = page.rotate(angle, Image.Resampling.BILINEAR, fillcolor=paper)
    margin = page.width // 20
    rows = turned.crop((margin, 0, page.width - margin, page.height)).resize(
        (1, page.height), Image.Resampling.BOX
    )
    return float(sum((above - below) ** 2 for above, below in pairwise(rows.tobytes())))
