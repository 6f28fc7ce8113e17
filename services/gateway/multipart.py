"""Reading an upload (`multipart/form-data`, RFC 7578) onto disk as it arrives, with limits as it arrives.

The framework's own form parser reads everything before it asks about limits; this one stops in time.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.gateway.core import safe_file_name
from services.gateway.problems import WrongField, wrong_fields
from shared.errors import TagwerkError

#: Files in one request.
FILES_LIMIT = 1000
#: One request may be as large as so many of the largest files.
LARGEST_FILES = 10
#: Bytes of one form field, and of one part's headers.
FIELD_LIMIT = 16 * 1024
#: Bytes kept in memory before they are written.
WRITE_SIZE = 1024 * 1024

_FOLDER_PREFIX = "tagwerk-upload-"
#: Seconds after which a folder that a killed process left behind is removed.
_LEFT_BEHIND = 24 * 3600.0


@dataclass(slots=True)
class ReceivedFile:
    #: As the client called it, made safe.
    file_name: str
    declared_type: str | None
    path: Path
    #: Bytes that arrived; those beyond the limit were not kept.
    size: int = 0


@dataclass(slots=True)
class Received:
    fields: dict[str, str] = field(default_factory=dict)
    files: list[ReceivedFile] = field(default_factory=list)


@asynccontextmanager
async def received(request: Request, *, file_limit: int) -> AsyncIterator[Received]:
    """The files and fields of a request, on disk until the block ends.

    Of a file larger than `file_limit` one byte more is kept, so that it is refused as any other. Raises
    `media_type_unsupported`, `request_invalid`, and 413 beyond the limits of a request.
    """
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=_FOLDER_PREFIX))
    try:
        yield await _Reading(folder, file_limit).read(request)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def remove_left_behind() -> None:
    """Remove what uploads left on disk whose process was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER_PREFIX}*"):
        try:
            age = time.time() - folder.stat().st_mtime
        except FileNotFoundError:
            continue
        if age > _LEFT_BEHIND:
            shutil.rmtree(folder, ignore_errors=True)


class _Reading:
    """The state of the parser between two chunks."""

    def __init__(self, folder: Path, file_limit: int) -> None:
        self._folder = folder
        self._file_limit = file_limit
        self._total = 0
        self._result = Received()
        self._header = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._headers_size = 0
        self._file: ReceivedFile | None = None
        self._field_name = ""
        self._field_value = bytearray()
        self._unwritten: list[tuple[Path, bytes]] = []
        self._unwritten_size = 0

    async def read(self, request: Request) -> Received:
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise TagwerkError(
                "media_type_unsupported",
                "an upload is a form with files (multipart/form-data)",
                concern="Content-Type",
                next_step="Send each file as a part of a form: `curl -F file=@invoice.pdf`.",
            )
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal():
            self._check_total(int(announced))
        try:
            parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_end,
                },
            )
            async for chunk in request.stream():
                self._total += len(chunk)
                self._check_total(self._total)
                parser.write(chunk)
                if self._unwritten_size >= WRITE_SIZE:
                    await self._write()
            parser.finalize()
        except FormParserError as error:
            raise _invalid("body", f"is no readable form: {error}") from error
        await self._write()
        return self._result

    def _check_total(self, size: int) -> None:
        if size > LARGEST_FILES * self._file_limit + FILES_LIMIT * FIELD_LIMIT:
            raise HTTPException(413)

    async def _write(self) -> None:
        pieces, self._unwritten, self._unwritten_size = self._unwritten, [], 0
        await asyncio.to_thread(_append, pieces)

    def _part_begin(self) -> None:
        self._headers, self._headers_size = {}, 0
        self._header = (bytearray(), bytearray())

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._add_header(self._header[0], data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._add_header(self._header[1], data[start:end])

    def _add_header(self, to: bytearray, data: bytes) -> None:
        self._headers_size += len(data)
        if self._headers_size > FIELD_LIMIT:
            raise _invalid("headers", "of one part are too long")
        to += data

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._file, self._field_value = None, bytearray()
        self._field_name = options.get(b"name", b"").decode(errors="replace")
        file_name = options.get(b"filename")
        if file_name is None:
            return
        if len(self._result.files) >= FILES_LIMIT:
            raise _invalid("files", f"are more than {FILES_LIMIT}")
        declared = self._headers.get(b"content-type", b"").decode("latin-1").split(";")[0].strip().lower()
        self._file = ReceivedFile(
            safe_file_name(_unescaped(file_name.decode(errors="replace"))),
            declared or None,
            self._folder / str(len(self._result.files)),
        )
        # An empty file has to be there too.
        self._unwritten.append((self._file.path, b""))
        self._result.files.append(self._file)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        file = self._file
        if file is None:
            if len(self._field_value) + end - start > FIELD_LIMIT:
                raise _invalid(self._field_name, "is too long")
            self._field_value += data[start:end]
            return
        room = self._file_limit + 1 - file.size
        file.size += end - start
        if room > 0:
            piece = data[start : min(end, start + room)]
            self._unwritten.append((file.path, piece))
            self._unwritten_size += len(piece)

    def _part_end(self) -> None:
        if self._file is None:
            self._result.fields[self._field_name] = self._field_value.decode(errors="replace")


def _append(pieces: list[tuple[Path, bytes]]) -> None:
    for path, piece in pieces:
        with path.open("ab") as file:
            file.write(piece)


def _invalid(name: str, message: str) -> TagwerkError:
    return wrong_fields("request_invalid", [WrongField(field=name, message=message)])


def _unescaped(name: str) -> str:
    """Browsers, curl and httpx escape a quotation mark and the ends of lines in a name, and nothing else."""
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
