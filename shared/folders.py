"""Whether a folder can be written, tried without leaving anything in it."""

import asyncio
import os
import tempfile
from pathlib import Path

from shared.errors import TagwerkError


async def probe_folder(folder: Path) -> str:
    """Whether files can be written into `folder`, or it can be made where it is missing. Leaves nothing.

    Raises `location_unwritable`.
    """
    there = await asyncio.to_thread(_write_into, folder)
    return (
        "files can be written" if there == folder else "files can be written; the first one makes the folder"
    )


def _write_into(folder: Path) -> Path:
    """Where a file could be written: the folder, or what there is of the way to it."""
    there = folder
    try:
        while not os.path.lexists(there):
            there = there.parent
        # Where the file system can do it, without a name: nobody who watches the folder sees it.
        with tempfile.TemporaryFile(dir=there, prefix=".tagwerk-probe-") as file:
            file.write(b"?")
            file.flush()
    except OSError as error:
        raise location_unwritable(
            str(folder),
            f"{there} cannot be written: {error.strerror or error}",
            "Check that it is a folder, who may write there, and whether the disk is full.",
        ) from error
    return there


def location_unwritable(concern: str, cause: str, mend: str) -> TagwerkError:
    """What a probe says of a place that takes no file."""
    return TagwerkError("location_unwritable", cause, concern=concern, next_step=mend)
