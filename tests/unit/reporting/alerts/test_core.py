"""Signals in any order, any number of times: an alert is open if and only if a part of its cause holds."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.reporting.alerts.core import FOR_GOOD, Cause, Change, Part, Signal, step
from shared.words import AlertKind

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CAUSE = Cause(AlertKind.RUN_FAILED, "key", "documents.ocr")

SIGNALS = st.builds(
    lambda part, holds, minute, for_good: Signal(
        CAUSE,
        part,
        holds,
        START + timedelta(minutes=minute),
        order=FOR_GOOD if for_good and not holds else None,
    ),
    part=st.sampled_from(["a", "b", "c"]),
    holds=st.booleans(),
    minute=st.integers(0, 20),
    for_good=st.booleans(),
)


def fold(signals: list[Signal]) -> tuple[dict[str, Part], list[Change]]:
    parts: dict[str, Part] = {}
    changes = []
    for signal in signals:
        others = any(part.holds for name, part in parts.items() if name != signal.part)
        parts[signal.part], change = step(parts.get(signal.part, Part()), others, signal)
        if change is not None:
            changes.append(change)
    return parts, changes


def holding(signals: list[Signal]) -> set[str]:
    """By definition: the parts of which the latest word is that they hold; of two at once, the other one."""
    latest: dict[str, tuple[datetime, bool]] = {}
    for signal in signals:
        word = (signal.rank, not signal.holds)
        latest[signal.part] = max(latest.get(signal.part, word), word)
    return {part for part, (_, gone) in latest.items() if not gone}


@given(st.lists(SIGNALS, max_size=20), st.randoms())
def test_order_and_repetition_of_signals_make_no_difference(signals: list[Signal], random: Random) -> None:
    shuffled = [*signals, *signals[: len(signals) // 2]]
    random.shuffle(shuffled)
    assert fold(shuffled)[0] == fold(signals)[0]
    assert {name for name, part in fold(shuffled)[0].items() if part.holds} == holding(signals)


@given(st.lists(SIGNALS, max_size=30))
def test_an_alert_opens_and_closes_in_turn_and_is_open_while_something_holds(
    signals: list[Signal],
) -> None:
    parts, changes = fold(signals)
    turns = [change for change in changes if change is not Change.AGAIN]
    assert turns == [Change.OPENED, Change.CLOSED] * (len(turns) // 2) + [Change.OPENED] * (len(turns) % 2)
    assert any(part.holds for part in parts.values()) is (len(turns) % 2 == 1)
    # What happens again does so only to an open alert.
    is_open = False
    for change in changes:
        assert is_open or change is Change.OPENED
        is_open = change is not Change.CLOSED


@given(st.lists(SIGNALS, max_size=20))
def test_the_same_signals_again_change_nothing(signals: list[Signal]) -> None:
    parts, changes = fold(signals)
    assert fold([*signals, *signals]) == (parts, changes)


def test_what_happens_again_is_counted_once() -> None:
    first = Signal(CAUSE, "", True, START)
    second = Signal(CAUSE, "", True, START + timedelta(minutes=1))
    assert fold([first, first, second, second])[1] == [Change.OPENED, Change.AGAIN]
    # An older one that comes late is known to be over.
    gone = Signal(CAUSE, "", False, START + timedelta(minutes=2))
    assert fold([gone, second, first])[1] == []
