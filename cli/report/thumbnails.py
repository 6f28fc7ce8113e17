"""The first page of a document as a small picture for the report."""

import base64
import io

from PIL import Image

WIDTH = 384
HEIGHT = 544


def thumbnail(pdf: bytes | None) -> str | None:
    """A `data:` address with a JPEG, or None for what cannot be shown."""
    if pdf is None:
        return None
    try:
        picture = _first_page(pdf)
    except Exception:
        # A picture is an ornament: the report must be written without it too.
        return None
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=56, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _first_page(content: bytes) -> Image.Image:
    import pypdfium2

    pdf = pypdfium2.PdfDocument(content)
    try:
        page = pdf[0]
        scale = min(WIDTH * 2 / page.get_width(), HEIGHT * 2 / page.get_height())
        picture: Image.Image = page.render(scale=scale).to_pil()
        return picture
    finally:
        pdf.close()
