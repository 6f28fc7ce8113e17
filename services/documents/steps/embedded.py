"""Files embedded in a PDF, read within limits."""

import contextlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pikepdf

#: More files than this are not looked at.
_MAX_FILES: Final = 20


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    name: str
    #: None if it is larger than the limit, or packed in a way that is not unpacked here.
    data: bytes | None
    reason: str = ""


def embedded_xml(path: Path, limit: int) -> Iterator[EmbeddedFile]:
    """The XML files in the PDF at `path`, whatever their names, up to `limit` bytes each after unpacking."""
    with pikepdf.open(path) as pdf:
        for name, entry in list(_files(pdf))[:_MAX_FILES]:
            try:
                stream = _stream_of(entry)
                if name.lower().endswith(".xml") or looks_like_xml(_unpacked(name, stream, limit, 512).data):
                    yield _unpacked(name, stream, limit)
            except (pikepdf.PdfError, ValueError, KeyError, TypeError, zlib.error) as error:
                yield EmbeddedFile(name, None, f"it cannot be taken out of the PDF: {error}")


def looks_like_xml(data: bytes | None) -> bool:
    """By its first bytes, behind a byte order mark; in UTF-16 too."""
    head = (data or b"")[:64].replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf")
    return head.removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").lstrip().startswith(b"<")


def _files(pdf: pikepdf.Pdf) -> Iterator[tuple[str, Any]]:
    """File specifications by name: those in the tree of names, and those that only the document's `AF` lists
    (ISO 32000-2, 14.13), which some producers leave out of the tree."""
    seen = set()
    for name in pdf.attachments:
        listed = pdf.attachments[name].obj
        seen.add(listed.objgen)
        yield name, listed
    associated = pdf.Root.get("/AF")
    for entry in associated if isinstance(associated, pikepdf.Array) else ():
        if isinstance(entry, pikepdf.Dictionary) and entry.objgen not in seen:
            yield str(entry.get("/UF", entry.get("/F", "file"))), entry


def _stream_of(entry: Any) -> Any:
    """The embedded file of a file specification (ISO 32000-1, 7.11.3)."""
    files = entry["/EF"]
    return files["/UF"] if "/UF" in files else files["/F"]


def _unpacked(name: str, stream: Any, limit: int, only: int | None = None) -> EmbeddedFile:
    """The file's bytes, or its first `only` ones."""
    packing = stream.get("/Filter")
    filters = [str(item) for item in packing] if isinstance(packing, pikepdf.Array) else [str(packing)]
    packed = bytes(stream.read_raw_bytes())
    if packing is None or not filters:
        data = packed
    elif filters == ["/FlateDecode"] and stream.get("/DecodeParms") is None:
        inflater = zlib.decompressobj()
        data = inflater.decompress(packed, only or limit + 1)
        if only is None and len(data) <= limit:
            with contextlib.suppress(zlib.error):
                data += inflater.flush(1)
    else:
        return EmbeddedFile(name, None, f"it is packed with {', '.join(filters)}, which is not unpacked here")
    if only is not None:
        return EmbeddedFile(name, data[:only])
    if len(data) > limit:
        return EmbeddedFile(name, None, f"it has more than {limit // 1_000_000} MB")
    return EmbeddedFile(name, data)
