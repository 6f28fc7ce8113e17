"""A sheet to write on, from the upper left corner, in points; and the same sheet as a scanner sees it."""

import io
import random
from dataclasses import dataclass
from typing import Final

import pypdfium2
from PIL import Image, ImageFilter
from reportlab.pdfgen.canvas import Canvas

A4: Final = (595.0, 842.0)
LETTER: Final = (612.0, 792.0)


@dataclass(frozen=True)
class Style:
    """Fonts and size of the body."""

    plain: str = "Helvetica"
    bold: str = "Helvetica-Bold"
    size: float = 10


STYLES: Final = (
    Style(), Style(size=9), Style("Times-Roman", "Times-Bold", 11), Style("Courier", "Courier-Bold", 9),
    Style(size=11),
)  # fmt: skip


class Paper:
    def __init__(self, size: tuple[float, float], style: Style) -> None:
        self.width, self.height = size
        self.style = style
        self._target = io.BytesIO()
        self._canvas = Canvas(self._target, pagesize=size, invariant=1)

    def write(
        self, x: float, y: float, text: str, *, size: float = 0.0, bold: bool = False, right: bool = False
    ) -> float:
        """Write `text` with its upper edge at `y`, to the right of `x` or to its left; the next `y`."""
        size = size or self.style.size
        self._canvas.setFont(self.style.bold if bold else self.style.plain, size)
        draw = self._canvas.drawRightString if right else self._canvas.drawString
        draw(x, self.height - y - size, text)
        return y + size * 1.35

    def lines(self, x: float, y: float, texts: list[str], *, size: float = 0.0, right: bool = False) -> float:
        for text in texts:
            y = self.write(x, y, text, size=size, right=right)
        return y

    def measure(self, text: str, *, bold: bool = False) -> float:
        font = self.style.bold if bold else self.style.plain
        return float(self._canvas.stringWidth(text, font, self.style.size))

    def rule(self, x: float, y: float, to: float) -> None:
        self._canvas.line(x, self.height - y, to, self.height - y)

    def box(self, x: float, y: float, width: float, height: float) -> None:
        self._canvas.rect(x, self.height - y - height, width, height)

    def turn_page(self) -> None:
        self._canvas.showPage()

    def pdf(self) -> bytes:
        self._canvas.save()
        return self._target.getvalue()


def scanned(pdf: bytes, seed: int) -> bytes:
    """The PDF as a scanner or a careful photographer gives it: slightly turned, noisy, soft."""
    chance = random.Random(seed)
    dpi = chance.choice([200, 250, 300, 300])
    angle, noise, blur = chance.uniform(-1.2, 1.2), chance.randrange(4, 22), chance.uniform(0.0, 0.7)
    pictures = []
    for page in pypdfium2.PdfDocument(pdf):
        picture = page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L")
        picture = picture.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255)
        picture = picture.filter(ImageFilter.GaussianBlur(blur))
        grain = Image.frombytes("L", picture.size, chance.randbytes(picture.width * picture.height))
        picture = Image.blend(picture.point(lambda level: 20 + level * 0.88), grain, noise / 255)
        pictures.append(picture)
    target = io.BytesIO()
    pictures[0].save(target, "PDF", save_all=True, append_images=pictures[1:], resolution=dpi, quality=80)
    return target.getvalue()
