"""How long the last runs of a job took, as a picture: a bar for each, against what was expected. Pure.

Lengths are shares of `WIDTH` and `HEIGHT`; the page stretches the picture and writes the words itself.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from shared.commands import RunDuration
from shared.words import RunState

WIDTH = 1000.0
HEIGHT = 100.0
#: Share of its place that a bar fills.
FILLED = 0.72
#: So much is seen of the shortest run.
LOWEST = 1.5
#: Places at least, so that two runs do not fill the whole width.
PLACES = 20
#: A run that took more than so many times what most take is cut off, an expectation so far above not drawn.
FURTHEST = 3.0


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    width: float
    height: float
    state: RunState
    #: It took longer than the picture is high.
    cut: bool


@dataclass(frozen=True, slots=True)
class DurationChart:
    #: The newest last.
    bars: Sequence[Bar]
    #: Height at which runs were expected to end; None where that lies far above them all.
    expected: float | None
    #: Seconds that the picture is high.
    top: float
    #: The shortest and the longest of the runs that ended.
    shortest: float
    longest: float
    first: RunDuration
    last: RunDuration

    @property
    def states(self) -> list[RunState]:
        """Those that the bars have, in the order of the vocabulary."""
        found = {bar.state for bar in self.bars}
        return [state for state in RunState if state in found]

    @property
    def cuts(self) -> bool:
        """Whether any run took longer than the picture is high."""
        return any(bar.cut for bar in self.bars)


def duration_chart(
    runs: Sequence[RunDuration], expected: float, typical: float | None
) -> DurationChart | None:
    """`runs`: the newest first. None where fewer than two of them have ended."""
    ended = [run for run in reversed(runs) if run.duration is not None]
    if len(ended) < 2:
        return None
    seconds = [run.duration for run in ended if run.duration is not None]
    longest = max(seconds)
    usual = typical if typical is not None else statistics.median(seconds)
    top = min(longest, FURTHEST * max(usual, min(expected, longest)))
    if expected <= FURTHEST * top:
        top = max(top, expected)
    top = top * 1.08 or 1.0
    place = WIDTH / max(PLACES, len(ended))
    bars = [
        Bar(
            x=number * place + place * (1 - FILLED) / 2,
            width=place * FILLED,
            height=max(LOWEST, min(HEIGHT, HEIGHT * (run.duration or 0.0) / top)),
            state=run.state,
            cut=(run.duration or 0.0) > top,
        )
        for number, run in enumerate(ended)
    ]
    return DurationChart(
        bars=bars,
        expected=HEIGHT * expected / top if expected <= top else None,
        top=top,
        shortest=min(seconds),
        longest=longest,
        first=ended[0],
        last=ended[-1],
    )
