"""What lies in a file: one statement file, or several of them packed with gzip or ZIP, within limits."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, Final

from services.integrations.bank.readers.raw import Unreadable

#: Files in one archive.
MEMBERS_LIMIT: Final = 1_000


def contents(path: Path, *, at_most: int) -> Iterator[tuple[str, BinaryIO]]:
    """Name within the archive (empty for a file by itself) and content. Raises `Unreadable`.

    What is unpacked counts towards `at_most` bytes, whatever an archive says of itself.
    """
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        if head[:2] == b"\x1f\x8b":
            yield "", _limited(gzip.GzipFile(fileobj=file), [at_most])
        elif head == b"PK\x03\x04":
            yield from _members(file, [at_most])
        else:
            yield "", file


def _members(file: BinaryIO, left: list[int]) -> Iterator[tuple[str, BinaryIO]]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            if len(members) > MEMBERS_LIMIT:
                raise Unreadable("archive_unreadable", f"the archive holds more than {MEMBERS_LIMIT:,} files")
            for member in members:
                with archive.open(member) as content:
                    yield member.filename[:200], _limited(content, left)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise Unreadable("archive_unreadable", f"the ZIP archive cannot be opened: {error}") from error


def _limited(content: IO[bytes] | gzip.GzipFile, left: list[int]) -> BinaryIO:
    return io.BufferedReader(_Unpacked(content, left), 256 * 1024)


class _Unpacked(io.RawIOBase):
    """What an archive gives, until the limit."""

    def __init__(self, content: IO[bytes] | gzip.GzipFile, left: list[int]) -> None:
        self._content = content
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        try:
            data = self._content.read(len(buffer))
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise Unreadable("archive_unreadable", f"the archive cannot be unpacked: {error}") from error
        self._left[0] -= len(data)
        if self._left[0] < 0:
            raise Unreadable("archive_too_large", "unpacked it has more bytes than a statement file may have")
        buffer[: len(data)] = data
        return len(data)
