"""Folders for servers under test: in memory where there is room, given back however a test process ends."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

#: A file system in memory, and the free bytes below which servers stay away from it.
MEMORY: Final = Path("/dev/shm")
ROOM: Final = 2 * 1024**3

_PREFIX: Final = "tagwerk-test-"
#: Seconds that a folder may be without its lock while it is made.
_YOUNG: Final = 60.0

#: Descriptors of locks by the folder that they protect.
_locks: dict[Path, int] = {}


def temporary_folder() -> Path:
    """A folder that the account of PostgreSQL can reach too; pytest's own ones it cannot.

    The servers make and remove thousands of small files, which on a disk costs more than all else that they
    do; hence in memory. What `TMPDIR` says outweighs that.
    """
    parent = MEMORY if "TMPDIR" not in os.environ and has_room(MEMORY) else None
    if parent is not None:
        remove_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    _locks[folder] = lock
    folder.chmod(0o711)
    return folder


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if (lock := _locks.pop(folder, None)) is not None:
        os.close(lock)


def has_room(folder: Path) -> bool:
    """Whether servers can run in it; the memory of a container often cannot hold them."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC


def remove_abandoned(parent: Path) -> None:
    """Remove the folders of test processes that were killed: nobody holds their locks."""
    for path in parent.glob(f"{_PREFIX}*/lock"):
        with contextlib.suppress(OSError), path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock.fileno()).st_mtime < time.time() - _YOUNG:
                shutil.rmtree(path.parent, ignore_errors=True)
