"""Every kind of document through the converting child process: good ones, and those made to do harm."""

import io
import shutil
import zipfile
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
import pytest_asyncio
from PIL import Image

from services.documents.app import OFFICE_LIMITS, PRELOAD
from services.documents.converters import ChildConverters, Converted
from shared.errors import Failure, TagwerkError
from shared.nursery import Nursery
from shared.process import Children
from tests.unit.documents import papers
from tests.unit.documents.invoices.test_e_invoice import ENTITIES, OUTSIDE, UBL, cii

needs_office = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nursery() -> AsyncIterator[Nursery]:
    nursery = Nursery(PRELOAD)
    await nursery.start()
    yield nursery
    await nursery.stop()


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def converters(nursery: Nursery) -> ChildConverters:
    return ChildConverters(Children(2, nursery=nursery), Children(1, OFFICE_LIMITS, nursery=nursery))


async def made(
    converters: ChildConverters, content: bytes, media_type: str, folder: Path, name: str = "document"
) -> Converted:
    original = folder / "original"
    original.write_bytes(content)
    return await converters.convert(original, media_type, name, folder)


async def refusal(
    converters: ChildConverters, content: bytes, media_type: str, folder: Path, name: str = "document"
) -> Failure:
    with pytest.raises(TagwerkError) as caught:
        await made(converters, content, media_type, folder, name)
    assert caught.value.failure.next_step
    assert not caught.value.failure.retryable
    return caught.value.failure


def text_of(found: Converted) -> str:
    assert found.pdf is not None
    pages = pypdfium2.PdfDocument(found.pdf)
    assert len(pages) == found.pages
    return "\n".join(str(page.get_textpage().get_text_range()) for page in pages).replace("\r\n", "\n")


def mail(subject: str = "Rechnung") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Müller & Söhne <rechnung@example.com>"
    message["To"] = "buch@example.com"
    message["Subject"] = subject
    message.set_content("Guten Tag\n\nim Anhang die Rechnung über 100 €.\n")
    return message


async def test_a_pdf_is_passed_on_without_a_copy(converters: ChildConverters, tmp_path: Path) -> None:
    found = await made(converters, papers.typed_pdf("A", "B"), "application/pdf", tmp_path)
    assert (found.pdf, found.pages, found.signed) == (None, 2, False)


async def test_a_signature_is_noticed(converters: ChildConverters, tmp_path: Path) -> None:
    found = await made(converters, papers.signed(papers.typed_pdf("A")), "application/pdf", tmp_path)
    assert found.signed


@pytest.mark.parametrize("format", ["HEIF", "WEBP", "GIF", "BMP"])
async def test_pictures_of_other_formats_become_a_page(
    converters: ChildConverters, tmp_path: Path, format: str
) -> None:
    from pillow_heif import register_heif_opener

    register_heif_opener()
    picture = papers.picture_of("Quittung 815")
    media_type = {"HEIF": "image/heic"}.get(format, f"image/{format.lower()}")
    found = await made(converters, papers.encoded(picture.convert("RGB"), format), media_type, tmp_path)
    assert found.pdf is not None
    page = pypdfium2.PdfDocument(found.pdf)[0]
    shown = page.render(scale=picture.width / page.get_width(), grayscale=True).to_pil().convert("L")
    assert papers.difference(shown.resize(picture.size), picture) < 2


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_picture_is_turned_as_its_exif_data_say(
    converters: ChildConverters, tmp_path: Path, orientation: int
) -> None:
    picture = papers.picture_of("Quittung 815")
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = papers.stored_as(picture, orientation)
    for number, format in enumerate(("JPEG", "PNG", "TIFF")):
        folder = tmp_path / str(number)
        folder.mkdir()
        content = papers.encoded(stored, format, exif=exif, dpi=(150, 150))
        found = await made(converters, content, f"image/{format.lower()}", folder)
        assert found.pdf is not None
        page = pypdfium2.PdfDocument(found.pdf)[0]
        shown = page.render(scale=picture.width / page.get_width(), grayscale=True).to_pil().convert("L")
        assert papers.difference(shown.resize(picture.size), picture) < 2, format


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Zażółć gęślą jaźń, 100 €, Ελλάδα → Ende".encode(), "Zażółć gęślą jaźń, 100 €, Ελλάδα → Ende"),
        ("Größe".encode("utf-16"), "Größe"),
        ("Müller, 100 €".encode("cp1252"), "Müller, 100 €"),
        (b"#let x = 1; $a$ *b* `c` [d] \\ @e", "#let x = 1; $a$ *b* `c` [d] \\ @e"),
    ],
    ids=["utf-8", "utf-16", "cp1252", "markup"],
)
async def test_a_text_is_set_as_it_stands(
    converters: ChildConverters, tmp_path: Path, content: bytes, said: str
) -> None:
    assert text_of(await made(converters, content, "text/plain", tmp_path)).strip() == said


