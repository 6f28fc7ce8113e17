"""The first page of a document as a small picture for the report."""

import base64
import io
from pathlib import Path

from PIL import Image

WIDTH = 300
HEIGHT = 420


def thumbnail(document: Path) -> str | None:
    """A `data:` address with a JPEG, or None for what cannot be shown."""
    try:
        picture = _first_page(document)
    except Exception:
        # A picture is an ornament: the report must be written without it too.
        return None
    picture.thumbnail((WIDTH * 2, HEIGHT * 2))
    buffer = io.BytesIO()
    picture.convert("L" if picture.mode in ("1", "L") else "RGB").save(buffer, "JPEG", quality=60)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _first_page(document: Path) -> Image.Image:
    if document.suffix.lower() != ".pdf":
        photo = Image.open(document)
        return photo.convert("L") if photo.mode == "1" else photo
    import pypdfium2

    pdf = pypdfium2.PdfDocument(document)
    try:
        page = pdf[0]
        scale = min(WIDTH * 2 / page.get_width(), HEIGHT * 2 / page.get_height())
        picture: Image.Image = page.render(scale=scale).to_pil()
        return picture
    finally:
        pdf.close()
