"""Pages of a PDF: opened by PDFium, checked by qpdf (pikepdf) before PDFium may decode anything large."""

import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pikepdf
import pypdfium2
from PIL import Image
from pypdfium2 import raw

from services.documents.core import (
    BEST_DPI,
    MAX_IMAGE_PIXELS,
    MAX_PAGES,
    MAX_PICTURE_PIXELS,
    MAX_PICTURE_SIDE,
    MAX_STREAM_BYTES,
    has_real_text,
    resolution_for,
)
from services.documents.steps.scans import only_picture
from shared.process_child import Refused

#: Deflate packs at most 1032 to 1 (RFC 1951): a smaller stream cannot grow beyond the limit.
_DEFLATE_RATIO = 1032
#: Deeper nested drawings are not followed; nothing that people make needs more.
_DEPTH = 8

_SMALLER = "Save it with smaller pages or at a lower resolution, or split it, and upload that."


#: What decoders raise on damaged input.
DECODING_ERRORS: Final = (
    Image.DecompressionBombError,
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    RuntimeError,
)


class PdfPages:
    """The pages of the PDF at `path`, numbered from 1. Raises `Refused` (`pdf_broken`, `pdf_encrypted`,
    `document_too_large`) if it cannot be opened."""

    def __init__(self, path: Path) -> None:
        try:
            self._pdf = pypdfium2.PdfDocument(path)
        except pypdfium2.PdfiumError as error:
            raise _refusal_of(error) from error
        self.count = len(self._pdf)
        if self.count == 0:
            raise _broken("it has no pages")
        if self.count > MAX_PAGES:
            raise too_many_pages(self.count)
        self._path = path

    def too_large(self) -> dict[int, str]:
        """Page -> why it is not decoded, with the numbers; from headers and sizes alone."""
        found: dict[int, str] = {}
        try:
            with pikepdf.open(self._path) as pdf:
                for number, page in enumerate(pdf.pages, start=1):
                    if reason := next(_oversize(page.obj), None):
                        found[number] = reason
        except pikepdf.PasswordError as error:
            raise _encrypted() from error
        except pikepdf.PdfError as error:
            raise _broken(str(error).removeprefix(str(self._path)).strip(": ")) from error
        for number in range(1, self.count + 1):
            if number in found:
                continue
            width, height = self._pdf.get_page_size(number - 1)
            if resolution_for(width, height) is None and self.text_layer(number) is None:
                found[number] = f"it measures {width:.0f} x {height:.0f} points ({_meters(width, height)})"
        return found

    def oversize(self, number: int) -> str | None:
        """Why this one page is not decoded; None if it may be."""
        with pikepdf.open(self._path) as pdf:
            return next(_oversize(pdf.pages[number - 1].obj), None)

    def size(self, number: int) -> tuple[float, float]:
        """Width and height of a page as it is shown, in points."""
        width, height = self._pdf.get_page_size(number - 1)
        return float(width), float(height)

    def text_layer(self, number: int) -> str | None:
        """The text of a page, `""` for an empty page, None if the page has to be recognized."""
        page = self._load(number)
        try:
            textpage = page.get_textpage()
            text = str(textpage.get_text_range()).replace("\r\n", "\n").replace("\r", "\n")
            # PDFium marks a hyphen at a line's end with U+FFFE or U+0002.
            text = text.replace("\ufffe", "-").replace("\x02", "-").replace("\x00", "")
            textpage.close()
            if has_real_text(text, _image_cover(page)):
                return text
            return "" if not text.strip() and next(page.get_objects(max_depth=2), None) is None else None
        finally:
            page.close()

    def render(self, number: int, best: int = BEST_DPI) -> tuple[Image.Image, int]:
        """A page in gray, and its dots per inch: `best`, or as near as it gets."""
        width, height = self._pdf.get_page_size(number - 1)
        dpi = resolution_for(width, height, best)
        if dpi is None:
            raise page_too_large(f"it measures {width:.0f} x {height:.0f} points ({_meters(width, height)})")
        page = self._load(number)
        try:
            picture = only_picture(page)
            if picture is not None:
                return _at_best_resolution(picture, picture.width * 72 / width, dpi)
            bitmap = page.render(scale=dpi / 72, grayscale=True, may_draw_forms=False)
            image = bitmap.to_pil().convert("L")
            bitmap.close()
            return image, dpi
        finally:
            page.close()

    def picture(self, number: int, width: int) -> Image.Image:
        """A page in color, to look at: `width` pixels wide, less where it is longer than pages are."""
        page_width, page_height = self.size(number)
        if page_width <= 0 or page_height <= 0:
            raise page_too_large(f"it measures {page_width:.0f} x {page_height:.0f} points")
        area = page_width * page_height
        scale = min(width / page_width, (MAX_PICTURE_PIXELS / area) ** 0.5, MAX_PICTURE_SIDE / page_height)
        page = self._load(number)
        try:
            bitmap = page.render(scale=scale, may_draw_forms=False)
            image: Image.Image = bitmap.to_pil().convert("RGB")
            bitmap.close()
            return image
        finally:
            page.close()

    def close(self) -> None:
        self._pdf.close()

    def _load(self, number: int) -> Any:
        """A page, with what was filled into its form made part of it (in memory only)."""
        try:
            page = self._pdf[number - 1]
            if raw.FPDFPage_GetAnnotCount(page) and raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY):
                page.close()
                page = self._pdf[number - 1]
            return page
        except pypdfium2.PdfiumError as error:
            raise Refused(
                "page_unreadable",
                f"PDFium cannot load the page: {error}",
                "Print the page to a new PDF and upload that.",
            ) from error


