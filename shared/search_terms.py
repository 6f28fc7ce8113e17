"""What a person may have meant by what they typed into the search box. Pure."""

import re
from collections.abc import Iterable
from uuid import UUID

#: Hexadecimal digits from which the beginning of a run's id is looked for.
SHORTEST_ID = 8
#: Characters from which the beginning of a record's key is looked for.
SHORTEST_KEY = 3

_HEXADECIMAL = re.compile(r"[0-9a-f-]+")
_ACCOUNT = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]*")


def ids_between(typed: str) -> tuple[UUID, UUID] | None:
    """The smallest and the largest id that begins so: the same one if all of it was typed."""
    digits = typed.strip().lower().removeprefix("run:").removeprefix("document:")
    if not _HEXADECIMAL.fullmatch(digits):
        return None
    digits = digits.replace("-", "")
    if not SHORTEST_ID <= len(digits) <= 32:
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def spellings(typed: str) -> list[str]:
    """How the key of a record may spell it: as typed, in capitals or small, an IBAN without its spaces."""
    typed = typed.strip()
    found = [typed, typed.upper(), typed.lower()]
    compact = re.sub(r"\s", "", typed).upper()
    if _ACCOUNT.fullmatch(compact):
        found.append(compact)
    return list(dict.fromkeys(found))


def keys(typed: str, kinds: Iterable[str]) -> list[str]:
    """Keys that it may be, or the beginning of: as typed, and with each kind of records before it."""
    found = spellings(typed)
    return [*found, *(f"{kind}:{spelling}" for kind in kinds for spelling in found)]


def end_of(beginning: str) -> str:
    """What comes after everything that begins so, in the order of code points."""
    return f"{beginning}\U0010ffff"
