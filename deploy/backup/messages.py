"""Messages of a stream in a file: compressed, each a line of JSON about it and its payload."""

import gzip
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

import orjson

#: Bytes of what is said about a message, and of its payload.
_SIZES: Final = struct.Struct(">II")
#: Most of what compression can save, for a tenth of its time.
_LEVEL: Final = 1


@dataclass(frozen=True, slots=True)
class StoredMessage:
    sequence: int
    subject: str
    #: When the server stored it: nanoseconds since 1970.
    time: int
    payload: bytes
    headers: dict[str, str] = field(default_factory=dict)


class MessageWriter:
    def __init__(self, path: Path) -> None:
        self._file = gzip.GzipFile(path, "xb", compresslevel=_LEVEL)

    def __enter__(self) -> "MessageWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, messages: list[StoredMessage]) -> None:
        for one in messages:
            said = orjson.dumps([one.sequence, one.subject, one.time, one.headers])
            self._file.write(_SIZES.pack(len(said), len(one.payload)) + said + one.payload)


def read_messages(path: Path) -> Iterator[StoredMessage]:
    with gzip.open(path, "rb") as file:
        while sizes := file.read(_SIZES.size):
            said, payload = (file.read(size) for size in _SIZES.unpack(sizes))
            sequence, subject, time, headers = orjson.loads(said)
            yield StoredMessage(sequence, subject, time, payload, headers)
