"""Scanned pages: where a page is nothing but one picture, that picture is taken as the scanner made it.

Drawing such a page resamples the picture to the resolution of recognition: measured on a gray page of 300 dpi
that costs 0.25 s of CPU where unpacking costs 0.04 s, and recognition gains nothing from it.
"""

import ctypes
from typing import Any, Final

from PIL import Image
from pypdfium2 import raw

from services.documents.core import BEST_DPI

#: Other resolutions are brought to the one that Tesseract's models know, by drawing the page.
_LOWEST: Final = BEST_DPI * 0.9
_HIGHEST: Final = BEST_DPI * 1.1
#: Points that a picture may end before or beyond the edge of the page.
_EDGE: Final = 2.0
#: Pixels of one bit may be a stencil, which says nothing without what is drawn through it.
_BITS: Final = 8


def picture_of(page: Any) -> tuple[Image.Image, int] | None:
    """The gray picture that a page of PDFium consists of, and its dots per inch; None if the page has to be
    drawn: it holds more or less than one upright, opaque picture, or one of another resolution."""
    objects = list(page.get_objects(max_depth=1))
    if len(objects) != 1 or objects[0].type != raw.FPDF_PAGEOBJ_IMAGE or page.get_rotation():
        return None
    (picture,) = objects
    width, height = page.get_size()
    matrix = picture.get_matrix()
    left, bottom, right, top = picture.get_bounds()
    upright = matrix.a > 0 and matrix.d > 0 and abs(matrix.b) < 0.01 and abs(matrix.c) < 0.01
    covers = max(abs(left), abs(bottom), abs(right - width), abs(top - height)) <= _EDGE
    if not (upright and covers) or _is_seen_through(picture):
        return None
    about = raw.FPDF_IMAGEOBJ_METADATA()
    if not raw.FPDFImageObj_GetImageMetadata(picture, page, ctypes.byref(about)):
        return None
    across, down = about.width / (right - left) * 72, about.height / (top - bottom) * 72
    if about.bits_per_pixel < _BITS or not (_LOWEST <= across <= _HIGHEST and _LOWEST <= down <= _HIGHEST):
        return None
    return picture.get_bitmap().to_pil().convert("L"), round(across)


def _is_seen_through(picture: Any) -> bool:
    clip = raw.FPDFPageObj_GetClipPath(picture)
    clipped = bool(clip) and raw.FPDFClipPath_CountPaths(clip) > 0
    return clipped or bool(raw.FPDFPageObj_HasTransparency(picture))
