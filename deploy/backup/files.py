"""Stored files by their content: what one backup has, the next one does not copy again."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import obstore
from obstore.store import ObjectStore
from pydantic import BaseModel, ConfigDict

from deploy.backup.manifest import check
from shared.errors import TagwerkError

#: The list of all files, one JSON object a line.
LIST: Final = "files.jsonl"


class StoredFile(BaseModel):
    model_config = ConfigDict(frozen=True)

    path: str
    size: int
    sha256: str
    #: As the store spells it, and its mark of the content where it has one: the same, the same content.
    modified: str
    mark: str | None


async def save_files(store: ObjectStore, contents: Path, known: dict[str, StoredFile], listed: Path) -> int:
    """Copy all files; how many contents were new. `known`: path -> file, as the backup before has them."""
    new = 0
    with listed.open("x") as file:
        async for batch in obstore.list(store):
            for found in batch:
                before = known.get(found["path"])
                same = before is not None and (before.size, before.modified, before.mark) == (
                    found["size"], found["last_modified"].isoformat(), found["e_tag"],
                )  # fmt: skip
                if same and before is not None and place(contents, before.sha256).exists():
                    stored = before
                else:
                    stored, is_new = await _save(store, found, contents)
                    new += is_new
                file.write(stored.model_dump_json() + "\n")
    return new


async def _save(store: ObjectStore, found: "obstore.ObjectMeta", contents: Path) -> tuple[StoredFile, bool]:
    result = await obstore.get_async(store, found["path"])
    unfinished = contents / "unfinished"
    digest = hashlib.sha256()
    size = 0
    with unfinished.open("wb") as file:
        async for chunk in result.stream():
            digest.update(chunk)
            size += file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    target = place(contents, digest.hexdigest())
    is_new = not target.exists()
    if is_new:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished.rename(target)
    else:
        unfinished.unlink()
    meta = result.meta
    stored = StoredFile(
        path=found["path"], size=size, sha256=digest.hexdigest(),
        modified=meta["last_modified"].isoformat(), mark=meta["e_tag"],
    )  # fmt: skip
    return stored, is_new


def place(contents: Path, sha256: str) -> Path:
    return contents / sha256[:2] / sha256


def read_list(path: Path) -> Iterator[StoredFile]:
    with path.open() as file:
        for line in file:
            yield StoredFile.model_validate_json(line)


def verify_files(listed: Path, contents: Path) -> None:
    """Raises `TagwerkError` (`backup_altered`) for the first that is not as it was."""
    for stored in read_list(listed):
        check(place(contents, stored.sha256), stored.size, stored.sha256)


def refuse_used_store(store: ObjectStore) -> None:
    """Raises `TagwerkError` (`files_in_use`) if there is any file."""
    for batch in obstore.list(store, chunk_size=1):
        for found in batch:
            raise TagwerkError(
                "files_in_use",
                "there are stored files already",
                concern=found["path"],
                next_step="Restore to an empty folder or prefix.",
            )


async def restore_files(store: ObjectStore, contents: Path, listed: Path) -> None:
    for stored in read_list(listed):
        await obstore.put_async(store, stored.path, place(contents, stored.sha256))
