"""The pure decisions about pages and text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.documents.core import (
    LOWEST_DPI,
    MAX_RENDERED_PIXELS,
    has_real_text,
    mean_confidence,
    recipe,
    resolution_for,
    resolution_of_image,
)

A4 = (595.0, 842.0)
A0 = (2384.0, 3370.0)


def test_ordinary_pages_are_rendered_at_300_dpi() -> None:
    assert resolution_for(*A4) == 300
    assert resolution_for(842.0, 1191.0) == 300


def test_plans_are_rendered_as_finely_as_memory_allows() -> None:
    dpi = resolution_for(*A0)
    assert dpi is not None
    assert LOWEST_DPI <= dpi < 300


@pytest.mark.parametrize("size", [(14_400.0, 14_400.0), (0.0, 842.0), (-10.0, 10.0)])
def test_a_page_that_no_resolution_fits_has_none(size: tuple[float, float]) -> None:
    assert resolution_for(*size) is None


@given(st.floats(1, 20_000), st.floats(1, 20_000))
def test_no_page_is_rendered_with_more_pixels_than_the_limit(width: float, height: float) -> None:
    dpi = resolution_for(width, height)
    assert dpi is None or width / 72 * dpi * height / 72 * dpi <= MAX_RENDERED_PIXELS


@pytest.mark.parametrize(
    ("size", "declared", "dpi"),
    [
        ((2480, 3508), 300.0, 300.0),
        ((2480, 3508), None, 300.1),  # a whole A4 page
        ((2480, 3508), 72.0, 300.1),  # what cameras write without thinking
        ((1000, 1000), 20_000.0, 85.5),
    ],
)
def test_a_picture_without_a_credible_resolution_is_taken_for_an_a4_page(
    size: tuple[int, int], declared: float | None, dpi: float
) -> None:
    assert resolution_of_image(*size, declared) == pytest.approx(dpi, abs=0.1)


@pytest.mark.parametrize(
    ("text", "cover", "real"),
    [
        ("Rechnung 4711", 0.0, True),
        ("", 0.0, False),
        (" \n\t", 0.0, False),
        ("Seite 2", 0.98, False),  # a stamp on a scan
        ("Sehr geehrte Damen und Herren, " * 5, 1.0, True),  # a scan that was recognized before
        ("\ue012\ue013\ue014\ue015 abc", 0.0, False),  # private use: a font without a character map
        ("\ufffd" * 40 + "abc", 0.0, False),
        ("请付款 – Straße – плата", 0.0, True),
    ],
)
def test_a_text_layer_counts_only_if_it_says_what_the_page_shows(text: str, cover: float, real: bool) -> None:
    assert has_real_text(text, cover) is real


def test_the_recipe_changes_with_engine_languages_and_models() -> None:
    usual = recipe("5.5.2", "deu+eng", [b"deu", b"eng"])
    others = {
        recipe("5.5.3", "deu+eng", [b"deu", b"eng"]),
        recipe("5.5.2", "eng", [b"deu", b"eng"]),
        recipe("5.5.2", "deu+eng", [b"better deu", b"eng"]),
    }
    assert usual == recipe("5.5.2", "deu+eng", [b"deu", b"eng"])
    assert usual not in others
    assert len(others) == 3


def test_confidence_is_weighted_by_the_length_of_the_pages() -> None:
    assert mean_confidence([(300, 90.0), (100, 50.0), (1000, None)]) == 80.0
    assert mean_confidence([(1000, None)]) is None
    assert mean_confidence([]) is None
