"""Straighten pages that lay askew on the scanner.

Lines of text that run level give rows of the page that differ sharply in brightness; the angle that makes
them differ most is the skew (projection profile; W. Postl, US patent 4,723,297). Measured on our scanned
invoice: up to 1 degree Tesseract copes by itself, at 3 to 4 degrees it loses a sixth of the characters.
"""

from functools import partial
from itertools import pairwise

from PIL import Image

#: Skews are looked for within so many degrees; larger ones are rotations that nobody scans by accident.
_REACH = 4.0
#: A page is only turned if that sharpens its rows by this factor: drawings and photos stay as they are.
_WORTHWHILE = 1.15
_WIDTH = 500


def straighten(page: Image.Image) -> tuple[Image.Image, float]:
    """The gray page upright, and the degrees by which it was turned counter-clockwise (0.0 for untouched)."""
    small = page.resize((_WIDTH, max(1, round(page.height * _WIDTH / page.width))), Image.Resampling.BOX)
    level = _sharpness(small, 0.0)
    coarse = max(
        (step / 2 for step in range(-int(_REACH * 2), int(_REACH * 2) + 1)), key=partial(_sharpness, small)
    )
    angle = max((coarse + step / 10 for step in range(-4, 5)), key=partial(_sharpness, small))
    if abs(angle) < 0.15 or _sharpness(small, angle) < level * _WORTHWHILE:
        return page, 0.0
    return page.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255), angle


def _sharpness(page: Image.Image, angle: float) -> float:
    turned = page.rotate(angle, Image.Resampling.BILINEAR, fillcolor=255)
    margin = page.width // 20
    rows = turned.crop((margin, 0, page.width - margin, page.height)).resize(
        (1, page.height), Image.Resampling.BOX
    )
    return float(sum((above - below) ** 2 for above, below in pairwise(rows.tobytes())))
