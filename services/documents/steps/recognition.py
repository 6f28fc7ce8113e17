"""Recognize a page with Tesseract: one call for text with confidences and for the invisible text layer."""

import math
import os
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pikepdf
from PIL import Image
from pytesseract import TesseractError, pytesseract

from services.documents.steps.deskew import straighten
from services.documents.steps.layout import Word, parse_tsv, reading_order
from services.documents.steps.orientation import better_turn, confidence_of, is_better
from shared.process_child import LimitExceeded, Refused, die_with_parent

#: The text layer without the picture, word boxes with confidences. No dictionaries or other page models:
#: Tesseract's own page segmentation (3) is the only one that reads columns.
_OPTIONS = "--psm 3 -c textonly_pdf=1 -c tessedit_create_tsv=1"

#: Quarter turns counter-clockwise.
_QUARTERS = {
    1: Image.Transpose.ROTATE_90,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_270,
}

_USUAL_ARGUMENTS = pytesseract.subprocess_args
_DEATHS = {-signal.SIGXCPU: "cpu", -signal.SIGXFSZ: "file_size"}


@dataclass(frozen=True, slots=True)
class Recognition:
    text: str
    #: Mean confidence of the words in percent, weighted by their letters; None on an empty page.
    confidence: float | None
    #: Degrees by which the page was turned counter-clockwise.
    turned: float


class Tesseract:
    """The program at `program` with the language files in the folder `tessdata`."""

    def __init__(self, program: str, tessdata: str, languages: str) -> None:
        pytesseract.tesseract_cmd = program
        os.environ["TESSDATA_PREFIX"] = tessdata
        # More threads on one page cost more than they gain; documents and pages are what runs in parallel.
        os.environ["OMP_THREAD_LIMIT"] = "1"
        # pytesseract starts the program without asking the kernel to end it with us: a worker that is
        # killed would leave it behind.
        pytesseract.subprocess_args = _dying_with_us
        self._languages = languages

    def recognize(self, page: Image.Image, dpi: int, layer: Path) -> Recognition:
        """Recognize a gray page; writes its invisible text layer, a PDF page, to `layer`.

        A page is recognized once, and a second time if it turns out to lie on its side or upside down.
        """
        words, skew = self._read(page, dpi, layer)
        quarters = better_turn(words)
        if quarters is not None:
            turned_layer = layer.with_stem(f"{layer.stem}-turned")
            turned_words, turned_skew = self._read(page.transpose(_QUARTERS[quarters]), dpi, turned_layer)
            if is_better(turned_words, words):
                turned_layer.replace(layer)
                words, skew = turned_words, turned_skew
            else:
                turned_layer.unlink()
                quarters = None
        _turn_back(layer, quarters or 0, skew)
        confidence = confidence_of(words)
        return Recognition(
            reading_order(words),
            None if confidence is None else round(confidence, 1),
            (quarters or 0) * 90 + skew,
        )

    def _read(self, page: Image.Image, dpi: int, layer: Path) -> tuple[list[Word], float]:
        """The words of a page as it lies, and the skew that was taken out of it."""
        level, skew = straighten(page)
        picture, base = layer.with_suffix(".pgm"), layer.with_suffix("")
        level.save(picture)
        try:
            options = f"{_OPTIONS} --dpi {dpi}"
            pytesseract.run_tesseract(str(picture), str(base), "txt pdf", self._languages, options)
            return parse_tsv(base.with_suffix(".tsv").read_text(encoding="utf-8")), skew
        except TesseractError as error:
            raise _translated(error) from error
        finally:
            for leftover in (".pgm", ".tsv", ".txt"):
                base.with_suffix(leftover).unlink(missing_ok=True)


def _dying_with_us(include_stdout: bool = True) -> dict[str, Any]:
    return {**_USUAL_ARGUMENTS(include_stdout), "preexec_fn": partial(die_with_parent, os.getpid())}


def _translated(error: TesseractError) -> Exception:
    message = str(error.message)
    if limit := _DEATHS.get(error.status):
        return LimitExceeded(limit)
    if "alloc" in message or error.status == -signal.SIGABRT:
        return LimitExceeded("memory")
    return Refused(
        "page_unreadable",
        f"Tesseract cannot read the page (status {error.status}): {message[-300:]}",
        "Scan the page again and upload that; if other documents fail too, check the language files.",
    )


def _back(skew: float, x: float) -> tuple[float, ...]:
    """The matrix that undoes what `straighten` did, around the page's middle at `x`."""
    lean = math.tan(math.radians(-skew))
    return (1.0, lean, 0.0, 1.0, 0.0, -x * lean)


def _turn_back(layer: Path, quarters: int, skew: float) -> None:
    """Turn the text layer of a page that was made upright so that it lies on the page as it was scanned."""
    if not quarters and not skew:
        return
    with pikepdf.open(layer, allow_overwriting_input=True) as pdf:
        page = pdf.pages[0]
        matrix = _back(skew, float(page.mediabox[2]) / 2)
        page.contents_add(f"q {' '.join(f'{value:.6f}' for value in matrix)} cm".encode(), prepend=True)
        page.contents_add(b"Q")
        # We turned counter-clockwise; a PDF turns its pages clockwise.
        page.rotate(quarters * 90, relative=False)
        pdf.save(layer, deterministic_id=True)
