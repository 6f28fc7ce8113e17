"""Documents made for one test each: good ones, and every kind of bad one."""

import io
import zlib
from collections.abc import Sequence

import pikepdf
import pypdfium2
from PIL import Image
from reportlab.pdfgen.canvas import Canvas


def typed_pdf(*pages: str, size: tuple[float, float] = (595, 842)) -> bytes:
    """A PDF with a text layer, a line of text a page."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=size, invariant=1)
    for text in pages:
        canvas.setFont("Helvetica", 24)
        canvas.drawString(72, size[1] - 100, text)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def picture_of(text: str, *, dpi: int = 150, size: tuple[float, float] = (420, 200)) -> Image.Image:
    """The picture of a page with one line of text, in gray."""
    page = pypdfium2.PdfDocument(typed_pdf(text, size=size))[0]
    image: Image.Image = page.render(scale=dpi / 72, grayscale=True).to_pil()
    return image.convert("L")


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, format, **options)
    return target.getvalue()


def scanned_pdf(pictures: Sequence[Image.Image], *, dpi: int = 150) -> bytes:
    """A PDF of nothing but pictures."""
    return encoded(pictures[0], "PDF", save_all=True, append_images=list(pictures[1:]), resolution=dpi)


def encrypted(pdf: bytes, *, user: str, owner: str) -> bytes:
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        opened.save(target, encryption=pikepdf.Encryption(user=user, owner=owner))
    return target.getvalue()


def with_page_of(pdf: bytes, number: int, width: float, height: float) -> bytes:
    """`pdf` with page `number` (from 1) blown up to `width` x `height` points."""
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        opened.pages[number - 1].mediabox = pikepdf.Array([0, 0, width, height])
        opened.save(target)
    return target.getvalue()


def drawing_bomb(size: int) -> bytes:
    """A PDF of one page whose drawing inflates to `size` bytes of nothing."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842))
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * 1_000_000) for _ in range(size // 1_000_000)) + packer.flush()
    page.obj.Contents = pikepdf.Stream(pdf, packed, Filter=pikepdf.Name.FlateDecode)
    target = io.BytesIO()
    pdf.save(target, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return target.getvalue()


def picture_bomb(width: int, height: int) -> bytes:
    """A PDF of one ordinary page with a picture of `width` x `height` black pixels."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842))
    packed = zlib.compress(bytes(1000))
    picture = pikepdf.Stream(
        pdf, packed, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=width, Height=height,
        ColorSpace=pikepdf.Name.DeviceGray, BitsPerComponent=8, Filter=pikepdf.Name.FlateDecode,
    )  # fmt: skip
    name = page.add_resource(picture, pikepdf.Name.XObject)
    page.contents_add(f"q 595 0 0 842 0 0 cm {name} Do Q".encode())
    target = io.BytesIO()
    pdf.save(target, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return target.getvalue()
