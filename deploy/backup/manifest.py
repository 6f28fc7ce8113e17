"""What a backup consists of, and whether it is whole: `manifest.json`, written last."""

import hashlib
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import TagwerkError

MANIFEST: Final = "manifest.json"
#: Raised when what is written can no longer be read by those before.
FORM: Final = 1
#: A backup that is being taken, or whose taking was killed.
UNFINISHED: Final = ".unfinished"
#: Contents of stored files by their SHA-256, shared by all backups of one folder.
CONTENTS: Final = "contents"

_CHUNK: Final = 1024 * 1024


class Part(BaseModel):
    """One file of the backup."""

    model_config = ConfigDict(frozen=True)

    #: Below the backup's folder.
    name: str
    #: Bytes.
    size: int
    sha256: str


class Durable(BaseModel):
    """A consumer that the bus remembers, and how far it was before the moment of the backup."""

    model_config = ConfigDict(frozen=True)

    name: str
    #: As the server gives it.
    config: dict[str, object]
    #: Sequence up to which everything was acknowledged; 0 for nothing.
    floor: int


class Stream(BaseModel):
    """A stream at the moment of the backup."""

    model_config = ConfigDict(frozen=True)

    name: str
    config: dict[str, object]
    first: int
    last: int
    messages: int
    durables: list[Durable]


class Manifest(BaseModel):
    model_config = ConfigDict(frozen=True)

    form: Literal[1] = FORM
    #: What is restored is as it was then, to the last row and message.
    moment: datetime
    streams: list[Stream]
    #: `<schema>.<table>` -> rows.
    rows: dict[str, int]
    #: Stored files, and their bytes together.
    files: int
    files_size: int
    parts: list[Part]
    #: SHA-256 of all the above.
    seal: str = ""

    def sealed(self) -> "Manifest":
        return self.model_copy(update={"seal": self._digest()})

    def _digest(self) -> str:
        said = self.model_dump(mode="json", exclude={"seal"})
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def write(self, folder: Path) -> None:
        path = folder / MANIFEST
        with path.open("x") as file:
            file.write(self.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Raises `TagwerkError`: `backup_missing`, `backup_altered`."""
        path = folder / MANIFEST
        try:
            manifest = cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise TagwerkError(
                "backup_missing",
                f"there is no backup in {folder}: it has no {MANIFEST}",
                concern=str(folder),
                next_step="Name the folder of one backup, or the folder that `tagwerk backup` was given.",
            ) from None
        except ValidationError as error:
            raise altered(path, f"it is no manifest of a backup of form {FORM}") from error
        if manifest.seal != manifest._digest():
            raise altered(path, "its content does not fit its seal")
        return manifest

    def verify(self, folder: Path) -> None:
        """Read every part. Raises `TagwerkError` (`backup_altered`) for the first that is not as written."""
        for part in self.parts:
            check(folder / part.name, part.size, part.sha256)


def newest(folder: Path) -> Path:
    """The backup that `folder` is, or the newest of those that lie in it. Raises `backup_missing`."""
    if (folder / MANIFEST).exists():
        return folder
    backups = [path.parent for path in folder.glob(f"*/{MANIFEST}") if path.parent.suffix != UNFINISHED]
    if not backups:
        Manifest.read(folder)
    return max(backups)


def part_of(path: Path, name: str) -> Part:
    """A file just written, as it lies on the disk."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return Part(name=name, size=path.stat().st_size, sha256=digest)


def check(path: Path, size: int, sha256: str) -> None:
    """Raises `TagwerkError` (`backup_altered`) where the file is missing, cut or another one."""
    try:
        found = path.stat().st_size
        if found != size:
            raise altered(path, f"it has {found} bytes instead of {size}")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise altered(path, "it is missing") from None
    if digest != sha256:
        raise altered(path, "its content is another one")


def altered(path: Path, how: str) -> TagwerkError:
    return TagwerkError(
        "backup_altered",
        f"the backup is not as it was taken: {path.name}: {how}",
        concern=str(path),
        next_step="Take another backup, or another copy of this one. Nothing was restored.",
    )
