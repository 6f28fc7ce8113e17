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
from services.documents.steps.layout import parse_tsv, reading_order
from shared.process_child import LimitExceeded, Refused, die_with_parent

#: The text layer without the picture, word boxes with confidences. No dictionaries or other page models:
#: Tesseract's own page segmentation (3) is the only one that reads columns.
_OPTIONS = "--psm 3 -c textonly_pdf=1 -c tessedit_create_tsv=1"

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
        """Recognize a gray page; writes its invisible text layer, a PDF page, to `layer`."""
        upright, turned = straighten(page)
        picture, base = layer.with_suffix(".pgm"), layer.with_suffix("")
        upright.save(picture)
        try:
            options = f"{_OPTIONS} --dpi {dpi}"
            pytesseract.run_tesseract(str(picture), str(base), "txt pdf", self._languages, options)
            words = parse_tsv(base.with_suffix(".tsv").read_text(encoding="utf-8"))
        except TesseractError as error:
            raise _translated(error) from error
        finally:
            for leftover in (".pgm", ".tsv", ".txt"):
                base.with_suffix(leftover).unlink(missing_ok=True)
        if turned:
            _turn_back(layer, turned)
        letters = sum(len(word.text) for word in words)
        confidence = sum(len(word.text) * word.confidence for word in words) / letters if letters else None
        return Recognition(reading_order(words), None if confidence is None else round(confidence, 1), turned)


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


def _turn_back(layer: Path, degrees: float) -> None:
    """Turn the text layer of a straightened page so that it lies on the page as it was scanned."""
    angle = math.radians(-degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    with pikepdf.open(layer, allow_overwriting_input=True) as pdf:
        page = pdf.pages[0]
        x, y = float(page.mediabox[2]) / 2, float(page.mediabox[3]) / 2
        shift = (x - x * cosine + y * sine, y - x * sine - y * cosine)
        matrix = (cosine, sine, -sine, cosine, *shift)
        page.contents_add(f"q {' '.join(f'{value:.6f}' for value in matrix)} cm".encode(), prepend=True)
        page.contents_add(b"Q")
        pdf.save(layer, deterministic_id=True)
