"""Statements in SWIFT MT940, with the dialects of German, Dutch, Swiss and other banks.

`:20:` begins a statement, `:25:` names the account, `:28C:` its number, `:60F:`/`:60M:` and
`:62F:`/`:62M:` are the balances, each `:61:` is an entry and `:86:` its details. Source: SWIFT Standards
MT, category 9 (MT 940).
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, BinaryIO, Final

from services.integrations.bank.readers.details86 import details_of
from services.integrations.bank.readers.raw import RawEntry, RawStatement, Unreadable
from services.integrations.bank.readers.values import (
    WrongValue,
    account_of,
    currency_of,
    entry_day,
    plain,
    swift_amount,
    swift_day,
)

_TAG: Final = re.compile(r":(\d{2}[A-Z]?):(.*)", re.DOTALL)
_BALANCE: Final = re.compile(r"([CD])(\d{6})([A-Z]{3})\s*([\d.,]+)")
#: Value date, entry date, mark (reversals RC and RD), third letter of the currency, amount, type, the rest.
_ENTRY: Final = re.compile(
    r"(\d{6})(\d{4})?\s*(R?[CD]|E[CD])([A-Z])?\s*(\d[\d.,]*)\s*([A-Z][A-Z0-9 ]{3})?(.*)", re.DOTALL | re.ASCII
)
#: Bytes of one line; a file of something else has no lines at all.
_LINE_LIMIT: Final = 100_000
#: Characters of the text of one tag.
_TAG_LIMIT: Final = 20_000
#: What begins a block of SWIFT's envelope or ends one.
_ENVELOPE: Final = re.compile(r"\{\d:[^{}]*\}|\{4:\s*|-\}")
_NO_REFERENCE: Final = frozenset({"", "NONREF", "NOTPROVIDED", "KREF+", "EREF", "PREF", "MARF"})


def read(file: BinaryIO) -> Iterator[RawStatement | RawEntry]:
    """Each statement, followed by its entries in their order.

    A statement is given at its first entry or at its end; its closing balance is there when the next one or
    the end comes. Raises `Unreadable`.
    """
    reading: _Statement | None = None
    seen = False
    for number, tag, text in _tags(file):
        seen = True
        if tag == "20" or reading is None or (reading.closed and tag in ("25", "28", "28C", "60F", "60M")):
            if reading is not None:
                yield from reading.end()
            reading = _Statement()
        yield from reading.take(number, tag, text)
    if reading is not None:
        yield from reading.end()
    if not seen:
        raise Unreadable(
            "statement_malformed", "there is no MT940 statement in it: no line begins with a tag"
        )


def _tags(file: BinaryIO) -> Iterator[tuple[int, str, str]]:
    """Line number, tag and text; continued lines are joined by line feeds."""
    tag: str | None = None
    began = 0
    lines: list[str] = []
    size = 0
    for number, line in enumerate(_lines(file), 1):
        found = _TAG.match(line)
        if found:
            if tag is not None:
                yield began, tag, "\n".join(lines)
            tag, began, lines, size = found[1], number, [found[2]], 0
        elif line.startswith("-") and line[1:2] in ("", "}", "X"):
            # The end of a message; what stands before the next tag is an envelope.
            if tag is not None:
                yield began, tag, "\n".join(lines)
            tag = None
        elif tag is not None:
            size += len(line)
            if size <= _TAG_LIMIT:
                lines.append(line)
    if tag is not None:
        yield began, tag, "\n".join(lines)


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines without their ends, in UTF-8 or else in Windows-1252, which holds Latin-1."""
    first = True
    while line := file.readline(_LINE_LIMIT):
        if first:
            line = line.removeprefix(b"\xef\xbb\xbf")
            first = False
        if len(line) == _LINE_LIMIT:
            raise Unreadable("statement_malformed", "one of its lines has more than 100,000 characters")
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode("cp1252", errors="replace")
        for part in text.rstrip("\r\n").split("\r"):
            clean = part.replace("\x00", "").replace("\x01", "").replace("\x03", "")
            if "{" in clean or "-}" in clean:
                clean = _ENVELOPE.sub("", clean) or ("-" if "-}" in clean else "")
            yield clean


