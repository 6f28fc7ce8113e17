"""Paper: typeset pages, and what scanners make of them. The same input gives the same bytes."""

import io
import random
from collections.abc import Sequence
from pathlib import Path

import pikepdf
import pypdfium2
from PIL import Image, ImageChops, ImageFilter
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas


def typeset(pages: Sequence[Sequence[str]], *, size: float = 11, font: str = "Helvetica") -> bytes:
    """A PDF with a text layer: A4, a line a string, bold where it starts with `#`."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=A4, invariant=1)
    for lines in pages:
        height = A4[1] - 72
        for line in lines:
            bold = line.startswith("# ")
            canvas.setFont(f"{font}-Bold" if bold else font, size * (1.25 if bold else 1))
            text = line.removeprefix("# ")
            # Amounts stand right-aligned in a column, as on a real invoice.
            left, gap, right = text.rpartition("   ")
            if gap:
                canvas.drawString(64, height, left.rstrip())
                canvas.drawRightString(A4[0] - 64, height, right.strip())
            else:
                canvas.drawString(64, height, text)
            height -= size * (1.9 if bold else 1.55)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def photograph(pdf: bytes, page: int, dpi: int) -> Image.Image:
    """Page `page` (from 0) of `pdf` as a gray image."""
    document = pypdfium2.PdfDocument(pdf)
    image: Image.Image = document[page].render(scale=dpi / 72, grayscale=True).to_pil()
    return image.convert("L")


def grain(size: tuple[int, int], strength: int, seed: int) -> Image.Image:
    """Gray noise, `strength` levels up and down around 128, a little coarser than a pixel like a sensor's."""
    noise = random.Random(seed).randbytes(size[0] // 2 * (size[1] // 2))  # noqa: S311  (no secret)
    image = Image.frombytes("L", (size[0] // 2, size[1] // 2), noise)
    flattened = image.point(lambda level: 128 + (level - 128) * strength // 128)
    return flattened.resize(size, Image.Resampling.BILINEAR)


def scanned(image: Image.Image, *, degrees: float, strength: int, seed: int) -> Image.Image:
    """As a worn office scanner sees it: a little askew, soft, grainy, on paper that is not quite white."""
    askew = image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255)
    soft = askew.filter(ImageFilter.GaussianBlur(0.8)).point(lambda level: 28 + level * 214 // 255)
    return ImageChops.add(soft, grain(image.size, strength, seed), offset=-128)


def jpeg(image: Image.Image, quality: int, dpi: int) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=quality, dpi=(dpi, dpi), optimize=True)
    return target.getvalue()


def add_image_page(pdf: pikepdf.Pdf, image: Image.Image, *, dpi: int, quality: int) -> None:
    """A page that is nothing but a picture, as scanners write it."""
    width, height = (pixels * 72 / dpi for pixels in image.size)
    picture = pikepdf.Stream(
        pdf, jpeg(image, quality, dpi), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image,
        Width=image.width, Height=image.height, ColorSpace=pikepdf.Name.DeviceGray, BitsPerComponent=8,
        Filter=pikepdf.Name.DCTDecode,
    )  # fmt: skip
    page = pdf.add_blank_page(page_size=(width, height))
    name = page.add_resource(picture, pikepdf.Name.XObject, pikepdf.Name.Scan)
    page.contents_add(f"q {width:.2f} 0 0 {height:.2f} 0 0 cm {name} Do Q".encode())


def save(pdf: pikepdf.Pdf, path: Path) -> None:
    pdf.save(path, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def write_text(path: Path, pages: Sequence[Sequence[str]]) -> None:
    """The truth beside a document: its lines, a form feed between pages."""
    texts = [
        "\n".join(" ".join(line.removeprefix("# ").split()) for line in lines if line) for lines in pages
    ]
    path.with_suffix(".txt").write_text("\f".join(texts) + "\n", encoding="utf-8")
