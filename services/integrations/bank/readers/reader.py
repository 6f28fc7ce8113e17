"""What the reading child runs: a file is read once, its entries are kept on disk and handed out in batches.

Memory does not grow with the file: of each entry only its place and what it is sorted by stay in it.
Batches never cut through equal entries (same amount and day), so that whoever compares them with what is
stored sees all of them.
"""

import codecs
import gc
import os
import tempfile
from dataclasses import asdict
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from lxml import etree

from services.integrations.bank.readers import camt, mt940
from services.integrations.bank.readers.containers import contents
from services.integrations.bank.readers.raw import RawEntry, RawStatement, Unreadable
from services.integrations.bank.readers.values import plain
from shared.process_child import Refused

#: Bytes of one answer; a single entry of a large batch may need more.
_ANSWER: Final = 4_000_000
#: Statements in one file.
_STATEMENTS: Final = 10_000
_NEXT_STEPS: Final = {
    "statement_malformed": "Compare it with the formats on the job's page, or get it again from the bank.",
    "statement_xml_unsafe": "Do not open it elsewhere; find out who sent it. No bank sends such a file.",
    "archive_unreadable": "Unpack it by hand and import the files in it.",
    "archive_too_large": "Unpack it by hand and import the files in it one by one.",
}


class Reader:
    """One file."""

    def __init__(self, path: str, at_most: int) -> None:
        self._path = Path(path)
        self._at_most = at_most
        self._spool = _Spool(self._path.parent)
        self._statements: list[_Kept] = []
        # Nothing here refers to itself in a circle, and looking for that costs a tenth of the time.
        gc.freeze()
        gc.set_threshold(100_000, 50, 50)

    def read(self) -> list[dict[str, Any]]:
        """The heads of all statements. What cannot be read of a file behind them is told as `broken`."""
        try:
            for name, content in contents(self._path, at_most=self._at_most):
                try:
                    self._read_one(name, content)
                except Unreadable as error:
                    if not name or error.code.startswith("archive"):
                        raise
                    # The other files of the archive go on.
                    unread = _Kept(RawStatement("none", "none", id=name), name)
                    unread.broken = error.code, str(error)
                    self._statements.append(unread)
        except Unreadable as error:
            if not self._statements:
                raise _refused(error.code, str(error)) from error
            self._statements[-1].broken = (error.code, str(error))
        if not self._statements:
            raise _refused("statement_malformed", "there is no statement, report or notification in it")
        return [kept.told() for kept in self._statements]

    def _read_one(self, name: str, content: BinaryIO) -> None:
        began = len(self._statements)
        try:
            for part in _parts(content):
                if isinstance(part, RawStatement):
                    if len(self._statements) >= _STATEMENTS:
                        raise Unreadable(
                            "statement_malformed", f"it holds more than {_STATEMENTS:,} statements"
                        )
                    self._statements.append(_Kept(part, name))
                else:
                    self._statements[-1].keep(part, self._spool)
        except etree.XMLSyntaxError as error:
            code, cause = "statement_malformed", f"it is no well-formed XML: {error.msg or error}"
            if "ntit" in str(error) or "DTD" in str(error):
                code, cause = "statement_xml_unsafe", f"the XML uses entities: {error.msg}"
            if len(self._statements) == began:
                raise Unreadable(code, cause) from error
            # The last statement breaks off; those before it are whole.
            self._statements[-1].broken = (code, cause)

    def batch(self, statement: int, start: int, count: int) -> bytes:
        """`{"next": …, "entries": […]}` in JSON: entries from `start` on in the order of amount and day, at
        least `count` where there are so many, and all that equal the last one. `next` is null behind the
        last entry."""
        places = self._statements[statement].in_order()
        self._spool.settle()
        entries: list[bytes] = []
        size, place = 0, start
        while place < len(places):
            key, offset, length = places[place]
            full = len(entries) >= count or size >= _ANSWER
            if full and key != places[place - 1][0]:
                break
            entries.append(self._spool.take(offset, length))
            size += length
            place += 1
        next = place if place < len(places) else None
        # What is JSON already is not taken apart and put together again.
        return b'{"next":%b,"entries":[%b]}' % (orjson.dumps(next), b",".join(entries))


class _Kept:
    """A statement whose entries lie on disk."""

    def __init__(self, raw: RawStatement, name: str) -> None:
        self._raw = raw
        self._name = name
        self._sum = Decimal(0)
        self._places: list[tuple[tuple[str, str], int, int]] = []
        self._sorted = False
        self._wrong = 0
        self._foreign = 0
        self._days: tuple[str, str] | None = None
        self.broken: tuple[str, str] | None = None

    def keep(self, entry: RawEntry, spool: "_Spool") -> None:
        day = entry.booked or entry.valued or ""
        if self._raw.currency is None and entry.currency:
            # Notifications often have no balance, and name the currency of no account.
            self._raw.currency = entry.currency
        if entry.problem is not None:
            self._wrong += 1
        elif entry.currency == self._raw.currency:
            self._sum += entry.amount
        else:
            self._foreign += 1
        if day:
            first, last = self._days or (day, day)
            self._days = min(first, day), max(last, day)
        data = orjson.dumps(_told(entry))
        self._places.append(((entry.written, day), spool.add(data), len(data)))

    def in_order(self) -> list[tuple[tuple[str, str], int, int]]:
        if not self._sorted:
            self._places.sort(key=lambda place: place[0])
            self._sorted = True
        return self._places

    def told(self) -> dict[str, Any]:
        first, last = self._days or (None, None)
        return {
            **asdict(self._raw),
            "name": self._name,
            "entries": len(self._places),
            "wrong": self._wrong,
            "foreign": self._foreign,
            "sum": plain(self._sum),
            "first_day": first,
            "last_day": last,
            "broken": self.broken,
        }


#: What is told of an entry only if there is something to tell.
_OPTIONAL: Final = (
    "line", "booked", "valued", "reversal", "bank_ref", "code", "text", "charges", "batch_id", "details",
    "problem",
)  # fmt: skip
_optional_of: Final = attrgetter(*_OPTIONAL)


def _told(entry: RawEntry) -> dict[str, Any]:
    told: dict[str, Any] = {
        "position": entry.position, "amount": entry.written, "currency": entry.currency,
    }  # fmt: skip
    for name, value in zip(_OPTIONAL, _optional_of(entry), strict=True):
        if value:
            told[name] = value
    return told


def _parts(content: BinaryIO) -> Any:
    """Recognize the format by its first sign that is no white space."""
    head = content.peek(64)[:64] if hasattr(content, "peek") else b""
    text = head.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if text.startswith(b"<") or utf16:
        return camt.read(_from_first_sign(content, head, text, utf16=utf16))
    return mt940.read(content)


def _from_first_sign(content: BinaryIO, head: bytes, text: bytes, *, utf16: bool) -> BinaryIO:
    # An XML declaration may not be preceded by anything; some exports begin with an empty line.
    if not utf16:
        content.read(len(head) - len(text))
    return content


class _Spool:
    """A file without a name, which is gone with the process: first written, then read."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=1024 * 1024)  # noqa: SIM115  (as long as we)
        self._end = 0

    def add(self, data: bytes) -> int:
        """Where it stands from now on."""
        began = self._end
        self._file.write(data)
        self._end += len(data)
        return began

    def settle(self) -> None:
        """Call before what was added is taken."""
        self._file.flush()

    def take(self, offset: int, length: int) -> bytes:
        return os.pread(self._file.fileno(), length, offset)


def _refused(code: str, cause: str) -> Refused:
    return Refused(code, cause, _NEXT_STEPS[code])
