"""What a file really is, before anything decodes it."""

from pathlib import Path

import puremagic

from services.documents.core import READABLE, SYNONYMS, UNDECLARED
from shared.process_child import Refused


def media_type_of(path: Path, declared: str) -> str:
    """The readable media type of the file at `path`.

    Raises `Refused` with `file_empty`, `file_type_unsupported`, or `file_type_mismatch` if the content is
    not what was declared.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise Refused("file_empty", "the file has no content (0 bytes)", "Upload the file again.")
    declared = declared.partition(";")[0].strip().lower()
    declared = SYNONYMS.get(declared, declared)
    actual = _readable_type(head)
    if actual is None:
        found = _name_of(head)
        if declared in READABLE:
            raise Refused(
                "file_type_mismatch",
                f"it is declared as {READABLE[declared]} ({declared}), but its content is {found}",
                f"Open it where it comes from, save it as a real {READABLE[declared]}, and upload that.",
            )
        raise Refused(
            "file_type_unsupported",
            f"its content is {found}; text is recognized in {', '.join(READABLE.values())}",
            "Convert the file to PDF and upload that.",
        )
    if declared != actual and declared not in UNDECLARED:
        raise Refused(
            "file_type_mismatch",
            f"it is declared as {READABLE.get(declared, declared)}, but its content is {READABLE[actual]}",
            f"Upload it with the media type {actual} (usually: with the right file extension).",
        )
    return actual


def _readable_type(head: bytes) -> str | None:
    """By the first bytes, as ISO 32000-1 annex H (implementation note 13: a PDF's header may stand anywhere
    in the first 1024 bytes), RFC 2083, ITU T.81 and TIFF 6.0 give them."""
    if b"%PDF-" in head[:1024]:
        return "application/pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return "image/tiff"
    return None


def _name_of(head: bytes) -> str:
    try:
        found = puremagic.from_string(head, mime=True)
    except (puremagic.PureError, ValueError):
        found = ""
    if found:
        return str(found)
    printable = sum(byte >= 32 or byte in b"\t\r\n" for byte in head)
    return "plain text" if printable > len(head) * 0.95 else "of no known type"