class _Statement:
    """One statement while its tags come."""

    def __init__(self) -> None:
        self.raw = RawStatement(family="mt940", message="mt940")
        self.closed = False
        self._told = False
        self._entry: tuple[int, str] | None = None
        self._details: list[str] = []

    def take(self, line: int, tag: str, text: str) -> Iterator[RawStatement | RawEntry]:
        raw = self.raw
        match tag:
            case "20":
                raw.id = text.strip() or None
            case "25" | "25P" if not raw.account:
                raw.account = account_of(text.split("\n")[0])
            case "28" | "28C":
                raw.number, _, raw.page = (part.strip() for part in text.partition("/"))
            case "60F" | "60M" | "60" if raw.opening is None:
                raw.opening = self._balance(text, "opening")
                raw.currency = raw.opening["currency"] if raw.opening else raw.currency
            case "62F" | "62M" | "62":
                yield from self._finish_entry()
                raw.closing = self._balance(text, "closing")
                raw.currency = raw.currency or (raw.closing["currency"] if raw.closing else None)
                self.closed = True
            case "34F" if raw.currency is None:
                # Of an interim report (MT942), which has no balances.
                raw.currency = text[:3] if text[:3].isalpha() else None
            case "61":
                yield from self._finish_entry()
                self._entry = (line, text)
            case "86" if self._entry is not None:
                self._details.append(text)
            case _:
                pass

    def end(self) -> Iterator[RawStatement | RawEntry]:
        yield from self._finish_entry()
        yield from self._tell()

    def _tell(self) -> Iterator[RawStatement]:
        if not self._told:
            self._told = True
            yield self.raw

    def _balance(self, text: str, which: str) -> dict[str, Any] | None:
        found = _BALANCE.match(text.strip())
        try:
            if found is None:
                raise WrongValue(f"the {which} balance {text[:40]!r} cannot be read")
            value = swift_amount(found[4])
            return {
                "amount": plain(value if found[1] == "C" else -value),
                "currency": currency_of(found[3]),
                "day": swift_day(found[2]).isoformat(),
            }
        except WrongValue as error:
            self.raw.problem = str(error)
            return None

    def _finish_entry(self) -> Iterator[RawStatement | RawEntry]:
        if self._entry is None:
            return
        yield from self._tell()
        line, text = self._entry
        details, self._entry, self._details = "\n".join(self._details), None, []
        self.raw.count += 1
        entry = RawEntry(position=self.raw.count, line=line)
        try:
            booked = _fill(entry, text, details, self.raw.currency or "")
        except WrongValue as error:
            entry.problem = str(error)
            booked = True
        if booked:
            yield entry
        else:
            self.raw.not_booked += 1


def _fill(entry: RawEntry, text: str, details: str, currency: str) -> bool:
    """Read `:61:`; False for an expected entry (EC, ED), which is not booked."""
    found = _ENTRY.match(text) or _ENTRY.match(text.replace("\n", ""))
    if found is None:
        raise WrongValue(f"the entry {text[:60]!r} cannot be read")
    valued, booked, mark, _, amount, kind, rest = found.groups()
    if mark in ("EC", "ED"):
        return False
    value = swift_amount(amount)
    # RC takes back a credit, RD a debit.
    entry.amount = value if mark in ("C", "RD") else -value
    entry.written = plain(entry.amount)
    entry.currency = currency
    entry.reversal = mark in ("RC", "RD")
    day: date = swift_day(valued, "value date")
    entry.valued = day.isoformat()
    entry.booked = entry_day(booked, day).isoformat() if booked else None
    entry.code = kind.strip() if kind else None
    customer, bank, supplement = _references(rest)
    entry.bank_ref = None if bank in _NO_REFERENCE else bank
    detail = details_of(details, paid=(entry.amount < 0) != entry.reversal, supplement=supplement)
    if customer not in _NO_REFERENCE:
        detail.setdefault("customer_ref", customer)
    entry.text = detail.pop("info", None)
    if detail:
        detail["amount"], detail["currency"] = entry.written, currency
        entry.details.append(detail)
    return True


def _references(rest: str) -> tuple[str, str, str]:
    """Reference for the account owner (16x), `//` the bank's (16x, often more), supplementary details."""
    line, _, supplement = rest.partition("\n")
    customer, slashes, bank = line.partition("//")
    if not slashes:
        customer, same_line = line[:16], line[16:]
        supplement = "\n".join(part for part in (same_line.strip(), supplement.strip()) if part)
        bank = ""
    return customer.strip(), bank.strip(), supplement.strip()
