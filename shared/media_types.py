"""What a file is, told by its content: name and declared type are heard where that leaves it open.

Nothing but the standard library and no unpacking: the door and the reading processes ask it alike, also about
files that were made to do harm.
"""

import re
from pathlib import Path
from typing import Final

from shared.words import DocumentKind

#: Media types that Tagwerk can process -> what a person calls them.
PROCESSABLE: Final = {
    "application/pdf": "PDF",
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/tiff": "TIFF",
    "image/heic": "HEIC",
    "image/webp": "WebP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "message/rfc822": "e-mail",
    "application/vnd.ms-outlook": "Outlook message",
    "text/plain": "plain text",
    "text/html": "HTML",
    "application/xml": "XML",
    "application/msword": "Word document",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word document",
    "application/vnd.ms-excel": "Excel workbook",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel workbook",
    "application/vnd.ms-powerpoint": "PowerPoint presentation",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint presentation",
    "application/vnd.oasis.opendocument.text": "OpenDocument text",
    "application/vnd.oasis.opendocument.spreadsheet": "OpenDocument spreadsheet",
    "application/vnd.oasis.opendocument.presentation": "OpenDocument presentation",
    "application/rtf": "RTF",
}
_KINDS_OF_PROGRAMS: Final = {
    "application/pdf": DocumentKind.PDF,
    "message/rfc822": DocumentKind.MAIL,
    "application/vnd.ms-outlook": DocumentKind.MAIL,
    "application/xml": DocumentKind.XML,
}
#: For messages.
KINDS: Final = (
    "PDF, pictures (PNG, JPEG, TIFF, HEIC, WebP, GIF, BMP), e-mails (.eml, .msg), plain text, HTML, XML "
    "e-invoices and office files"
)
#: Written by people and programs alike: which of them a text is, the content alone does not always tell.
TEXTS: Final = frozenset({"message/rfc822", "text/plain", "text/html", "application/xml"})

#: Other spellings that clients use.
_SYNONYMS: Final = {
    "application/x-pdf": "application/pdf",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/tif": "image/tiff",
    "image/x-png": "image/png",
    "image/heif": "image/heic",
    "image/heic-sequence": "image/heic",
    "image/x-ms-bmp": "image/bmp",
    "text/xml": "application/xml",
    "application/xhtml+xml": "text/html",
    "application/eml": "message/rfc822",
    "text/rtf": "application/rtf",
    "text/richtext": "application/rtf",
}
#: File name extension -> media type, for files that come without a type.
_EXTENSIONS: Final = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "heic": "image/heic",
    "heif": "image/heic",
    "webp": "image/webp",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "eml": "message/rfc822",
    "msg": "application/vnd.ms-outlook",
    "txt": "text/plain",
    "htm": "text/html",
    "html": "text/html",
    "xml": "application/xml",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "rtf": "application/rtf",
}
#: First bytes of files that Tagwerk knows and does not take -> what a person calls them.
_ARCHIVES: Final = (
    (b"PK\x03\x04", "ZIP archive"),
    (b"PK\x05\x06", "empty ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (b"Rar!\x1a\x07", "RAR archive"),
    (b"\x1f\x8b", "gzip archive"),
)
_OTHERS: Final = (
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"\x00\x00\x01\x00", "an icon"),
)
_HEAD: Final = 8192
#: Bytes at the end of a ZIP in which its table of contents is looked for.
_TAIL: Final = 256 * 1024
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_MAIL_HEADERS: Final = re.compile(
    rb"^(?:from|to|subject|date|received|return-path|delivered-to|message-id|mime-version|reply-to|sender|"
    rb"content-type|dkim-signature|authentication-results|x-[\w-]+)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_HTML: Final = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|div|meta|p|span)[\s>/]", re.IGNORECASE)


def kind_of(media_type: str) -> DocumentKind:
    """Of one that can be processed."""
    if media_type in _KINDS_OF_PROGRAMS:
        return _KINDS_OF_PROGRAMS[media_type]
    if media_type.startswith("image/"):
        return DocumentKind.PICTURE
    return DocumentKind.TEXT if media_type.startswith("text/") else DocumentKind.OFFICE


