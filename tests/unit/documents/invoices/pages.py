"""Pages from text, with the places of its words."""

import re

from services.documents.invoices.lines import Line, lines_of_words


def page_of(text: str, *, recognized: bool = False) -> list[Line]:
    """A page with this text: letters 5 points wide and 10 high, three spaces between cells."""
    words = [
        (word.group(), (word.start() * 5.0, row * 14.0, word.end() * 5.0, row * 14.0 + 10))
        for row, line in enumerate(text.splitlines())
        for word in re.finditer(r"\S+", line)
    ]
    return lines_of_words(words, 1, recognized=recognized)
