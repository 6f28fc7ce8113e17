"""The key that signs heads: a PEM file outside of the database. Public keys behind it are trusted too.

`python -m services.audit.keys FILE` makes one, with the public key beside it (`FILE.pub`).
"""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.errors import TagwerkError

_PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
_RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that signs, and those whose signatures count."""

    signing: Ed25519PrivateKey
    #: 32 bytes each; the signing key's own is the first.
    trusted: tuple[bytes, ...]

    @property
    def public(self) -> bytes:
        return self.trusted[0]

    def sign(self, statement: str) -> bytes:
        return self.signing.sign(statement.encode())

    def vouches_for(self, statement: str, signature: bytes, key: bytes) -> bool:
        if key not in self.trusted:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, statement.encode())
        except InvalidSignature:
            return False
        return True


def read_keys(file: Path) -> Keys:
    """Raises `audit_key_unusable`."""
    signing: Ed25519PrivateKey | None = None
    others: list[bytes] = []
    try:
        for block in _PEM.finditer(file.read_bytes()):
            if b"PRIVATE" in block[1]:
                private = serialization.load_pem_private_key(block[0], password=None)
                if not isinstance(private, Ed25519PrivateKey):
                    raise ValueError("its private key is none of Ed25519")
                signing = signing or private
            else:
                public = serialization.load_pem_public_key(block[0])
                if not isinstance(public, Ed25519PublicKey):
                    raise ValueError("a public key in it is none of Ed25519")
                others.append(public.public_bytes(*_RAW))
        if signing is None:
            raise ValueError("it holds no private key")
    except (OSError, ValueError, TypeError) as error:
        raise TagwerkError(
            "audit_key_unusable",
            f"the key that signs the audit log cannot be used: {error}",
            concern=str(file),
            next_step=f"Make one with `python -m services.audit.keys {file}`, readable by the audit service "
            "alone. If there was one, take it from its backup: heads of another key count for nothing.",
        ) from error
    return Keys(signing, (signing.public_key().public_bytes(*_RAW), *others))


def ensure_keys(file: Path) -> bool:
    """Make the key file where there is none; whether it was made. Never touches one that is there."""
    if file.exists():
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(private)
        opened.flush()
        os.fsync(opened.fileno())
    try:
        # Fails if somebody else was quicker, whose key is then the one.
        os.link(unfinished, file)
    except FileExistsError:
        return False
    finally:
        unfinished.unlink()
    file.with_name(f"{file.name}.pub").write_bytes(public)
    return True


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m services.audit.keys FILE")
    file = Path(sys.argv[1])
    print(f"{file}: made, with {file.name}.pub" if ensure_keys(file) else f"{file}: there is one already")


if __name__ == "__main__":
    main()
