"""Which way up a page is, from what was recognized on it."""

import pytest

from services.documents.steps.layout import Word
from services.documents.steps.orientation import better_turn, is_better


def words(*, confidence: float, lying: bool = False, count: int = 10, text: str = "Rechnung") -> list[Word]:
    width, height = (20, 80) if lying else (80, 20)
    return [Word(1, 1, n, 100, n * 90, 100 + width, n * 90 + height, confidence, text) for n in range(count)]


@pytest.mark.parametrize(
    ("found", "turn"),
    [
        (words(confidence=95), None),
        (words(confidence=35), 2),
        (words(confidence=95, lying=True), 1),
        (words(confidence=35, lying=True), 3),
        (words(confidence=35, count=1), 2),
        (words(confidence=95, lying=True, count=1), 1),
        (words(confidence=35, count=3, text="OK"), None),  # too little to say
        ([], None),
    ],
)
def test_a_page_is_turned_by_what_its_words_look_like(found: list[Word], turn: int | None) -> None:
    assert better_turn(found) == turn


def test_a_turn_that_reads_no_better_is_taken_back() -> None:
    assert is_better(words(confidence=95), words(confidence=35))
    assert not is_better(words(confidence=38), words(confidence=35))
    assert not is_better([], words(confidence=35))
    assert is_better(words(confidence=90, count=1), words(confidence=35, count=1))
    assert not is_better(words(confidence=70, count=1), words(confidence=35, count=1)), "specks, perhaps"
