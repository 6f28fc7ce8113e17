"""Folders for one run's temporary files, removed even if the worker is killed: by the next one that starts.

They hold copies of clients' documents, so they may not be left lying about. A worker holds a lock on the file
`lock` of its folder; the kernel lets go of it when the process dies.
"""

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "tagwerk-work-"
#: Seconds in which a folder may exist without its lock: between making the one and taking the other.
_NEW = 60.0


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder of the run's own, readable by nobody else."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name, (Path(name) / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(name)


def remove_abandoned_workplaces() -> list[Path]:
    """Remove the folders of processes that are gone, and say which those were."""
    removed = []
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime < _NEW or _is_held(folder / "lock"):
                continue
        except OSError:
            continue  # somebody else's, or gone in this moment
        shutil.rmtree(folder, ignore_errors=True)
        removed.append(folder)
    return removed


def _is_held(lock: Path) -> bool:
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
