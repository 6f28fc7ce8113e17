"""Documents made for one test each: good ones, and every kind of bad one."""

import io
import zlib
from collections.abc import Callable, Sequence

import pikepdf
import pypdfium2
from PIL import Image, ImageChops, ImageStat
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


def scanned_sideways(picture: Image.Image, *, dpi: int = 150) -> bytes:
    """A picture that lies on its side, and a page that a viewer has to turn by 90 degrees to read it."""
    return _changed(
        scanned_pdf([picture.transpose(Image.Transpose.ROTATE_90)], dpi=dpi),
        lambda page: page.rotate(90, relative=False),
    )


def scanned_off_origin(picture: Image.Image, *, dpi: int = 150) -> bytes:
    """A scan whose page does not begin at 0/0 and shows a part of its sheet only, as cutting leaves it."""

    def move(page: pikepdf.Page) -> None:
        width, height = float(page.mediabox[2]), float(page.mediabox[3])
        page.contents_add(b"q 1 0 0 1 200 300 cm", prepend=True)
        page.contents_add(b"Q")
        page.mediabox = pikepdf.Array([150, 250, 250 + width, 350 + height])
        page.cropbox = pikepdf.Array([200, 300, 200 + width, 300 + height])

    return _changed(scanned_pdf([picture], dpi=dpi), move)


def filled_form(label: str, value: str) -> bytes:
    """A PDF form whose field is filled in: the value is no part of the page's own drawing."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(595, 842), invariant=1)
    canvas.drawString(72, 700, label)
    canvas.acroForm.textfield(name="field", value=value, x=200, y=690, width=200, height=30)
    canvas.save()
    return target.getvalue()


def _changed(pdf: bytes, change: Callable[[pikepdf.Page], object]) -> bytes:
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        change(opened.pages[0])
        opened.save(target)
    return target.getvalue()


def with_attachments(pdf: bytes, files: dict[str, bytes]) -> bytes:
    """`pdf` with embedded files."""
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        for name, data in files.items():
            opened.attachments[name] = data
        opened.save(target)
    return target.getvalue()


def lines_pdf(*lines: str) -> bytes:
    """A PDF of one page with a text layer of several lines; `|` parts two columns."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(595, 842), invariant=1)
    for number, line in enumerate(lines):
        for column, text in enumerate(line.split("|")):
            canvas.drawString(72 + column * 300, 770 - number * 20, text)
    canvas.save()
    return target.getvalue()


def signed(pdf: bytes) -> bytes:
    """`pdf` with a signature field that is filled, as a signing program leaves it; no real signature."""
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        signature = opened.make_indirect(
            pikepdf.Dictionary(Type=pikepdf.Name.Sig, Contents=pikepdf.String("x"))
        )
        field = pikepdf.Dictionary(FT=pikepdf.Name.Sig, T=pikepdf.String("Signature1"), V=signature)
        opened.Root.AcroForm = pikepdf.Dictionary(Fields=[opened.make_indirect(field)], SigFlags=3)
        opened.save(target)
    return target.getvalue()


def stored_as(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture as it lies in a file whose EXIF orientation brings it upright again."""
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two gray pictures, 0 to 255."""
    return float(ImageStat.Stat(ImageChops.difference(one, other)).mean[0])
