"""Make the searchable PDF: the original's pages as they are, with an invisible text layer on those that were
recognized. The original is only read."""

import zlib
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import Name
from PIL import Image

from services.documents.steps.images import ImagePages, on_white
from services.documents.steps.pdf import PdfPages


def assemble(pages: PdfPages | ImagePages, original: Path, layers: dict[int, Path], target: Path) -> None:
    """Write the searchable PDF of `pages` to `target`; `layers` are text layers by page number."""
    with _visible(pages, original) as pdf:
        for number, layer in sorted(layers.items()):
            with pikepdf.open(layer) as text:
                page = pdf.pages[number - 1]
                page.add_overlay(text.pages[0], pikepdf.Rectangle(page.cropbox))
        pdf.save(target, deterministic_id=True)


def _visible(pages: PdfPages | ImagePages, original: Path) -> pikepdf.Pdf:
    if isinstance(pages, PdfPages):
        return pikepdf.open(original)
    pdf = pikepdf.new()
    for number in range(1, pages.count + 1):
        _add_picture(pdf, pages, number, original)
    return pdf


def _add_picture(pdf: pikepdf.Pdf, pages: ImagePages, number: int, original: Path) -> None:
    """A page that shows a picture at its own size, without loss: a JPEG as it is, others deflated."""
    turn = pages.embeddable_turn()
    picture = pages.stored_picture(number) if turn is not None else _plain(pages.picture(number))
    width, height = (pixels * 72 / pages.dpi(number) for pixels in picture.size)
    facts: dict[str, Any] = {
        "Type": Name.XObject,
        "Subtype": Name.Image,
        "Width": picture.width,
        "Height": picture.height,
        "ColorSpace": Name.DeviceRGB if picture.mode == "RGB" else Name.DeviceGray,
        "BitsPerComponent": 1 if picture.mode == "1" else 8,
    }
    if turn is not None:
        data, facts["Filter"] = original.read_bytes(), Name.DCTDecode
    else:
        data, facts["Filter"] = zlib.compress(picture.tobytes()), Name.FlateDecode
    page = pdf.add_blank_page(page_size=(width, height))
    page.rotate(turn or 0, relative=False)
    name = page.add_resource(pikepdf.Stream(pdf, data, **facts), Name.XObject, Name.Picture)
    page.contents_add(f"q {width:.3f} 0 0 {height:.3f} 0 0 cm {name} Do Q".encode())


def _plain(picture: Image.Image) -> Image.Image:
    """In one of the modes that a PDF shows without further ado."""
    if picture.has_transparency_data or picture.mode not in ("1", "L", "RGB"):
        return on_white(picture) if picture.mode != "CMYK" else picture.convert("RGB")
    return picture
