"""Signed heads: what the log's end was at a moment, in the hands of somebody who cannot change the log. Pure.

A head is a few lines of text and an Ed25519 signature over them. Each names the SHA-256 of the head before,
so that none can be left out.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from services.audit.core import moment

#: Names the form of what is signed.
HEAD_FORM: Final = "tagwerk-audit-head-1"
#: Entries after which a head is signed, and seconds after which one is in any case.
EVERY: Final = 1_000
AFTER: Final = 3_600.0
#: What the first head names as the one before it.
NO_HEAD: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Head:
    """What is signed."""

    log_id: UUID
    #: 1, 2, 3, …
    ordinal: int
    #: The last entry that it covers, and its hash.
    number: int
    hash: bytes
    signed_at: datetime
    #: SHA-256 of the statement before.
    previous: bytes

    @property
    def statement(self) -> str:
        return (
            f"{HEAD_FORM}\n{self.log_id}\n{self.ordinal}\n{self.number}\n{self.hash.hex()}\n"
            f"{moment(self.signed_at)}\n{self.previous.hex()}\n"
        )

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.statement.encode()).digest()

    @classmethod
    def read(cls, statement: str) -> "Head":
        """Raises `ValueError` for anything that is no statement."""
        lines = statement.split("\n")
        if len(lines) != 8 or lines[0] != HEAD_FORM or lines[7]:
            raise ValueError("it is no head of an audit log")
        _, log_id, ordinal, number, hash, signed_at, previous, _ = lines
        head = cls(
            UUID(log_id), int(ordinal), int(number), bytes.fromhex(hash), datetime.fromisoformat(signed_at),
            bytes.fromhex(previous),
        )  # fmt: skip
        if head.statement != statement:
            raise ValueError("it is not written as a head is")
        return head


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head as it lies in a folder or arrives at a webhook."""

    statement: str
    signature: bytes
    #: The public key: 32 bytes.
    key: bytes

    @property
    def file_name(self) -> str:
        return f"head-{Head.read(self.statement).ordinal:09}.json"

    def encode(self) -> bytes:
        """One JSON object: `statement` as text, `signature` and `key` in hex."""
        fields = {"statement": self.statement, "signature": self.signature.hex(), "key": self.key.hex()}
        return orjson.dumps(fields, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def decode(cls, data: bytes) -> "SignedHead":
        """Raises `ValueError` for anything else; the signature is another question."""
        fields: Any = orjson.loads(data)
        try:
            signed = cls(
                str(fields["statement"]), bytes.fromhex(fields["signature"]), bytes.fromhex(fields["key"])
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"it is no signed head: {error!r}") from error
        Head.read(signed.statement)
        return signed


def ends_to_sign(last_signed: int, end: int, *, overdue: bool) -> list[int]:
    """The entries whose hash is to be signed now: each thousandth behind the last, and the end if it waits
    for longer than it should."""
    wanted = list(range(last_signed + EVERY, end + 1, EVERY))
    if overdue and end > (wanted[-1] if wanted else last_signed):
        wanted.append(end)
    return wanted