async def test_html_is_read_without_scripts_and_remote_pictures(
    converters: ChildConverters, tmp_path: Path
) -> None:
    page = b"""<html><head><title>T</title><script>document.write('EVIL')</script></head><body>
    <h1>Rechnung</h1><p style="display:none">hidden</p><img src="http://example.com/x.png" alt="Logo">
    <img src="file:///etc/passwd"><table><tr><td>Papier</td><td>112.50</td></tr>
    <tr><td>Summe &euro;</td><td>224.10</td></tr></table></body></html>"""
    said = text_of(await made(converters, page, "text/html", tmp_path))
    assert "EVIL" not in said
    assert "hidden" not in said
    assert "[Logo]" in said
    assert "Papier 112.50" in said
    assert "Summe € 224.10" in said


async def test_a_mail_is_shown_and_what_was_attached_comes_with_it(
    converters: ChildConverters, tmp_path: Path
) -> None:
    message = mail("Rechnung über 100 € (Łódź)")
    message.add_alternative('<p>Mit <b>Bild</b></p><img src="cid:logo">', subtype="html")
    logo = papers.encoded(papers.picture_of("L"), "PNG")
    message.get_payload()[1].add_related(logo, "image", "png", cid="<logo>")  # type: ignore[union-attr, index]
    invoice = papers.typed_pdf("Rechnung")
    message.add_attachment(invoice, maintype="application", subtype="pdf", filename="../Rechnung 4711.pdf")
    message.add_attachment(mail("Weitergeleitet"))
    message.add_attachment(b"signed", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")
    found = await made(converters, message.as_bytes(), "message/rfc822", tmp_path)
    said = text_of(found)
    assert "Müller & Söhne <rechnung@example.com>" in said
    assert "Rechnung über 100 € (Łódź)" in said
    assert "Mit Bild" in said
    assert [file.name for file in found.attached] == ["Rechnung 4711.pdf", "Weitergeleitet.eml", "smime.p7s"]
    assert found.attached[0].path.read_bytes() == invoice
    assert found.attached[1].path.read_bytes().startswith(b"From: ")
    assert [file.skipped is not None for file in found.attached] == [False, False, True]


async def test_parts_behind_a_wrong_boundary_are_found(converters: ChildConverters, tmp_path: Path) -> None:
    content = (
        b"From: a@example.com\nTo: b@example.com\nSubject: S\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="said"\n\n--other\nContent-Type: text/plain\n\nHallo\n'
        b'--other\nContent-Type: text/csv; name="a.csv"\n\n1;2\n--other--\n'
    )
    found = await made(converters, content, "message/rfc822", tmp_path)
    assert "Hallo" in text_of(found)
    assert [file.name for file in found.attached] == ["a.csv"]


@pytest.mark.parametrize("xml", [cii(1), cii(2), UBL], ids=["zugferd-1", "cii", "ubl"])
async def test_an_e_invoice_becomes_a_page_with_the_xml_in_it(
    converters: ChildConverters, tmp_path: Path, xml: bytes
) -> None:
    found = await made(converters, xml, "application/xml", tmp_path, "rechnung.xml")
    assert "R-4711" in text_of(found)
    assert found.pdf is not None
    with pikepdf.open(found.pdf) as pdf:
        assert bytes(pdf.attachments["rechnung.xml"].get_file().read_bytes()) == xml


@needs_office
async def test_an_office_file_is_converted(converters: ChildConverters, tmp_path: Path) -> None:
    content = b"{\\rtf1\\ansi Rechnung 4711 \\'fcber 100 Euro\\par}"
    assert "Rechnung 4711 über 100 Euro" in text_of(
        await made(converters, content, "application/rtf", tmp_path)
    )


async def test_without_libreoffice_the_mend_is_named(
    converters: ChildConverters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converters, "_program", None)
    failure = await refusal(converters, b"{\\rtf1 x}", "application/rtf", tmp_path)
    assert failure.code == "office_not_available"
    assert "apt-get install" in failure.next_step


def camt(kind: str) -> bytes:
    return f'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}"/>'.encode()


def office_bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "x")
        with archive.open("word/document.xml", "w") as part:
            for _ in range(60):
                part.write(bytes(10_000_000))
    return target.getvalue()


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
NESTED = b"From: a@b.c\nSubject: S\n" + b"".join(
    b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(200)
)
CROWDED = b'From: a@b.c\nSubject: S\nContent-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 30_000


