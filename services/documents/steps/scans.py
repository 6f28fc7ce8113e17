"""Pages that are nothing but a picture, as scanners make them: then the picture's own pixels are the page."""

import ctypes
from typing import Any, Final

from PIL import Image
from pypdfium2 import raw

#: Color spaces whose pixels are shown as they lie there.
_PLAIN: Final = frozenset(
    {
        raw.FPDF_COLORSPACE_DEVICEGRAY,
        raw.FPDF_COLORSPACE_DEVICERGB,
        raw.FPDF_COLORSPACE_CALGRAY,
        raw.FPDF_COLORSPACE_CALRGB,
        raw.FPDF_COLORSPACE_ICCBASED,
        raw.FPDF_COLORSPACE_INDEXED,
    }
)
#: Points by which a picture may miss the edges of its page.
_EDGE: Final = 2.0
#: Degrees clockwise by which a viewer turns the page.
_TURNS: Final = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


def only_picture(page: Any) -> Image.Image | None:
    """The picture in gray, upright as the page is shown, if it is all that a page shows; else None.

    None also for a picture that is masked, cut, slanted, mirrored, or colored in a way that takes work.
    """
    objects = list(page.get_objects(max_depth=1))
    if len(objects) != 1 or objects[0].type != raw.FPDF_PAGEOBJ_IMAGE:
        return None
    picture = objects[0]
    if not _lies_plain(page, picture) or not _is_plain(picture):
        return None
    # Not closed by hand: the bitmap belongs to PDFium, which frees it with the page.
    image: Image.Image = picture.get_bitmap(render=False).to_pil().convert("L")
    turn = _TURNS.get(page.get_rotation())
    return image if turn is None else image.transpose(turn)


def _lies_plain(page: Any, picture: Any) -> bool:
    """Whether it fills what is shown of the page, upright and at one resolution."""
    a, b, c, d, x, y = picture.get_matrix().get()
    left, bottom, right, top = page.get_cropbox()
    if a <= 0 or d <= 0 or abs(b) > 0.01 or abs(c) > 0.01:
        return False
    edges = (x - left, y - bottom, x + a - right, y + d - top)
    width, height = picture.get_px_size()
    square = abs((width / a) / (height / d) - 1) < 0.02
    return all(abs(edge) <= _EDGE for edge in edges) and square


def _is_plain(picture: Any) -> bool:
    """No transparency, no clip, no stencil (which has no color space of its own)."""
    clip = raw.FPDFPageObj_GetClipPath(picture)
    if raw.FPDFPageObj_HasTransparency(picture) or (clip and raw.FPDFClipPath_CountPaths(clip) > 0):
        return False
    facts = raw.FPDF_IMAGEOBJ_METADATA()
    known = raw.FPDFImageObj_GetImageMetadata(picture, picture.page, ctypes.byref(facts))
    return bool(known) and facts.colorspace in _PLAIN and facts.bits_per_pixel in (1, 8, 24)
