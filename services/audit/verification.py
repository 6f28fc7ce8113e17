"""Whether the log is as it was written: every entry in its order, then what signed heads say of it. Pure.

It names the first entry that is not as it was. A change of one entry is found at that entry, or at the next
one where its hash was made to fit; a chain that was made anew from somewhere on fits in itself, and is found
at the first head that had signed another hash: then the first wrong entry lies behind the head before.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

import orjson

from services.audit.core import (
    BEGINNING,
    CONTENTS_REMOVED,
    Columns,
    Link,
    columns_of,
    content_hash,
    entry_hash,
    kind_of,
    ranges_of,
)
from services.audit.heads import NO_HEAD, Head

#: Findings that are told; the first is the one that counts.
MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    #: The first entry that is not as it was.
    number: int
    cause: str


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it lies in the database."""

    link: Link
    #: None where the content is gone.
    salt: bytes | None
    content: bytes | None
    columns: Columns | None


class ChainCheck:
    """Takes the entries in their order, and tells what is wrong with them."""

    def __init__(self, log_id: UUID, removed: Iterable[str], heads: Sequence[Head] = ()) -> None:
        """`removed`: the ranges that entries about removed contents name; `heads` with a valid signature."""
        self._log_id = log_id
        self._removed = _Ranges(ranges for text in removed for ranges in ranges_of(text))
        self._heads = {head.number: head for head in heads}
        self._newest = max(self._heads, default=0)
        self._vouched = 0
        self.number = 0
        self._hash = BEGINNING
        self.findings: list[Finding] = []
        self.heads_met = 0

    def take(self, entry: StoredEntry) -> None:
        link = entry.link
        if link.number != self.number + 1:
            gone = self.number + 1
            last = link.number - 1
            if gone == last:
                self._note_broken(gone, f"entry {gone} is missing")
            else:
                self._note_broken(gone, f"entries {gone} to {last} are missing")
        self._check_hash(link)
        self._check_content(entry)
        self.number, self._hash = link.number, link.hash
        head = self._heads.get(link.number)
        if head is not None:
            self._check_head(head)

    def end(self) -> None:
        """There are no more entries."""
        if self._newest > self.number:
            first = self.number + 1
            self._note_broken(
                first, f"the log ends at {self.number}, and a head has signed entry {self._newest}"
            )
        self.findings.sort(key=lambda finding: finding.number)

    @property
    def first(self) -> Finding | None:
        return self.findings[0] if self.findings else None

    def _check_hash(self, link: Link) -> None:
        expected = entry_hash(
            self._log_id,
            link.number,
            link.event_id,
            link.recorded_at,
            link.kind,
            link.content_hash,
            self._hash,
        )
        if expected != link.hash:
            self._note_broken(
                link.number,
                f"entry {link.number} is not the one that was written after the one before: one of them was"
                " changed, inserted or moved",
            )

    def _check_content(self, entry: StoredEntry) -> None:
        number = entry.link.number
        if entry.content is None or entry.salt is None:
            if number not in self._removed:
                self._note_broken(number, f"the content of entry {number} is gone, and no entry tells why")
            return
        if content_hash(entry.salt, entry.content) != entry.link.content_hash:
            self._note_broken(number, f"the content of entry {number} was changed")
            return
        try:
            fields = _fields(entry.content)
            fits = columns_of(fields) == entry.columns and kind_of(fields["action"]) == entry.link.kind
        except (ValueError, KeyError, TypeError):
            fits = False
        if not fits:
            self._note_broken(number, f"the columns by which entry {number} is found do not fit its content")

    def _check_head(self, head: Head) -> None:
        self.heads_met += 1
        if head.log_id == self._log_id and head.hash == self._hash:
            self._vouched = head.number
            return
        first = self._vouched + 1
        last = head.number
        if first == last:
            self._note_broken(first, f"entry {first} is not the one that head {head.ordinal} signed")
        else:
            self._note_broken(
                first,
                f"one of the entries {first} to {last} is not the one that head {head.ordinal} signed: the"
                " log was rewritten from there",
            )
        self._vouched = head.number

    def _note_broken(self, number: int, cause: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(number, cause))


def check_heads(heads: Sequence[Head]) -> list[str]:
    """What is wrong with heads among themselves, in the order of their ordinals: gaps, and other heads."""
    wrong = []
    if heads and heads[0].ordinal == 1 and heads[0].previous != NO_HEAD:
        wrong.append("the first head names another before it")
    if heads and heads[0].ordinal != 1:
        wrong.append(f"heads 1 to {heads[0].ordinal - 1} are missing")
    for before, head in pairwise(heads):
        if head.ordinal != before.ordinal + 1:
            wrong.append(f"heads {before.ordinal + 1} to {head.ordinal - 1} are missing")
        elif head.previous != before.digest:
            wrong.append(f"head {head.ordinal} follows another head {before.ordinal}")
    return wrong


def removed_by(kind: str, content: bytes) -> str | None:
    """The ranges of numbers that an entry about removed contents names."""
    if kind != CONTENTS_REMOVED:
        return None
    ranges: str = _fields(content)["after"]["entries"]
    return ranges


def _fields(content: bytes) -> dict[str, Any]:
    fields: dict[str, Any]
    try:
        fields = orjson.loads(content)
    except orjson.JSONDecodeError:
        # Integers beyond 64 bits, and what else only the slower reader takes.
        fields = json.loads(content)
    return fields


class _Ranges:
    """Numbers, as ranges that may overlap; asked in ascending order."""

    def __init__(self, given: Iterable[tuple[int, int]]) -> None:
        self._ranges: list[tuple[int, int]] = []
        self._place = 0
        for first, last in sorted(given):
            if self._ranges and first <= self._ranges[-1][1] + 1:
                first, last = self._ranges[-1][0], max(last, self._ranges.pop()[1])
            self._ranges.append((first, last))

    def __contains__(self, number: int) -> bool:
        while self._place < len(self._ranges) and self._ranges[self._place][1] < number:
            self._place += 1
        return self._place < len(self._ranges) and self._ranges[self._place][0] <= number
