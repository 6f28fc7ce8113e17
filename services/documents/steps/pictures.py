"""Make a PDF of a picture file: a page a picture, each at its own size, without loss where formats allow it.

JPEG, PNG and fax data lie in the PDF as they lay in the file (img2pdf); what cannot (transparency, mirrored
pictures, other formats) is packed without loss. HEIC and lossy WebP were packed with loss already and have no
form in a PDF: they become JPEG of the best quality.
"""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import img2pdf  # type: ignore[import-untyped]
import pikepdf
from PIL import ExifTags, Image, UnidentifiedImageError

from services.documents.core import MAX_IMAGE_PIXELS, MAX_PAGES, resolution_of_image
from services.documents.steps.pdf import DECODING_ERRORS
from shared.media_types import PROCESSABLE
from shared.process_child import Refused

#: Pillow's names; MPO is a JPEG with more pictures behind it, as phones write it.
_FORMATS: Final = {
    "image/png": ["PNG"],
    "image/jpeg": ["JPEG", "MPO"],
    "image/tiff": ["TIFF"],
    "image/heic": ["HEIF"],
    "image/webp": ["WEBP"],
    "image/gif": ["GIF"],
    "image/bmp": ["BMP"],
}
#: Of these the first picture counts: the others are frames of a film, or a preview.
_SINGLE: Final = frozenset(_FORMATS) - {"image/tiff"}
#: EXIF orientation of pictures that are not mirrored.
_TURNED_ONLY: Final = frozenset({1, 3, 6, 8})
#: EXIF orientation -> how the picture is brought upright.
_UPRIGHT_BY: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_JPEG_QUALITY: Final = 95


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One picture on its way into the PDF: encoded, with its size on paper in points."""

    data: bytes
    width: float
    height: float


def picture_pdf(path: Path, media_type: str, target: Path) -> int:
    """Write the PDF of the picture at `path`; returns its pages.

    Raises `Refused`: `image_broken`, `document_too_large`.
    """
    image = _opened(path, media_type)
    try:
        if media_type in _SINGLE:
            pages = 1
            sheets = iter([_sheet(image, path, media_type)])
        else:
            pages = _count(image)
            sheets = _frames(image, path, pages)
        _write(sheets, target)
    except Refused:
        raise
    except DECODING_ERRORS as error:
        raise _broken(media_type, str(error) or type(error).__name__) from error
    return pages


def _opened(path: Path, media_type: str) -> Image.Image:
    # Our own limit, with our own words: Pillow's warns first and counts differently.
    Image.MAX_IMAGE_PIXELS = 2 * MAX_IMAGE_PIXELS
    if media_type == "image/heic":
        # Only now: most pictures are of other kinds.
        from pillow_heif import register_heif_opener

        register_heif_opener()
    try:
        # Not by name: a TIFF that Pillow maps into memory is not turned upright. Closed with the process.
        image = Image.open(path.open("rb"), formats=_FORMATS[media_type])
    except Image.DecompressionBombError as error:
        raise _too_large(str(error)) from error
    except UnidentifiedImageError as error:
        raise _broken(media_type, "its header cannot be read") from error
    except DECODING_ERRORS as error:
        raise _broken(media_type, str(error) or type(error).__name__) from error
    _check_size(image, 1)
    return image


def _count(image: Image.Image) -> int:
    """Pages of a TIFF, from headers alone, each checked before anything is decoded."""
    for number in range(MAX_PAGES + 1):
        try:
            image.seek(number)
        except EOFError:
            return number
        _check_size(image, number + 1)
    raise Refused(
        "document_too_large",
        f"it has more than {MAX_PAGES} pages",
        "Split it and upload the parts.",
    )


def _check_size(image: Image.Image, page: int) -> None:
    width, height = image.size
    if width * height > MAX_IMAGE_PIXELS:
        raise _too_large(
            f"page {page} has {width} x {height} pixels, more than {MAX_IMAGE_PIXELS // 1_000_000} million"
        )


def _frames(image: Image.Image, path: Path, pages: int) -> Iterator[_Sheet]:
    for number in range(pages):
        image.seek(number)
        if pages == 1:
            yield _sheet(image, path, "image/tiff")
        else:
            # img2pdf takes a whole file apart; a page of its own in a file of its own is as good.
            try:
                yield _sheet(image, None, "image/tiff")
            except DECODING_ERRORS as error:
                raise _broken("image/tiff", f"page {number + 1}: {error}") from error


def _sheet(image: Image.Image, path: Path | None, media_type: str) -> _Sheet:
    """The picture as it lies in the file, where a PDF can show it so; else packed anew without loss."""
    orientation = _orientation(image, path, media_type)
    # Truncated data would be found by the reader of the PDF only. Pillow turns a TIFF upright as it loads it.
    image.load()
    lossy = _is_lossy(path, media_type)
    dpi = _dpi(image)
    if media_type == "image/jpeg" and path is not None and image.mode in ("L", "RGB", "CMYK"):
        if orientation in _TURNED_ONLY:
            return _Sheet(path.read_bytes(), *_on_paper(image, dpi))
        lossy = True
    upright = image
    if orientation in _UPRIGHT_BY and media_type != "image/tiff":
        upright = image.transpose(_UPRIGHT_BY[orientation])
    if orientation == 1 and path is not None and _can_lie_as_it_is(image, media_type):
        return _Sheet(path.read_bytes(), *_on_paper(image, dpi))
    if upright.has_transparency_data or upright.mode not in ("1", "L", "P", "RGB"):
        upright = on_white(upright)
    return _Sheet(_packed(upright, lossy=lossy), *_on_paper(upright, dpi))


def _can_lie_as_it_is(image: Image.Image, media_type: str) -> bool:
    if image.has_transparency_data:
        return False
    if media_type == "image/png":
        return image.mode in ("1", "L", "P", "RGB", "I;16")
    return media_type == "image/tiff" and image.mode in ("1", "L", "P", "RGB")


def _orientation(image: Image.Image, path: Path | None, media_type: str) -> int:
    """As EXIF numbers it. In HEIC the boxes `irot` and `imir` say it, and the decoder has followed them; only
    where a program wrote neither, its EXIF data are heard, which ISO 23008-12 wants to be ignored."""
    if media_type == "image/heic":
        assert path is not None
        with path.open("rb") as file:
            boxes = file.read(64 * 1024)
        turned = b"irot" in boxes or b"imir" in boxes
        return 1 if turned else int(image.info.get("original_orientation") or 1)
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _packed(image: Image.Image, *, lossy: bool) -> bytes:
    target = io.BytesIO()
    if lossy:
        image.convert("L" if image.mode in ("1", "L") else "RGB").save(
            target, "JPEG", quality=_JPEG_QUALITY, subsampling=0
        )
    elif image.mode == "1":
        image.save(target, "TIFF", compression="group4")
    else:
        image.save(target, "PNG", compress_level=3)
    return target.getvalue()


def _write(sheets: Iterator[_Sheet], target: Path) -> None:
    """One PDF of all sheets; each goes through a file of its own, so that memory does not grow with them."""
    parts: list[Path] = []
    for number, sheet in enumerate(sheets, start=1):
        part = target.with_suffix(f".{number}.pdf")
        size = (sheet.width, sheet.height)
        with part.open("wb") as file:
            img2pdf.convert(
                sheet.data,
                outputstream=file,
                layout_fun=lambda width, height, dpi, size=size: (*size, *size),
                rotation=img2pdf.Rotation.ifvalid,
                nodate=True,
            )
        parts.append(part)
    if len(parts) == 1:
        parts[0].replace(target)
        return
    with contextlib.ExitStack() as stack:
        pdf = stack.enter_context(pikepdf.new())
        for part in parts:
            pdf.pages.extend(stack.enter_context(pikepdf.open(part)).pages)
        pdf.save(target, deterministic_id=True)


def _on_paper(image: Image.Image, dpi: float) -> tuple[float, float]:
    """Width and height in points, at most what a PDF page may measure (ISO 32000-1 annex C)."""
    width, height = (pixels * 72 / dpi for pixels in image.size)
    shrink = min(1.0, 14_400 / max(width, height))
    return max(3.0, width * shrink), max(3.0, height * shrink)


def _dpi(image: Image.Image) -> float:
    declared = image.info.get("dpi")
    try:
        said = float(declared[0]) if declared else None
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        said = None
    return resolution_of_image(*image.size, said)


def _is_lossy(path: Path | None, media_type: str) -> bool:
    """Whether the file was packed with loss already; of a WebP its first chunk tells (RFC 9649, 2.4)."""
    if media_type == "image/webp" and path is not None:
        with path.open("rb") as file:
            head = file.read(4096)
        return b"VP8 " in head and b"ALPH" not in head
    return media_type == "image/heic"


def on_white(picture: Image.Image) -> Image.Image:
    """Without transparency and in 8 bits a channel: gray or RGB. 16-bit scans are scaled, not cut off."""
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    if picture.has_transparency_data:
        colored = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), colored).convert("RGB")
    return picture.convert("L" if picture.mode in ("1", "L", "LA", "F") else "RGB")


def _too_large(detail: str) -> Refused:
    return Refused("document_too_large", detail, "Save it at a lower resolution, and upload that.")


def _broken(media_type: str, detail: str) -> Refused:
    return Refused(
        "image_broken",
        f"the {PROCESSABLE[media_type]} is damaged: {detail}",
        "Scan or photograph the document again, or save the picture anew, and upload that.",
    )
