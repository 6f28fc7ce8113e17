"""Tell from what was recognized that a page lies on its side or upside down.

Tesseract's own detection needs a model (`osd`) that is not installed. Measured on our samples and five pages
of others: upright pages have a confidence of 93 to 96 %, upside-down ones 25 to 41 %; lines that run from
top to bottom are found and read, but then the words are higher than wide.
"""

from collections.abc import Sequence

from services.documents.steps.layout import Word

#: Fewer letters say nothing about a page.
_ENOUGH_LETTERS = 20
_DOUBTFUL = 60.0


def confidence_of(words: Sequence[Word]) -> float | None:
    """Mean confidence of the words in percent, weighted by their letters; None without words."""
    letters = sum(len(word.text) for word in words)
    return sum(len(word.text) * word.confidence for word in words) / letters if letters else None


def better_turn(words: Sequence[Word]) -> int | None:
    """Quarter turns counter-clockwise (1 to 3) after which the page is probably upright; None if it is."""
    confidence = confidence_of(words)
    if confidence is None or sum(len(word.text) for word in words) < _ENOUGH_LETTERS:
        return None
    doubtful = confidence < _DOUBTFUL
    # One or two letters are often higher than wide.
    long = [word for word in words if len(word.text) >= 4]
    lying = sum(word.bottom - word.top > word.right - word.left for word in long)
    if long and lying > 0.6 * len(long):
        return 3 if doubtful else 1
    return 2 if doubtful else None


def is_better(words: Sequence[Word], before: Sequence[Word]) -> bool:
    """Whether a turned page was read so well that the turn was right."""
    now, then = confidence_of(words), confidence_of(before)
    return now is not None and now >= _DOUBTFUL and (then is None or now > then - 5)
