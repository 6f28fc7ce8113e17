"""Pages as pictures to look at: in bounds whatever the page measures."""

import io
from pathlib import Path

import pytest
from PIL import Image

from services.documents.core import MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE
from services.documents.steps.page_pictures import PagePictures
from shared.process_child import Refused
from tests.unit.documents.papers import filled_form, picture_bomb, scanned_pdf, typed_pdf


def pictured(
    pdf: bytes, folder: Path, *, number: int = 1, width: int = 900
) -> tuple[Image.Image, tuple[float, float]]:
    path = folder / "document.pdf"
    path.write_bytes(pdf)
    made = PagePictures(str(path), str(folder)).picture(number, width)
    picture = Image.open(io.BytesIO((folder / made["file"]).read_bytes()))
    assert (made["width"], made["height"]) == picture.size
    return picture, (made["page_width"], made["page_height"])


def test_a_page_has_the_width_that_was_asked_for_and_its_own_proportions(tmp_path: Path) -> None:
    picture, measures = pictured(typed_pdf("Ein Brief", size=(420, 595)), tmp_path)
    assert measures == (420, 595)
    assert picture.width == 900
    assert picture.height == pytest.approx(900 * 595 / 420, abs=1)


def test_a_page_keeps_its_colors(tmp_path: Path) -> None:
    red = Image.new("RGB", (200, 300), (200, 20, 20))
    picture, _ = pictured(scanned_pdf([red]), tmp_path)
    r, g, b = picture.convert("RGB").getpixel((450, 600))  # type: ignore[misc]
    assert (r > 180, g < 60, b < 60) == (True, True, True)


def test_what_was_filled_into_a_form_is_shown(tmp_path: Path) -> None:
    with_value, _ = pictured(filled_form("Name", "Anna Muster"), tmp_path)
    without, _ = pictured(filled_form("Name", ""), tmp_path)
    assert with_value.tobytes() != without.tobytes()


@pytest.mark.parametrize("size", [(10, 14_000), (14_000, 10), (14_000, 14_000), (3, 3)])
def test_no_page_is_pictured_beyond_the_limits(tmp_path: Path, size: tuple[float, float]) -> None:
    picture, _ = pictured(typed_pdf("x", size=size), tmp_path, width=1800)
    assert picture.width <= 1801
    assert max(picture.size) <= MAX_PICTURE_SIDE + 1
    assert picture.width * picture.height <= MAX_PICTURE_PIXELS * 1.01


def test_a_page_that_would_cost_too_much_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        pictured(picture_bomb(30_000, 30_000), tmp_path)
    assert refused.value.code == "page_too_large"
