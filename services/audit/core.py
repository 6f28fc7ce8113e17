"""The chain: what an entry is, as bytes, and the hash that binds it to the one before it. Pure.

An entry has two parts. Its content (who, what, why) can be removed when its time is over; its link (number,
kind, hashes) stays for ever, so that what is left still proves itself. The content is hashed with a random
salt that is removed with it: nobody can find out a removed content by trying.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

#: The hash before the first entry.
BEGINNING: Final = bytes(32)
#: Names the form of what is hashed; another form gets another name.
ENTRY_FORM: Final = "tagwerk-audit-entry-1"

#: What tells that contents were removed, with the numbers of their entries. Never removed itself.
CONTENTS_REMOVED: Final = "contents_removed"

#: Characters of a column by which entries are found.
LONGEST_COLUMN: Final = 500

_KIND = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Content:
    """Who did what, as JSON in its one canonical form."""

    text: str

    @property
    def fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.text)
        return fields


@dataclass(frozen=True, slots=True)
class NewEntry:
    """Something to be written down, once for each event id."""

    event_id: UUID
    kind: str
    content: Content


@dataclass(frozen=True, slots=True)
class Link:
    """What of an entry stays for ever."""

    number: int
    event_id: UUID
    recorded_at: datetime
    kind: str
    content_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Columns:
    """By what an entry is found. Nothing but a copy of the content, which the check compares."""

    time: datetime
    principal: str
    effective_principal: str | None
    client: str | None
    concern: str
    run_id: UUID | None
    trace_id: str | None


def canonical(fields: Mapping[str, Any]) -> Content:
    """The one JSON of `fields`: keys sorted, no spaces, what is None left out at the top."""
    kept = {name: value for name, value in fields.items() if value is not None}
    return Content(json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str))


def encoded(text: str) -> bytes:
    """Half a surrogate pair, which is no text, becomes the escape that JSON has for it."""
    return text.encode("utf-8", "backslashreplace")


def content_hash(salt: bytes, content: bytes) -> bytes:
    return hashlib.sha256(salt + content).digest()


def entry_hash(
    log_id: UUID,
    number: int,
    event_id: UUID,
    recorded_at: datetime,
    kind: str,
    content: bytes,
    previous: bytes,
) -> bytes:
    """SHA-256 over the form's name, the log, everything that stays of the entry, and the hash before it, a
    line each. `content` is the hash of the content."""
    lines = (
        f"{ENTRY_FORM}\n{log_id}\n{number}\n{event_id}\n{moment(recorded_at)}\n{kind}\n"
        f"{content.hex()}\n{previous.hex()}\n"
    )
    return hashlib.sha256(lines.encode()).digest()


def moment(time: datetime) -> str:
    """`2026-03-01T14:02:11.250000Z`: UTC, always with microseconds."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def kind_of(action: str) -> str:
    """A name that can be a kind: what is none becomes `unnamed`."""
    return action if _KIND.fullmatch(action) else "unnamed"


def columns_of(fields: Mapping[str, Any]) -> Columns:
    """Raises `KeyError` or `ValueError` for what is no content of an entry."""
    run_id = fields.get("run_id")
    return Columns(
        time=datetime.fromisoformat(fields["time"]),
        principal=_storable(fields["principal"]),
        effective_principal=_storable(fields.get("effective_principal")),
        client=_storable(fields.get("client")),
        concern=_storable(fields["concern"]),
        run_id=None if run_id is None else UUID(run_id),
        trace_id=_storable(fields.get("trace_id")),
    )


def _storable(text: Any) -> Any:
    """As PostgreSQL keeps text, which has no NUL; and no longer than an index takes."""
    if type(text) is str and len(text) <= LONGEST_COLUMN and text.isascii() and "\0" not in text:
        return text
    return None if text is None else encoded(str(text)).decode().replace("\0", "\ufffd")[:LONGEST_COLUMN]


def ranges(numbers: list[int]) -> str:
    """`1-5,9` for ascending numbers."""
    parts: list[str] = []
    first = last = None
    for number in [*numbers, None]:
        if last is not None and number == last + 1:
            last = number
            continue
        if last is not None:
            parts.append(f"{first}" if first == last else f"{first}-{last}")
        first = last = number
    return ",".join(parts)


def ranges_of(text: str) -> list[tuple[int, int]]:
    """First and last number of each part. Raises `ValueError` for anything else."""
    found = []
    for part in filter(None, text.split(",")):
        first, dash, last = part.partition("-")
        found.append((int(first), int(last if dash else first)))
    return found
