"""Straightening of pages."""

import pytest
from PIL import Image

from services.documents.steps.deskew import leveled, straighten
from services.documents.steps.layout import Word
from tests.unit.documents import papers


def page_of_text() -> Image.Image:
    page = Image.new("L", (1240, 1754), 255)
    line = papers.picture_of("Sehr geehrte Damen und Herren", size=(500, 130)).crop((100, 170, 1000, 240))
    for row in range(20):
        page.paste(line, (150, 150 + row * 70))
    return page


@pytest.mark.parametrize("skew", [-3.5, -1.8, 2.0, 3.9])
def test_the_skew_of_a_page_of_text_is_found(skew: float) -> None:
    _, turned = straighten(page_of_text().rotate(skew, Image.Resampling.BICUBIC, fillcolor=255))
    assert turned == pytest.approx(-skew, abs=0.15)


@pytest.mark.parametrize("skew", [-1.1, 0.0, 0.7])
def test_a_page_that_is_nearly_level_is_not_touched(skew: float) -> None:
    page = page_of_text().rotate(skew, Image.Resampling.BICUBIC, fillcolor=255)
    straightened, turned = straighten(page)
    assert turned == 0.0
    assert straightened is page


@pytest.mark.parametrize("slope", [-0.02, 0.0, 0.015])
def test_the_words_of_a_skewed_page_are_put_level(slope: float) -> None:
    """Lines of six words, one of them with a tail below the line."""
    words = [
        Word(1, 1, line, left, top, left + 90, top + 30 + (8 if left == 700 else 0), 95.0, "word")
        for line in range(8)
        for left in range(100, 1300, 200)
        for top in (round(100 * line + slope * left),)
    ]
    level = leveled(words)
    for line in range(8):
        tops = [word.top for word in level if word.line == line]
        assert max(tops) - min(tops) <= 4
    assert [(word.left, word.bottom - word.top) for word in level] == [
        (word.left, word.bottom - word.top) for word in words
    ]


def test_too_few_words_to_tell_are_left_as_they_are() -> None:
    words = [Word(1, 1, 1, left, left, left + 90, left + 30, 95.0, "word") for left in (100, 300, 500)]
    assert leveled(words) == words


@pytest.mark.parametrize("size", [(1240, 1754), (3, 3000), (3000, 3), (1, 1)])
def test_pages_without_lines_are_not_touched(size: tuple[int, int]) -> None:
    _, turned = straighten(Image.new("L", size, 200))
    assert turned == 0.0
