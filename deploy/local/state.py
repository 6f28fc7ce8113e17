"""The state folder: its lock, its ports, its passwords. One stack, one folder."""

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from deploy.local.ports import free_port, is_free
from shared.errors import TagwerkError

DEFAULT_STATE: Final = Path(".tagwerk")

_LOCK: Final = "lock"
#: Ports and identity of the stack.
STACK: Final = "stack.json"
#: Passwords, by group and name.
SECRETS: Final = "secrets.json"

#: Seconds that a start waits for the children of a supervisor that was killed.
_WAIT_FOR_ORPHANS: Final = 15.0
#: What lies outside because the database's account cannot reach it inside (`postgres_home.py`).
_ROOT_ONLY: Final = Path("/var/lib/tagwerk")


class StateFolder:
    """A state folder that this process holds the lock of. Use as a context manager."""

    def __init__(self, path: Path, *, root_only: Path = _ROOT_ONLY) -> None:
        self.path = path.absolute()
        self._root_only = root_only
        self._lock: int | None = None

    def __enter__(self) -> "StateFolder":
        self._make()
        self._lock = _take_lock(self.path)
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def lock(self) -> int:
        """The lock's file descriptor, for children to inherit: a start waits until they are gone too."""
        if self._lock is None:
            raise RuntimeError("the state folder is not open")
        return self._lock

    @property
    def outside(self) -> Path:
        """Folder for what must lie outside. Remembered by a random name, so that moving the state folder
        loses nothing and a new one never finds an old one's data."""
        stack = self._read(STACK)
        if "id" not in stack:
            self._write(STACK, stack | {"id": secrets.token_hex(8)})
        return self._root_only / str(self._read(STACK)["id"])

    def ports(self, wanted: Mapping[str, int | None]) -> dict[str, int]:
        """A port for each name: the wanted one, else the one of last time if it is free, else a new one.

        Raises `TagwerkError` (`port_taken`) for a wanted port that is taken.
        """
        stack = self._read(STACK)
        remembered: dict[str, int] = stack.get("ports", {})
        chosen: dict[str, int] = {}
        for name, port in wanted.items():
            if port is not None and not is_free(port):
                raise TagwerkError(
                    "port_taken",
                    f"port {port}, wanted for {name}, is taken by another program",
                    concern=str(port),
                    next_step=f"Choose another one with --{name}-port, or leave that out for a free one.",
                )
            known = remembered.get(name)
            if port is None and known is not None and known not in chosen.values() and is_free(known):
                port = known
            chosen[name] = port or free_port(taken={*chosen.values(), *filter(None, wanted.values())})
        self._write(STACK, stack | {"ports": remembered | chosen})
        return chosen

    def passwords(self, group: str, names: Iterable[str]) -> dict[str, str]:
        """A password for each name, made at random when it is first asked for."""
        known = self._read(SECRETS)
        passwords: dict[str, str] = known.get(group, {})
        missing = {name: secrets.token_urlsafe(24) for name in names if name not in passwords}
        if missing:
            self._write(SECRETS, known | {group: passwords | missing})
        return {name: (passwords | missing)[name] for name in names}

    def remove(self) -> None:
        """Remove everything, the lock last: killed in between, it can be removed again."""
        if (self.path / STACK).exists():
            shutil.rmtree(self.outside, ignore_errors=True)
        for entry in self.path.iterdir():
            if entry.name == _LOCK:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        (self.path / _LOCK).unlink()
        self.path.rmdir()

    def _make(self) -> None:
        if not self.path.exists():
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise TagwerkError(
                    "state_not_writable",
                    f"the state folder cannot be made: {error.strerror}",
                    concern=str(self.path),
                    next_step="Choose another folder with --state.",
                ) from error
            # The account of the database must be able to pass through when we are root.
            self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise TagwerkError(
                "state_of_another_user",
                f"the state folder belongs to user {owner}, and we are user {os.geteuid()}",
                concern=str(self.path),
                next_step="Run as that user, or choose another folder with --state.",
            )
        ours = self.path.name == DEFAULT_STATE.name or (self.path / _LOCK).exists()
        if not self.path.is_dir() or (not ours and any(self.path.iterdir())):
            raise TagwerkError(
                "not_a_state_folder",
                "the folder holds other things than the state of a stack"
                if self.path.is_dir()
                else "it is no folder",
                concern=str(self.path),
                next_step="Choose a new or an empty folder with --state.",
            )

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads((self.path / name).read_text())
        except FileNotFoundError:
            return {}
        return content

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        write_private(self.path / name, content)


def remove_state(path: Path) -> bool:
    """Remove a state folder with all that belongs to it; False if there is none.

    Raises `TagwerkError` (`stack_running`, `not_a_state_folder`, `state_of_another_user`).
    """
    if not path.exists():
        return False
    with StateFolder(path) as state:
        state.remove()
    return True


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON that only its owner may read; a reader sees the old or the new file, never a part."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _take_lock(folder: Path) -> int:
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    end = time.monotonic() + _WAIT_FOR_ORPHANS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            holder = _holder(descriptor)
            if holder is not None or time.monotonic() > end:
                os.close(descriptor)
                raise _already_running(folder, holder) from None
            time.sleep(0.05)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _holder(descriptor: int) -> int | None:
    """The supervisor that wrote itself into the lock, if it still runs."""
    try:
        holder = int(os.pread(descriptor, 20, 0))
        os.kill(holder, 0)
    except (ValueError, ProcessLookupError):
        return None
    except PermissionError:
        pass
    return holder


def _already_running(folder: Path, holder: int | None) -> TagwerkError:
    who = f"process {holder}" if holder is not None else "servers that a killed stack left behind"
    return TagwerkError(
        "stack_running",
        f"a stack is already running in this state folder ({who})",
        concern=str(folder),
        next_step="Use it, stop it with Ctrl-C where it was started, or choose another folder with --state.",
    )
