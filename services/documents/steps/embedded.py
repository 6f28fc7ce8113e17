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
    """The XML files in the PDF at `path`, up to `limit` bytes each after unpacking."""
    with pikepdf.open(path) as pdf:
        names = [name for name in pdf.attachments if name.lower().endswith(".xml")]
        for name in names[:_MAX_FILES]:
            try:
                stream = pdf.attachments[name].get_file().obj
                yield _unpacked(name, stream, limit)
            except (pikepdf.PdfError, ValueError, KeyError, TypeError, zlib.error) as error:
                yield EmbeddedFile(name, None, f"it cannot be taken out of the PDF: {error}")


def _unpacked(name: str, stream: Any, limit: int) -> EmbeddedFile:
    packing = stream.get("/Filter")
    filters = [str(item) for item in packing] if isinstance(packing, pikepdf.Array) else [str(packing)]
    packed = bytes(stream.read_raw_bytes())
    if packing is None or not filters:
        data = packed
    elif filters == ["/FlateDecode"] and stream.get("/DecodeParms") is None:
        inflater = zlib.decompressobj()
        data = inflater.decompress(packed, limit + 1)
        if len(data) <= limit:
            with contextlib.suppress(zlib.error):
                data += inflater.flush(1)
    else:
        return EmbeddedFile(name, None, f"it is packed with {', '.join(filters)}, which is not unpacked here")
    if len(data) > limit:
        return EmbeddedFile(name, None, f"it has more than {limit // 1_000_000} MB")
    return EmbeddedFile(name, data)