def _at_best_resolution(picture: Image.Image, own: float, best: int) -> tuple[Image.Image, int]:
    """A scan in its own pixels, which are read best and need no rendering, if they are about enough."""
    factor = best / own
    # Coarse pictures are enlarged because Tesseract wants letters of 20 pixels and more; fine ones are
    # reduced because they only cost time. Bilinear: sharper filters ring, and grain grows with the letters.
    if 0.8 < factor < 1.25:
        return picture, round(own)
    factor = min(factor, 4.0)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0), max(1, round(own * factor))


def page_too_large(reason: str) -> Refused:
    return Refused("page_too_large", f"the page is too large: {reason}", _SMALLER)


def too_many_pages(count: int) -> Refused:
    return Refused(
        "document_too_large",
        f"it has {count} pages; at most {MAX_PAGES} are recognized",
        "Split it and upload the parts.",
    )


def _image_cover(page: Any) -> float:
    """The share of a page that pictures cover, at most 1; overlapping ones count twice, which is harmless."""
    width, height = page.get_size()
    covered = 0.0
    for picture in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = picture.get_bounds()
        covered += max(0.0, min(right, width) - max(left, 0.0)) * max(
            0.0, min(top, height) - max(bottom, 0.0)
        )
    return float(min(1.0, covered / max(1.0, width * height)))


def _oversize(page: Any) -> Iterator[str]:
    """Reasons for which decoding this page would cost too much."""
    contents = page.get("/Contents")
    streams = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    for stream in streams:
        yield from _inflates(stream, "its drawing")
    yield from _oversize_resources(page.get("/Resources") or _inherited(page), 0, set())


def _inherited(page: Any) -> Any:
    for _ in range(_DEPTH):
        page = page.get("/Parent")
        if page is None:
            return None
        if "/Resources" in page:
            return page["/Resources"]
    return None


def _oversize_resources(resources: Any, depth: int, seen: set[tuple[int, int]]) -> Iterator[str]:
    if not isinstance(resources, pikepdf.Dictionary) or depth > _DEPTH:
        return
    drawn = resources.get("/XObject")
    if not isinstance(drawn, pikepdf.Dictionary):
        return
    for _, item in drawn.items():
        if not isinstance(item, pikepdf.Stream) or item.objgen in seen:
            continue
        seen.add(item.objgen)
        if item.get("/Subtype") == "/Image":
            width, height = int(item.get("/Width", 0)), int(item.get("/Height", 0))
            if width * height > MAX_IMAGE_PIXELS:
                yield (
                    f"it holds a picture of {width} x {height} pixels, more than "
                    f"{MAX_IMAGE_PIXELS // 1_000_000} million"
                )
            yield from _inflates(item, "a picture in it")
        else:
            yield from _inflates(item, "a drawing in it")
            yield from _oversize_resources(item.get("/Resources"), depth + 1, seen)


def _inflates(stream: Any, what: str) -> Iterator[str]:
    """Inflate a suspicious stream, piece by piece and keeping nothing, to see how large it gets."""
    if not isinstance(stream, pikepdf.Stream):
        return
    filters = stream.get("/Filter")
    names = [str(name) for name in filters] if isinstance(filters, pikepdf.Array) else [str(filters)]
    deflated = sum(name in ("/FlateDecode", "/Fl") for name in names)
    packed = int(stream.get("/Length", 0))
    if not deflated or packed * _DEFLATE_RATIO**deflated <= MAX_STREAM_BYTES:
        return
    size = _inflated_size(stream.read_raw_bytes(), deflated)
    if size > MAX_STREAM_BYTES:
        yield (f"{what} inflates from {packed / 1e6:.1f} MB to more than {MAX_STREAM_BYTES / 1e6:.0f} MB")


def _inflated_size(data: bytes, times: int) -> int:
    """Size after `times` inflations, counted no further than just beyond the limit."""
    inflaters = [zlib.decompressobj() for _ in range(times)]
    size = 0

    def feed(chunk: bytes, stage: int) -> None:
        nonlocal size
        if stage == times:
            size += len(chunk)
            return
        while chunk and size <= MAX_STREAM_BYTES:
            feed(inflaters[stage].decompress(chunk, 1 << 20), stage + 1)
            chunk = inflaters[stage].unconsumed_tail

    # Broken or differently packed: PDFium decides, within the limits of its process.
    with contextlib.suppress(zlib.error):
        feed(data, 0)
    return size


def _refusal_of(error: pypdfium2.PdfiumError) -> Refused:
    message = str(error)
    if "password" in message.lower() or "security" in message.lower():
        return _encrypted()
    return _broken(message)


def _encrypted() -> Refused:
    return Refused(
        "pdf_encrypted",
        "the PDF is protected by a password",
        "Open it with the password, save or print it without one, and upload that.",
    )


def _broken(detail: str) -> Refused:
    return Refused(
        "pdf_broken",
        f"the PDF is damaged: {detail}",
        "Open it where it comes from, print it to a new PDF, and upload that.",
    )


def _meters(width: float, height: float) -> str:
    return f"{width / 72 * 0.0254:.2f} x {height / 72 * 0.0254:.2f} m"
