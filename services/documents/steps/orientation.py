"""Tell from what was recognized that a page lies on its side or upside down.

Tesseract's own detection needs a model (`osd`) that is not installed. Measured on our samples and five pages
of others: upright pages have a confidence of 93 to 96 %, upside-down ones 25 to 41 %; lines that run from
top to bottom are found and read, but then the words are higher than wide. Pages of 7 to 15 letters show the
same (36 made pages): 93 to 96 % upright, 0 to 40 % upside down. A page that has no word of four letters says
nothing: `OK` upside down is read as `AO` or `XO`.
"""

from collections.abc import Sequence

from services.documents.steps.layout import Word

#: With fewer letters, only a word of `_LONG` says something about a page, and a turn has to prove itself.
_ENOUGH_LETTERS = 20
_LONG = 4
_DOUBTFUL = 60.0
#: What a turned page of few letters must reach: specks and drawings, read either way, do not.
_CERTAIN = 80.0


def confidence_of(words: Sequence[Word]) -> float | None:
    """Mean confidence of the words in percent, weighted by their letters; None without words."""
    letters = _letters(words)
    return sum(len(word.text) * word.confidence for word in words) / letters if letters else None


def better_turn(words: Sequence[Word]) -> int | None:
    """Quarter turns counter-clockwise (1 to 3) after which the page is probably upright; None if it is."""
    confidence = confidence_of(words)
    # One or two letters are often higher than wide.
    long = [word for word in words if len(word.text) >= _LONG]
    if confidence is None or not (long or _letters(words) >= _ENOUGH_LETTERS):
        return None
    doubtful = confidence < _DOUBTFUL
    lying = sum(word.bottom - word.top > word.right - word.left for word in long)
    if long and lying > 0.6 * len(long):
        return 3 if doubtful else 1
    return 2 if doubtful else None


def is_better(words: Sequence[Word], before: Sequence[Word]) -> bool:
    """Whether a turned page was read so well that the turn was right."""
    now, then = confidence_of(words), confidence_of(before)
    wanted = _DOUBTFUL if _letters(words) >= _ENOUGH_LETTERS else _CERTAIN
    return now is not None and now >= wanted and (then is None or now > then - 5)


def _letters(words: Sequence[Word]) -> int:
    return sum(len(word.text) for word in words)
