"""The small things that every view writes: times, durations, states, ids. All times are UTC."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from rich.text import Text

from shared.words import CallOutcome, LogLevel, Outcome, RunState

STATE_STYLES: dict[RunState, tuple[str, str]] = {
    RunState.QUEUED: ("○", "blue"),
    RunState.RUNNING: ("▶", "cyan"),
    RunState.WAITING: ("◷", "blue"),
    RunState.SUCCEEDED: ("✓", "green"),
    RunState.PARTIALLY_FAILED: ("◐", "yellow"),
    RunState.FAILED: ("✗", "red"),
    RunState.CANCELLED: ("⊘", "dim"),
    RunState.TIMED_OUT: ("✗", "red"),
    RunState.INTERRUPTED: ("?", "magenta"),
}

OUTCOME_STYLES: dict[Outcome, str] = {
    Outcome.CREATED: "green",
    Outcome.UPDATED: "green",
    Outcome.DELETED: "yellow",
    Outcome.UNCHANGED: "",
    Outcome.SKIPPED: "dim",
    Outcome.FAILED: "red",
    Outcome.UNKNOWN: "magenta",
}

CALL_STYLES: dict[CallOutcome, str] = {
    CallOutcome.SUCCEEDED: "green",
    CallOutcome.FAILED: "red",
    CallOutcome.UNKNOWN: "magenta",
}

LEVEL_STYLES: dict[LogLevel, str] = {
    LogLevel.DEBUG: "dim",
    LogLevel.INFO: "",
    LogLevel.WARNING: "yellow",
    LogLevel.ERROR: "red",
}


def state_text(state: RunState) -> Text:
    sign, style = STATE_STYLES[state]
    return Text(f"{sign} {plain(state)}", style=style)


def plain(word: str) -> str:
    """An enumerated word as a person writes it: `partially_failed` is `partially failed`."""
    return str(word).replace("_", " ")


def clock(time: datetime, *, today: datetime | None = None) -> str:
    """`14:02:11`, with the date where it is not today."""
    time = time.astimezone(UTC)
    reference = (today or datetime.now(UTC)).astimezone(UTC)
    return f"{time:%H:%M:%S}" if time.date() == reference.date() else f"{time:%Y-%m-%d %H:%M:%S}"


def moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def duration(seconds: float | None) -> str:
    """`42 ms`, `1.42 s`, `12.3 s`, `4 min 10 s`, `2 h 5 min`; a dash for None."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def counts_text(counts: dict[str, int]) -> Text:
    """`3 created, 1 failed`, in the order of the vocabulary."""
    text = Text()
    for outcome in Outcome:
        if number := counts.get(outcome):
            text.append(", " if text else "")
            text.append(f"{number} {outcome}", style=OUTCOME_STYLES[outcome])
    return text or Text("–", style="dim")


def rest(cursor: str) -> Text:
    """How the next page is had, on one line whatever the width: it is there to be copied."""
    return Text(f"More: --cursor {cursor}", style="dim", no_wrap=True, overflow="ignore")


def short_ids(ids: Iterable[UUID], *, at_least: int = 8) -> dict[UUID, str]:
    """Each id by a beginning that no other of them has: new ids share the time of their making."""
    all_ids = sorted(set(ids), key=str)
    short: dict[UUID, str] = {}
    for index, id in enumerate(all_ids):
        neighbours = [str(other) for other in all_ids[max(0, index - 1) : index + 2] if other != id]
        length = at_least
        while any(other[:length] == str(id)[:length] for other in neighbours):
            length += 1
        short[id] = str(id)[:length].rstrip("-") if length > at_least else str(id)[:length]
    return short


def parse_moment(written: str, *, now: datetime) -> datetime:
    """`2h`, `30m`, `7d` ago, `2026-03-01` or a full ISO time (UTC without an offset). Raises `ValueError`."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    number, unit = written[:-1], written[-1:]
    if number.isdigit() and unit in units:
        return now - timedelta(**{units[unit]: int(number)})
    time = datetime.fromisoformat(written)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
