"""The files port: originals and derived files, in a folder or in S3-compatible storage, through obstore.

Keys are relative to one client's part of the store, so an instance given to a run for client A cannot
reach a file of client B.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from shared.errors import TagwerkError
from shared.folders import location_unwritable, probe_folder
from shared.ids import new_id

log = structlog.get_logger(__name__)


def open_store(url: str) -> ObjectStore:
    """The store at `url`: `file:///folder` (made if it is missing) or `s3://bucket/prefix`."""
    if url.startswith("file://"):
        Path(unquote(url.removeprefix("file://"))).mkdir(parents=True, exist_ok=True)
    return from_url(url)


class FileMissing(TagwerkError):
    def __init__(self, key: str) -> None:
        super().__init__(
            "file_missing",
            f"the file {key} is not in the store",
            concern=key,
            next_step="Check the storage and its backups; the database still knows the file.",
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store tells of a file without opening it."""

    #: Below the folder that was listed.
    name: str
    #: Bytes.
    size: int
    modified: datetime


class Files:
    """One client's files."""

    def __init__(self, store: ObjectStore, client: str) -> None:
        self._store = store
        self._prefix = PurePosixPath("clients") / client

    def _path(self, key: str) -> str:
        path = PurePosixPath(key)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"not a key of the files port: {key!r}")
        return str(self._prefix / path)

    async def put(self, key: str, data: bytes | Path) -> None:
        """Store a file, atomically: a reader sees the whole of it or nothing. Replaces what was there."""
        await obstore.put_async(self._store, self._path(key), data)

    async def get(self, key: str) -> bytes:
        """The whole content. Raises `FileMissing`."""
        try:
            result = await obstore.get_async(self._store, self._path(key))
            return bytes(await result.bytes_async())
        except FileNotFoundError as error:
            raise FileMissing(key) from error

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """The content in chunks. Raises `FileMissing` before the first one."""
        try:
            result = await obstore.get_async(self._store, self._path(key))
        except FileNotFoundError as error:
            raise FileMissing(key) from error
        return (bytes(chunk) async for chunk in result.stream())

    async def fetch(self, key: str, path: Path) -> None:
        """Copy a file to `path`, which must not exist. Raises `FileMissing`."""
        with path.open("xb") as target:
            async for chunk in await self.stream(key):
                target.write(chunk)

    async def exists(self, key: str) -> bool:
        try:
            await obstore.head_async(self._store, self._path(key))
        except FileNotFoundError:
            return False
        return True

    async def list(self, folder: str) -> list[Stored]:
        """The files directly in `folder`, by name; none where there is no such folder."""
        path = self._path(folder)
        found = await obstore.list_with_delimiter_async(self._store, prefix=path)
        stored = [
            Stored(one["path"].removeprefix(f"{path}/"), one["size"], one["last_modified"])
            for one in found["objects"]
        ]
        return sorted(stored, key=lambda one: one.name)

    async def probe(self) -> str:
        """Whether the client's part of the store can be written. Leaves nothing behind.

        Raises `location_unwritable`.
        """
        if isinstance(self._store, LocalStore) and self._store.prefix is not None:
            return await probe_folder(Path(self._store.prefix) / self._prefix)
        key = self._path(f"probe/{new_id()}")
        try:
            await obstore.put_async(self._store, key, b"?")
            await obstore.delete_async(self._store, key)
        except (OSError, BaseError) as error:
            log.warning("the storage does not take a file", error=repr(error))
            raise location_unwritable(
                "file-store",
                "the storage does not take a file",
                "Check the storage behind TAGWERK_FILES_URL, and its rights; the log of the service has the "
                "details.",
            ) from error
        return "files can be written"

    async def size(self, key: str) -> int:
        """Bytes of a file. Raises `FileMissing`."""
        try:
            return int((await obstore.head_async(self._store, self._path(key)))["size"])
        except FileNotFoundError as error:
            raise FileMissing(key) from error
