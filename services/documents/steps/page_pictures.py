"""What the picturing process serves: pages of one PDF as pictures to look at. See `shared.process`."""

from pathlib import Path
from typing import Any, Final

from services.documents.steps.pdf import DECODING_ERRORS, PdfPages, page_too_large
from shared.process_child import LimitExceeded, Refused

#: Quality of WebP at which print stays crisp; more effort than this makes it 3 % smaller in twice the time.
_QUALITY: Final = 78
_EFFORT: Final = 2


class PagePictures:
    """The PDF at `path`; pictures are files in `folder`."""

    def __init__(self, path: str, folder: str) -> None:
        self._pages = PdfPages(Path(path))
        self._folder = Path(folder)

    def picture(self, number: int, width: int) -> dict[str, Any]:
        """Page `number` (from 1) as WebP, at most `width` pixels wide:
        `{file, width, height, page_width, page_height}`, in pixels and in points."""
        if reason := self._pages.oversize(number):
            raise page_too_large(reason)
        try:
            page_width, page_height = self._pages.size(number)
            picture = self._pages.picture(number, width)
            file = self._folder / f"page-{number}-{width}.webp"
            picture.save(file, "WEBP", quality=_QUALITY, method=_EFFORT)
        except (Refused, LimitExceeded, MemoryError):
            raise
        except DECODING_ERRORS as error:
            raise Refused(
                "page_unreadable",
                f"the page cannot be shown: {str(error) or type(error).__name__}",
                "Print or scan the page again and upload that.",
            ) from error
        return {
            "file": file.name,
            "width": picture.width,
            "height": picture.height,
            "page_width": page_width,
            "page_height": page_height,
        }
