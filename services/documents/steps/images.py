"""Pages of a picture file: PNG, JPEG, or TIFF with any number of them."""

from pathlib import Path

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from services.documents.core import (
    BEST_DPI,
    MAX_IMAGE_PIXELS,
    MAX_PAGES,
    MAX_RENDERED_PIXELS,
    READABLE,
    resolution_of_image,
)
from services.documents.steps.pdf import page_too_large, too_many_pages
from shared.process_child import Refused

#: Pillow's names; MPO is a JPEG with more pictures behind it, as phones write it.
_FORMATS = {"image/png": ["PNG"], "image/jpeg": ["JPEG", "MPO"], "image/tiff": ["TIFF"]}

#: EXIF orientation -> degrees clockwise, for those that are not mirrored.
_TURNS = {1: 0, 3: 180, 6: 90, 8: 270}

#: What decoders raise on damaged input.
DECODING_ERRORS = (
    Image.DecompressionBombError,
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
)


class ImagePages:
    """The pages of the picture at `path`, numbered from 1. Raises `Refused` (`image_broken`,
    `document_too_large`) if it cannot be opened."""

    def __init__(self, path: Path, media_type: str) -> None:
        self.media_type = media_type
        # Our own limit, with our own words: Pillow's warns first and counts differently.
        Image.MAX_IMAGE_PIXELS = 2 * MAX_IMAGE_PIXELS
        try:
            self._image = Image.open(path, formats=_FORMATS[media_type])
            self.count = self._count_pages() if media_type == "image/tiff" else 1
        except Image.DecompressionBombError as error:
            raise Refused("document_too_large", str(error), "Save it at a lower resolution.") from error
        except UnidentifiedImageError as error:
            raise _broken(media_type, "its header cannot be read") from error
        except DECODING_ERRORS as error:
            raise _broken(media_type, str(error) or type(error).__name__) from error

    def too_large(self) -> dict[int, str]:
        """Page -> why it is not decoded, with the numbers; from headers alone."""
        found: dict[int, str] = {}
        for number in range(1, self.count + 1):
            self._seek(number)
            width, height = self._image.size
            if width * height > MAX_IMAGE_PIXELS:
                found[number] = (
                    f"it has {width} x {height} pixels, more than {MAX_IMAGE_PIXELS // 1_000_000} million"
                )
        return found

    def text_layer(self, number: int) -> str | None:
        """Pictures have none."""
        return None

    def render(self, number: int, best: int = BEST_DPI) -> tuple[Image.Image, int]:
        """A page in gray, upright as its EXIF data say, and its dots per inch: `best`, or as near as it
        gets."""
        picture = self.picture(number)
        dpi = self.dpi(number)
        gray = on_white(picture).convert("L")
        factor = best / dpi
        # Coarse pictures are enlarged because Tesseract wants letters of 20 pixels and more; fine ones are
        # reduced because they only cost time.
        if 0.8 < factor < 1.25:
            return gray, round(dpi)
        factor = min(factor, 4.0, (MAX_RENDERED_PIXELS / (gray.width * gray.height)) ** 0.5)
        size = (max(1, round(gray.width * factor)), max(1, round(gray.height * factor)))
        return gray.resize(size, Image.Resampling.LANCZOS), max(1, round(dpi * factor))

    def picture(self, number: int) -> Image.Image:
        """A page as it is, upright."""
        self._seek(number)
        width, height = self._image.size
        if width * height > MAX_IMAGE_PIXELS:
            raise page_too_large(f"it has {width} x {height} pixels")
        try:
            return ImageOps.exif_transpose(self._image)
        except DECODING_ERRORS as error:
            raise Refused(
                "page_unreadable",
                f"the picture is damaged: {str(error) or type(error).__name__}",
                "Scan or photograph the page again and upload that.",
            ) from error

    def stored_picture(self, number: int) -> Image.Image:
        """A page as it lies in the file, not turned upright."""
        self._seek(number)
        return self._image

    def embeddable_turn(self) -> int | None:
        """Degrees clockwise by which a viewer has to turn the file's JPEG data; None if they cannot be shown
        as they are (not a JPEG, four-color print, mirrored)."""
        if self.media_type != "image/jpeg" or self._image.mode not in ("L", "RGB"):
            return None
        return _TURNS.get(self._image.getexif().get(ExifTags.Base.Orientation, 1))

    def dpi(self, number: int) -> float:
        self._seek(number)
        declared = self._image.info.get("dpi")
        width, height = self._image.size
        return resolution_of_image(width, height, float(declared[0]) if declared else None)

    def close(self) -> None:
        self._image.close()

    def _count_pages(self) -> int:
        for number in range(MAX_PAGES + 1):
            try:
                self._image.seek(number)
            except EOFError:
                return number
        raise too_many_pages(int(getattr(self._image, "n_frames", MAX_PAGES + 1)))

    def _seek(self, number: int) -> None:
        if self.media_type == "image/tiff":
            self._image.seek(number - 1)


def on_white(picture: Image.Image) -> Image.Image:
    """Without transparency and in 8 bits a channel: gray or RGB. 16-bit scans are scaled, not cut off."""
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    if picture.has_transparency_data:
        colored = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), colored).convert("RGB")
    return picture.convert("L" if picture.mode in ("1", "L", "F") else "RGB")


def _broken(media_type: str, detail: str) -> Refused:
    return Refused(
        "image_broken",
        f"the {READABLE[media_type]} is damaged: {detail}",
        "Scan or photograph the document again, or save the picture anew, and upload that.",
    )
