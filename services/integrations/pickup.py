"""Handing something over through a folder from which somebody else takes it: once, whatever is killed.

What is handed over is staged under a name of its own, that name is committed, and only then the copy is
moved, which is atomic and can happen once: whoever comes later and finds the committed name gone knows that
it has happened, whether or not it was taken since.
"""

import os
import shutil
from pathlib import Path
from typing import Final

#: Below the folder, on the same file system; nobody who takes files looks into hidden folders.
STAGING: Final = ".staged"


def move(folder: Path, staged: str, name: str) -> None:
    """Move what was staged into the folder; nothing if that has happened."""
    try:
        (folder / STAGING / staged).rename(folder / name)
    except FileNotFoundError:
        # Moved already; a folder that is gone altogether is another matter.
        (folder / STAGING).stat()
        return
    sync(folder)


def clear(folder: Path, pattern: str) -> None:
    """Remove copies that another attempt staged; their names were never committed."""
    for copy in (folder / STAGING).glob(pattern):
        if copy.is_dir():
            shutil.rmtree(copy, ignore_errors=True)
        else:
            copy.unlink(missing_ok=True)


def write(path: Path, content: bytes) -> None:
    """Write a file so that it outlives a power failure, but for its name: see `sync`."""
    with path.open("wb") as copy:
        copy.write(content)
        copy.flush()
        os.fsync(copy.fileno())


def sync(folder: Path) -> None:
    """A name in a folder outlives a power failure only when the folder itself is written."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
