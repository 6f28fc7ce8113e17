"""Pure decisions about documents and pages: which limits hold, at which resolution a page is rendered,
whether a text layer can be trusted, and what a recognition is worth. No I/O, and nothing but the standard
library: the reading processes import it too.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

#: Media types that LibreOffice makes a PDF of -> the extension by which it knows them.
OFFICE_EXTENSIONS: Final = {
    "application/msword": ".doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-powerpoint": ".ppt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    "application/rtf": ".rtf",
}
#: Kinds of documents that bring others along.
MAILS: Final = frozenset({"message/rfc822", "application/vnd.ms-outlook"})
#: Mails within mails that are taken apart.
MAX_NESTING: Final = 5

#: Pages of one document.
MAX_PAGES: Final = 2000
#: Pixels of a page as it is recognized: A1 at 200 dpi fits.
MAX_RENDERED_PIXELS: Final = 36_000_000
#: Pixels of a page as it is looked at: A4 in its largest width fits twice. Pixels of its longer side: WebP's.
MAX_PICTURE_PIXELS: Final = 10_000_000
MAX_PICTURE_SIDE: Final = 16_000
#: Pixels of a picture in a file, or of one that is a file: A3 at 600 dpi fits.
MAX_IMAGE_PIXELS: Final = 100_000_000
#: Characters of a text, a mail or a page that is set as a PDF.
MAX_TEXT_CHARACTERS: Final = 2_000_000
#: Bytes that one compressed stream of a PDF (a page's drawing, a picture) may inflate to.
MAX_STREAM_BYTES: Final = 400_000_000
#: Tesseract's models are trained for print of this resolution.
BEST_DPI: Final = 300
#: Below this, ordinary print is not recognized any more.
LOWEST_DPI: Final = 120


def resolution_for(width: float, height: float, best: int = BEST_DPI) -> int | None:
    """Dots per inch to render a page of `width` x `height` points; None if it is too large at any useful one.

    `best` for ordinary pages, less for plans and posters so that memory stays within limits.
    """
    area = width * height / (72 * 72)
    if area <= 0:
        return None
    fitting = int((MAX_RENDERED_PIXELS / area) ** 0.5)
    return min(best, fitting) if fitting >= LOWEST_DPI else None


def resolution_of_image(width: int, height: int, declared: float | None) -> float:
    """Dots per inch of a picture of `width` x `height` pixels: what it declares if that can be true, else
    what it is if it shows a whole A4 page."""
    if declared is not None and 90 <= declared <= 1200 and max(width, height) / declared <= 48:
        return declared
    return min(1200.0, max(72.0, max(width, height) / 11.69))


def has_real_text(text: str, image_cover: float) -> bool:
    """Whether a page's text layer says what the page shows.

    `image_cover` is the share of the page that pictures cover (0 to 1). A scan with a stamped page number
    has some text and a picture all over; fonts without a character map give text that is none.
    """
    visible = [character for character in text if not character.isspace()]
    if not visible:
        return False
    nonsense = sum(
        character == "\N{REPLACEMENT CHARACTER}" or unicodedata.category(character) in ("Co", "Cn", "Cc")
        for character in visible
    )
    if nonsense > len(visible) * 0.1:
        return False
    return image_cover < 0.5 or len(visible) >= 100


def recipe(engine: str, languages: str, models: Iterable[bytes]) -> str:
    """Names how pages are recognized; kept results of another recipe are not used again.

    `models` are the contents of the language files: better models of the same name recognize anew.
    """
    digest = hashlib.sha256()
    for model in models:
        digest.update(hashlib.sha256(model).digest())
    # The number counts our own changes to rendering, deskewing and reading order.
    return f"tesseract-{engine}-{languages}-{digest.hexdigest()[:8]}-2"


def conversion_recipe(media_type: str) -> str:
    """Names how a PDF is made of a document of this type; one made by another recipe is made anew."""
    # The numbers count our own changes to each way.
    if media_type == "application/pdf":
        return "passed-1"
    if media_type.startswith("image/"):
        return "picture-1"
    return "office-1" if media_type in OFFICE_EXTENSIONS else "typeset-1"


def mean_confidence(confidences: Iterable[tuple[int, float | None]]) -> float | None:
    """Mean over pages of (characters, percent), weighted by characters; None if no page was recognized."""
    known = [(max(1, characters), percent) for characters, percent in confidences if percent is not None]
    if not known:
        return None
    return round(sum(weight * percent for weight, percent in known) / sum(weight for weight, _ in known), 1)


def pdf_key(document: object) -> str:
    """The record key of a document's conversion into a PDF."""
    return f"document:{document}/pdf"


def page_key(document: object, page: int) -> str:
    """The record key of a page (from 1)."""
    return f"document:{document}/page:{page}"


def invoice_key(document: object) -> str:
    """The record key of the invoice in a document."""
    return f"invoice:{document}"


def approval_key(document: object) -> str:
    """The record key of the approval of the invoice in a document."""
    return f"approval:{document}"


def compact(value: str) -> str:
    """Only letters and digits, in one case: how values are compared."""
    return re.sub(r"[\W_]", "", value).casefold()


def changes_between(
    before: Mapping[str, str], after: Mapping[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    """Field -> (before, after) of every field that differs; None where it was not there."""
    return {
        name: (before.get(name), after.get(name))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    }
