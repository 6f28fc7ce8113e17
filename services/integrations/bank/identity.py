"""Which of the stored transactions an entry is, if it is there already. Pure.

An entry of a statement has no identity of its own that every bank and every format gives. What all of them
give is the account, the day, the signed amount and the currency; so of equal ones the n-th is the n-th,
and the record key says just that. Which of several equal ones an entry is, references decide:

1. equal evidence, the strongest first: the bank's reference, the payment id, the creditor reference, the
   other side's account, the text;
2. what is left is taken for the same, as long as nothing speaks against it: two values of the same kind
   that differ, in the same format; or a payment id that differs, in any; or that it stands in a statement
   that joins the other's (`balances.apart`), so that both are booked.

What finds no partner is new. An entry of two formats is so found by its evidence where both give it, else
by counting.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.integrations.bank.core import Entry

#: The strongest first.
_KINDS: Final = ("bank", "payment", "reference", "party", "text")
#: Those that belong to one payment only.
_SURE: Final = frozenset({"bank", "payment"})
#: MT940 has room for so many characters of the bank's reference.
_SHORT: Final = 16
#: Characters from which on the beginning of a payment id is taken for the whole of it.
_TELLING: Final = 8


@dataclass(slots=True)
class Stored:
    """A stored transaction, as far as its identity needs it."""

    key: str
    amount: Decimal
    booked: date
    booked_known: bool
    valued: date | None
    nth: int
    #: The statement that brought it.
    statement: UUID
    #: Family -> kind -> value.
    evidence: Mapping[str, Mapping[str, str]]


class Assignment:
    """Finds partners for the entries of one statement, batch by batch."""

    def __init__(self, apart: frozenset[UUID]) -> None:
        self._apart = apart
        #: Keys that entries of this statement have taken already.
        self._taken: set[str] = set()
        #: Families whose bank references turned out to be the same as those of this statement.
        self._comparable: set[str] = set()

    def partners(self, entries: Sequence[Entry], stored: Iterable[Stored]) -> list[Stored | None]:
        """For each entry the stored transaction that it is, or None for a new one.

        `stored` holds at least all with the amount and within a week of the day of one of the entries.
        """
        by_amount: dict[Decimal, list[Stored]] = defaultdict(list)
        for one in stored:
            if one.key not in self._taken:
                by_amount[one.amount].append(one)
        found: list[Stored | None] = [None] * len(entries)
        waiting: dict[Decimal, list[int]] = defaultdict(list)
        for place, entry in enumerate(entries):
            if entry.amount in by_amount:
                waiting[entry.amount].append(place)
        weak = []
        for amount, places in waiting.items():
            group = by_amount[amount]
            if len(group) == len(places) == 1 and self._is_same(entries[places[0]], group[0]):
                self._take(group[0], entries[places[0]], found, places[0])
                continue
            left = _Left(group, self._apart)
            rest = [place for place in places if not self._by_evidence(entries[place], left, found, place)]
            weak.append((left, rest))
        # Only now it is known which families' references can be compared.
        for left, rest in weak:
            for place in rest:
                other = left.nearest(entries[place], self._comparable)
                if other is not None:
                    found[place] = other
                    self._taken.add(other.key)
                    left.remove(other)
        return found

    def _is_same(self, entry: Entry, one: Stored) -> bool:
        """Whether the only two of an amount have evidence that says so: as `_Left` finds it, in one look."""
        kinds = _SURE if one.statement in self._apart else _KINDS
        if not _same_day(entry, one) or _contradicts(entry, one, ()):
            return False
        mine = entry.evidence
        for evidence in one.evidence.values():
            for kind, value in evidence.items():
                known = kind in kinds and kind in mine
                if known and _comparable_value(kind, mine[kind]) == _comparable_value(kind, value):
                    return True
        return False

    def _by_evidence(self, entry: Entry, left: "_Left", found: list[Stored | None], place: int) -> bool:
        one = left.equal(entry)
        if one is None:
            return False
        self._take(one, entry, found, place)
        left.remove(one)
        return True

    def _take(self, one: Stored, entry: Entry, found: list[Stored | None], place: int) -> None:
        """Take it by its evidence."""
        bank = entry.evidence.get("bank")
        for family, evidence in one.evidence.items():
            if family != entry.family and bank and _same_reference(bank, evidence.get("bank", "")):
                self._comparable.add(family)
        found[place] = one
        self._taken.add(one.key)


class _Left:
    """Stored transactions of one amount that have no partner yet."""

    def __init__(self, stored: Sequence[Stored], apart: frozenset[UUID]) -> None:
        self._by_value: dict[tuple[str, str], dict[str, Stored]] = defaultdict(dict)
        self._by_kinds: dict[tuple[object, ...], dict[str, Stored]] = defaultdict(dict)
        for one in sorted(stored, key=lambda one: (one.booked, one.nth)):
            # Text and party are the same in many payments; only a reference speaks against the balances.
            kinds = _SURE if one.statement in apart else _KINDS
            for evidence in one.evidence.values():
                for kind, value in evidence.items():
                    if kind in kinds:
                        self._by_value[kind, _comparable_value(kind, value)][one.key] = one
            if one.statement not in apart:
                self._by_kinds[_shape(one)][one.key] = one

    def remove(self, one: Stored) -> None:
        for evidence in one.evidence.values():
            for kind, value in evidence.items():
                self._by_value[kind, _comparable_value(kind, value)].pop(one.key, None)
        self._by_kinds[_shape(one)].pop(one.key, None)

    def equal(self, entry: Entry) -> Stored | None:
        """The one with the most equal evidence; the strongest kind decides first."""
        most = len(entry.evidence) + 1
        for kind in _KINDS:
            value = entry.evidence.get(kind)
            if value is None:
                continue
            best: Stored | None = None
            agreement = -1
            for one in self._by_value.get((kind, _comparable_value(kind, value)), {}).values():
                if _same_day(entry, one) and not _contradicts(entry, one, ()):
                    agrees = _agreement(entry, one)
                    if agrees > agreement:
                        best, agreement = one, agrees
                    if agrees == most:
                        break
            if best is not None:
                return best
        return None

    def nearest(self, entry: Entry, comparable: Iterable[str]) -> Stored | None:
        """One that nothing speaks against, of the same value date if there is one."""
        best: Stored | None = None
        for shape, group in self._by_kinds.items():
            if not group or entry.evidence.keys() & _kinds_in(shape, entry.family):
                # They have evidence of the same kind and format, and it is not equal.
                continue
            for one in group.values():
                if not _same_day(entry, one):
                    break  # the same for all of a shape
                if _contradicts(entry, one, comparable):
                    continue
                if one.valued == entry.valued:
                    return one
                best = best or one
                break
        return best


def _shape(one: Stored) -> tuple[object, ...]:
    """What is the same for all of a group: the days, and which kinds of evidence each family gave."""
    kinds = tuple(sorted((family, tuple(sorted(given))) for family, given in one.evidence.items()))
    return one.booked, one.booked_known, one.valued, kinds


def _kinds_in(shape: tuple[object, ...], family: str) -> set[str]:
    kinds = shape[3]
    assert isinstance(kinds, tuple)
    return {kind for name, given in kinds if name == family for kind in given}


def _comparable_value(kind: str, value: str) -> str:
    return value[:_SHORT] if kind == "bank" else value


def _same_reference(one: str, other: str) -> bool:
    return bool(one) and bool(other) and one[:_SHORT] == other[:_SHORT]


def _same_day(entry: Entry, one: Stored) -> bool:
    if entry.booked_known and one.booked_known:
        return entry.booked == one.booked
    if entry.valued is not None and one.valued is not None:
        return entry.valued == one.valued
    return entry.booked == one.booked


def _contradicts(entry: Entry, one: Stored, comparable: Iterable[str]) -> bool:
    """Whether they cannot be the same. Within one format every kind of evidence has to agree, and the value
    date; between formats the payment id, and the bank's reference where others showed that it is the same in
    both."""
    for family, evidence in one.evidence.items():
        if family == entry.family:
            if evidence != entry.evidence and any(
                evidence.get(kind, value) != value for kind, value in entry.evidence.items()
            ):
                return True
            if entry.valued is not None and one.valued is not None and entry.valued != one.valued:
                return True
            continue
        mine, other = entry.evidence.get("payment"), evidence.get("payment")
        if mine and other and not _same_beginning(mine, other):
            return True
        bank, other = entry.evidence.get("bank"), evidence.get("bank")
        if family in comparable and bank and other and not _same_reference(bank, other):
            return True
    return False


def _same_beginning(one: str, other: str) -> bool:
    """MT940 cuts payment ids, or lets other text follow without a blank."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and (len(short) >= _TELLING or short == long)


def _agreement(entry: Entry, one: Stored) -> int:
    return sum(
        any(evidence.get(kind) == value for evidence in one.evidence.values())
        for kind, value in entry.evidence.items()
    ) + (entry.valued == one.valued)
