"""Straightening of pages."""

import pytest
from PIL import Image

from services.documents.steps.deskew import straighten
from tests.unit.documents import papers


def page_of_text() -> Image.Image:
    page = Image.new("L", (1240, 1754), 255)
    line = papers.picture_of("Sehr geehrte Damen und Herren", size=(500, 130)).crop((100, 170, 1000, 240))
    for row in range(20):
        page.paste(line, (150, 150 + row * 70))
    return page


@pytest.mark.parametrize("skew", [-3.5, -1.1, -0.4, 0.4, 0.7, 2.0, 3.9])
def test_the_skew_of_a_page_of_text_is_found(skew: float) -> None:
    _, turned = straighten(page_of_text().rotate(skew, Image.Resampling.BICUBIC, fillcolor=255))
    assert turned == pytest.approx(-skew, abs=0.15)


def test_a_level_page_is_not_touched() -> None:
    page = page_of_text()
    straightened, turned = straighten(page)
    assert turned == 0.0
    assert straightened is page


@pytest.mark.parametrize("size", [(1240, 1754), (3, 3000), (3000, 3), (1, 1)])
def test_pages_without_lines_are_not_touched(size: tuple[int, int]) -> None:
    _, turned = straighten(Image.new("L", size, 200))
    assert turned == 0.0