def extension_of(media_type: str) -> str:
    """How the name of a file of this type ends; of one that can be processed."""
    return next(extension for extension, named in _EXTENSIONS.items() if named == media_type)


def types_of(kind: DocumentKind) -> list[str]:
    """The media types that are of this kind."""
    return [media_type for media_type in PROCESSABLE if kind_of(media_type) is kind]


class Unsuitable(Exception):
    """Why a file cannot be processed: stable code, cause in words, next step."""

    def __init__(self, code: str, cause: str, next_step: str) -> None:
        super().__init__(cause)
        self.code = code
        self.next_step = next_step


def media_type_of(path: Path, declared: str | None = None, file_name: str | None = None) -> str:
    """The media type of the file at `path`, one of `PROCESSABLE`.

    `declared` is what its sender calls it; where that says nothing, the extension of `file_name` is heard.
    Raises `Unsuitable`: `file_empty`, `file_type_mismatch`, `archive_unsupported`, `office_encrypted`,
    `winmail_unsupported`, `file_type_unsupported`.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise Unsuitable(
            "file_empty",
            "the file has no content (0 bytes)",
            "Upload the file again; if it is empty on your side too, get it again from its sender.",
        )
    claimed, how = _claim(declared, file_name)
    found = _by_content(path, head)
    if found is None:
        raise _unsuitable(head, claimed, how)
    if found in TEXTS and claimed in TEXTS:
        # A mail without the usual headers, a page without a frame: whoever wrote it knows better.
        certain = found == "application/xml" or (claimed == "application/xml" and found == "text/html")
        return found if certain else claimed
    if claimed is not None and claimed != found and claimed not in TEXTS:
        raise Unsuitable(
            "file_type_mismatch",
            f"{how} that it is {PROCESSABLE[claimed]}, but its content is {PROCESSABLE[found]}",
            f"Give the file the ending of its real type ({PROCESSABLE[found]}), or export it again as "
            f"{PROCESSABLE[claimed]}; a portal's page instead of it: download it again.",
        )
    return found


def _claim(declared: str | None, file_name: str | None) -> tuple[str | None, str]:
    """What the file is said to be, if that is something that we process, and who says so."""
    said = (declared or "").partition(";")[0].strip().lower()
    said = _SYNONYMS.get(said, said)
    if said in PROCESSABLE:
        return said, f"it is declared as {said}:"
    extension = (file_name or "").rpartition(".")[2].lower()
    return _EXTENSIONS.get(extension), f"its name ends in .{extension}, which says"


def _unsuitable(head: bytes, claimed: str | None, how: str) -> Unsuitable:
    found = next((name for start, name in _ARCHIVES if head.startswith(start)), None)
    if found is not None and (claimed is None or claimed in TEXTS):
        return Unsuitable(
            "archive_unsupported",
            f"it is a {found}, and archives are not unpacked",
            "Unpack it and upload the files that are in it; several can be uploaded at once.",
        )
    if head.startswith(b"\x78\x9f\x3e\x22"):
        return Unsuitable(
            "winmail_unsupported",
            "it is a winmail.dat, the attachments of a mail packed in a way that only Outlook reads (TNEF)",
            "Ask the sender to send the mail as HTML or plain text instead of Rich Text, or the files by "
            "themselves; or open the mail in Outlook, save its attachments and upload them.",
        )
    found = found or next((name for start, name in _OTHERS if head.startswith(start)), "of no known type")
    if claimed is not None and claimed not in TEXTS:
        return Unsuitable(
            "file_type_mismatch",
            f"{how} that it is {PROCESSABLE[claimed]}, but its content is {found}",
            f"Open it where it comes from, save it as a real {PROCESSABLE[claimed]}, and upload that.",
        )
    return Unsuitable(
        "file_type_unsupported",
        f"its content is {found}; what can be processed is {KINDS}",
        "Save or print it as PDF, then upload that.",
    )


def _by_content(path: Path, head: bytes) -> str | None:
    """By the first bytes, as ISO 32000-1 annex H (note 13: a PDF's header may stand anywhere in the first
    1024 bytes), RFC 2083, ITU T.81, TIFF 6.0, ISO 23008-12, RFC 9649 and MS-CFB give them."""
    if b"%PDF-" in head[:1024]:
        return "application/pdf"
    for start, media_type in _SIGNATURES:
        if head.startswith(start):
            return media_type
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return "image/heic"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(b"BM") and head[6:10] == bytes(4) and head[14:15] in (b"\x0c", b"(", b"l", b"|"):
        return "image/bmp"
    if head.startswith(b"PK\x03\x04"):
        return _office_in_zip(path, head)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _office_in_ole(path, head)
    return _text_type(head)


_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"{\\rtf", "application/rtf"),
)


def _office_in_zip(path: Path, head: bytes) -> str | None:
    """OpenDocument names itself first (ODF 1.2 part 3, 3.3); OOXML is known by the name of its main part."""
    if head[30:38] == b"mimetype":
        named = re.match(rb"[\w./+-]+", head[38:138])
        kind = named.group().decode() if named else ""
        kind = next(
            (known for known in PROCESSABLE if "opendocument" in known and kind.startswith(known)), ""
        )
        if kind:
            return kind
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        contents = head + file.read(_TAIL)
    for part, extension in (
        (b"word/document", "docx"),
        (b"xl/workbook", "xlsx"),
        (b"ppt/presentation", "pptx"),
    ):
        if part in contents and b"[Content_Types].xml" in contents:
            return _EXTENSIONS[extension]
    return None


def _office_in_ole(path: Path, head: bytes) -> str | None:
    """By the names in the file's directory (MS-CFB 2.6), which stand in UTF-16."""
    sector = 1 << min(12, int.from_bytes(head[30:32], "little"))
    first = int.from_bytes(head[48:52], "little")
    with path.open("rb") as file:
        file.seek((first + 1) * sector)
        directory = head + file.read(64 * 1024)
    if "EncryptedPackage".encode("utf-16-le") in directory:
        raise Unsuitable(
            "office_encrypted",
            "it is an office file that is protected by a password",
            "Open it with the password, save it without one, and upload that.",
        )
    for name, extension in (
        ("__properties_version1.0", "msg"),
        ("WordDocument", "doc"),
        ("PowerPoint Document", "ppt"),
        ("Workbook", "xls"),
        ("Book\0", "xls"),
    ):
        if name.encode("utf-16-le") in directory:
            return _EXTENSIONS[extension]
    return None


def _text_type(head: bytes) -> str | None:
    """Which kind of text it is; None if it is none."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head.decode("utf-16", "ignore").encode()
    else:
        text = head.removeprefix(b"\xef\xbb\xbf")
        strange = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in text)
        if b"\0" in text or strange > len(text) * 0.01:
            return None
    begin = text.lstrip()[:1024]
    if begin.startswith(b"<?xml"):
        is_page = re.search(rb"<!doctype\s+html|<html[\s>]", begin, re.IGNORECASE)
        return "text/html" if is_page else "application/xml"
    if begin.startswith(b"<"):
        if _HTML.match(begin) or (begin.startswith(b"<!--") and _HTML.search(begin)):
            return "text/html"
        is_xml = re.match(rb"<(?:!--|!DOCTYPE|[\w.-]+:?[\w.-]*[\s>/])", begin)
        return "application/xml" if is_xml else "text/plain"
    block = re.split(rb"\r?\n\r?\n", text, maxsplit=1)[0]
    if re.match(rb"(?:>?From [^\n]*\n)?[!-9;-~]+[ \t]*:", text) and len(_MAIL_HEADERS.findall(block)) >= 2:
        return "message/rfc822"
    return "text/plain"
