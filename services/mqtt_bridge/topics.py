"""Topics and filters of MQTT (3.1.1 section 4.7, 5 section 4.7). Pure.

Stricter than the standard in one thing: no white space, on which the listener of nats-server ends the
connection.
"""

import re

_LONGEST = 65_535


def matches(filter: str, topic: str) -> bool:
    """Whether a message on `topic` reaches who subscribed to `filter`."""
    wanted, levels = filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    if wanted[-1] == "#":
        wanted.pop()
        # `a/#` is also for `a` itself.
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(
        want in ("+", level) for want, level in zip(wanted, levels, strict=True)
    )


def check_filter(filter: str) -> str:
    """Raises `ValueError` that says what is wrong with it."""
    _check(filter)
    levels = filter.split("/")
    for number, level in enumerate(levels, 1):
        if level not in ("+", "#") and ("+" in level or "#" in level):
            raise ValueError(f"{filter}: `+` and `#` stand alone between slashes, not in {level!r}")
        if level == "#" and number < len(levels):
            raise ValueError(f"{filter}: `#` stands at the end only")
    return filter


def check_topic(topic: str) -> str:
    """Raises `ValueError` that says what is wrong with it."""
    _check(topic)
    if "+" in topic or "#" in topic:
        raise ValueError(f"{topic}: it is published to, so it can have no `+` or `#`")
    return topic


def _check(written: str) -> None:
    if not written:
        raise ValueError("a topic cannot be empty")
    if re.search(r"[\s\x00-\x1f\x7f]", written):
        raise ValueError(f"{written!r}: no spaces and control characters in topics")
    if len(written.encode()) > _LONGEST:
        raise ValueError(f"longer than {_LONGEST} bytes")