@pytest.mark.parametrize(
    ("content", "media_type", "code", "named"),
    [
        (camt("camt.053.001.08"), "application/xml", "xml_has_its_own_job", "bank statement"),
        (camt("pain.002.001.10"), "application/xml", "xml_has_its_own_job", "payment status"),
        (b"<order><line/></order>", "application/xml", "xml_unknown", "order"),
        (ENTITIES, "application/xml", "xml_broken", ""),
        (OUTSIDE, "application/xml", "xml_broken", "document type"),
        (b":20:X\n:25:A\n:60F:C260101EUR1,00\n", "text/plain", "text_has_its_own_job", "MT940"),
        (b"a" * 9_000_000, "text/plain", "document_too_large", "characters"),
        (NESTED, "message/rfc822", "document_too_large", "deep"),
        (CROWDED, "message/rfc822", "document_too_large", "parts"),
        (b"<html><body>" + b"<p>" * 300_000, "text/html", "document_too_large", "elements"),
        (office_bomb, DOCX, "document_too_large", "unpacks"),
        (b"PK\x03\x04" + bytes(60), DOCX, "file_type_mismatch", "ZIP"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "image/heic", "image_broken", "HEIC"),
        (b"RIFF\x00\x01\x00\x00WEBPVP8 " + bytes(40), "image/webp", "image_broken", "WebP"),
    ],
    ids=[
        "camt", "pain", "other xml", "laughs", "xxe", "mt940", "huge text", "nested mail", "crowded mail",
        "crowded page", "office bomb", "zip as docx", "broken heic", "broken webp",
    ],
)  # fmt: skip
async def test_what_cannot_be_converted_is_refused_with_its_reason_within_limits(
    converters: ChildConverters,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | Callable[[], bytes],
    media_type: str,
    code: str,
    named: str,
) -> None:
    # Refused before the program is started: it need not be there.
    monkeypatch.setattr(converters, "_program", "/nowhere/soffice")
    failure = await refusal(
        converters, content if isinstance(content, bytes) else content(), media_type, tmp_path
    )
    assert failure.code == code, failure
    assert named in failure.cause


async def test_a_page_nested_without_end_is_read_all_the_same(
    converters: ChildConverters, tmp_path: Path
) -> None:
    content = b"<html><body>" + b"<div>" * 5000 + b"Tief unten" + b"</div>" * 5000
    assert "Tief unten" in text_of(await made(converters, content, "text/html", tmp_path))
