"""Keys by which services sign in to the bus: NKeys (Ed25519). The server knows the public part only."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import nkeys

from shared.errors import TagwerkError

_SUFFIX: Final = ".nk"


def key_file(folder: Path, name: str) -> Path:
    """Where a service finds its seed."""
    return folder / f"{name}{_SUFFIX}"


def ensure_keys(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Name -> public key. The seed of each is made when it is first asked for, in a file for its owner alone.

    Raises `TagwerkError` (`bus_key_unreadable`).
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {name: _ensure(key_file(folder, name)) for name in names}


def _ensure(file: Path) -> str:
    if not file.exists():
        _write(file, nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER))
    try:
        pair = nkeys.from_seed(bytearray(file.read_bytes().strip()))
        public: str = pair.public_key.decode()
    except (OSError, nkeys.NkeysError, ValueError) as error:
        raise TagwerkError(
            "bus_key_unreadable",
            f"the key of a service cannot be read: {error!r}",
            concern=str(file),
            next_step="Put the file back from a backup, or remove it: a new one is made at the next start.",
        ) from error
    return public


def _write(file: Path, seed: bytes) -> None:
    """Whole or not at all: killed in between, it is made again."""
    unfinished = file.with_name(file.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(seed + b"\n")
        opened.flush()
        os.fsync(opened.fileno())
    unfinished.replace(file)
