"""How times, spans and numbers are said to people. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from shared.words import Outcome


def moment(time: datetime) -> str:
    """`2026-03-01 14:02:11 UTC`."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def span(seconds: float) -> str:
    """`0.3 s`, `42 s`, `2 min 5 s`, `3 h 10 min`, `2 d 4 h`."""
    if seconds < 0.1:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, small_size, small in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // small_size
            return f"{whole // size} {unit} {rest} {small}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def number(n: int, thing: str) -> str:
    """`no records`, `1 record`, `3 records`."""
    return f"{n or 'no'} {thing}{'' if n == 1 else 's'}"


def listing(parts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def outcomes(counts: Mapping[str, int]) -> str:
    """`3 created, 1 failed`, in the order of the vocabulary; empty for nothing."""
    words = {Outcome.UNKNOWN: "in doubt"}
    return ", ".join(f"{counts[o]} {words.get(o, o.value)}" for o in Outcome if counts.get(o))


def sentence(text: str) -> str:
    """`text` with its full stop, whatever it ended with."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def clause(text: str) -> str:
    """`text` without its full stop, to stand within a sentence."""
    return text.strip().rstrip(".")
