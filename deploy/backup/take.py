"""Taking a backup, while the installation works."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.backup.cut import consistent_cut
from deploy.backup.database import count_rows, save_database
from deploy.backup.files import LIST, StoredFile, read_list, save_files
from deploy.backup.manifest import CONTENTS, UNFINISHED, Manifest, newest, part_of
from deploy.backup.places import Places
from deploy.backup.streams import save_stream
from shared.errors import TagwerkError
from shared.files import open_store

DATABASE: Final = "database.dump"
#: Files of the installation itself: keys, passwords, rules.
INSTALLATION: Final = "installation"
_LOCK: Final = "lock"


@dataclass(frozen=True, slots=True)
class Taken:
    folder: Path
    manifest: Manifest
    #: Contents of files that no backup before had.
    new_contents: int
    #: Seconds for which writers waited.
    locked: float


async def take_backup(
    places: Places, folder: Path, *, save_installation: Callable[[Path], None] | None = None
) -> Taken:
    """Write a backup into a new folder below `folder`, named after its moment.

    `save_installation` copies what belongs to it besides into the folder that it is given. Killed at any
    moment, nothing counts that is not whole. Raises `TagwerkError`: `backup_under_way`, `stream_missing`,
    `database_too_busy`, `database_not_saved`, ...
    """
    with _alone(folder):
        unfinished = folder / f"new{UNFINISHED}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        names = [DATABASE, LIST]
        if save_installation is not None:
            save_installation(unfinished / INSTALLATION)
            names += _below(unfinished, INSTALLATION)
        nc = await places.bus()
        try:
            async with consistent_cut(places, nc) as cut:
                rows = await count_rows(cut.connection)
                await save_database(places.database_url, cut.snapshot, unfinished / DATABASE)
            streams = []
            for stream in cut.streams:
                names.append(f"{stream.name}.messages.gz")
                count = await save_stream(nc, stream, unfinished / names[-1])
                streams.append(stream.model_copy(update={"messages": count}))
        finally:
            await nc.close()
        new = await _save_files(places, folder, unfinished)
        sizes = [stored.size for stored in read_list(unfinished / LIST)]
        manifest = Manifest(
            moment=cut.moment, streams=streams, rows=rows, files=len(sizes), files_size=sum(sizes),
            parts=[await asyncio.to_thread(part_of, unfinished / name, name) for name in names],
        ).sealed()  # fmt: skip
        manifest.write(unfinished)
        whole = folder / cut.moment.strftime("%Y-%m-%dT%H-%M-%S.%fZ")
        unfinished.rename(whole)
        _sync(folder)
    return Taken(whole, manifest, new, cut.locked)


async def _save_files(places: Places, folder: Path, unfinished: Path) -> int:
    contents = folder / CONTENTS
    contents.mkdir(mode=0o700, exist_ok=True)
    try:
        before = newest(folder)
    except TagwerkError:
        known: dict[str, StoredFile] = {}
    else:
        known = {stored.path: stored for stored in read_list(before / LIST)}
    return await save_files(open_store(places.files_url), contents, known, unfinished / LIST)


def _below(unfinished: Path, name: str) -> list[str]:
    files = (path for path in (unfinished / name).rglob("*") if path.is_file())
    return sorted(str(path.relative_to(unfinished)) for path in files)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else takes a backup into the folder meanwhile. Raises `backup_under_way`, `not_writable`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise TagwerkError(
            "backup_not_writable",
            f"the backup cannot be written: {error.strerror}",
            concern=str(folder),
            next_step="Choose a folder that can be written.",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise TagwerkError(
            "backup_under_way",
            "another backup is being taken into this folder",
            concern=str(folder),
            next_step="Wait for its end.",
        ) from None
    finally:
        os.close(lock)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
