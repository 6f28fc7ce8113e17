"""How time went: the chain of a document as bars, and the life of a run as a small SVG. Colors come from the
page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from cli.demo.story import TakenRun
from cli.demo.words import job_words
from cli.render.words import duration
from shared.commands import RunDetail

#: Units of the drawing; the page scales it to its width.
WIDTH, HEIGHT = 720.0, 74.0
LEFT, RIGHT = 8.0, WIDTH - 8.0
BAR_TOP, BAR_HEIGHT = 22.0, 16.0

#: What gets a mark of its own on the bar, by event type.
MARKS = {"run.recorded": "record", "run.called": "call", "run.cancel_requested": "cancel"}


@dataclass(frozen=True, slots=True)
class _Scale:
    start: datetime
    seconds: float

    def x(self, time: datetime) -> float:
        share = (time - self.start).total_seconds() / self.seconds
        return LEFT + min(1.0, max(0.0, share)) * (RIGHT - LEFT)


@dataclass(frozen=True, slots=True)
class Bar:
    """One run of a chain: where it lies between the chain's beginning and end, in percent."""

    job: str
    #: Waiting for a worker, from here.
    left: float
    waiting: float
    working: float
    state: str
    took: str
    words: str
    cause: str


def chain_bars(runs: Sequence[TakenRun]) -> list[Bar]:
    """The runs of one document under each other, on one scale of time."""
    if not runs:
        return []
    start = min(taken.run.requested_at for taken in runs)
    end = max(taken.run.finished_at or taken.run.requested_at for taken in runs)
    whole = max((end - start).total_seconds(), 0.001)
    bars = []
    for taken in runs:
        run = taken.run
        began = run.started_at or run.finished_at or run.requested_at
        ended = run.finished_at or began
        event = run.cause.event_type if run.cause is not None else None
        bars.append(
            Bar(
                job=job_words(run.job),
                left=100 * (run.requested_at - start).total_seconds() / whole,
                waiting=100 * max(0.0, (began - run.requested_at).total_seconds()) / whole,
                working=100 * max(0.0, (ended - began).total_seconds()) / whole,
                state=str(run.state),
                took=duration((ended - began).total_seconds()),
                words=taken.words,
                cause=(event or str(run.trigger)).removeprefix("event."),
            )
        )
    return bars


def timeline_svg(run: RunDetail) -> Markup:
    """A picture with a text alternative; empty for a run without a timeline."""
    if not run.timeline:
        return Markup("")
    end = run.finished_at or run.timeline[-1].time
    scale = _Scale(run.requested_at, max((end - run.requested_at).total_seconds(), 0.001))
    parts = [_waiting(run, scale), *_attempts(run, scale), *_marks(run, scale), *_axis(run, scale, end)]
    label = escape(f"Timeline of run {run.run_id}: {run.sentence}")
    head = f'<svg class="timeline" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{label}">'
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704  # every text in it is escaped


def _waiting(run: RunDetail, scale: _Scale) -> str:
    until = run.started_at or run.finished_at or run.timeline[-1].time
    return _bar("waiting", scale.x(run.requested_at), scale.x(until), "waiting for a worker")


def _attempts(run: RunDetail, scale: _Scale) -> list[str]:
    bars = []
    for attempt in run.attempts:
        ended = attempt.ended_at or run.finished_at or run.timeline[-1].time
        title = f"attempt {attempt.attempt} on {attempt.worker}: {attempt.outcome}"
        bars.append(_bar(f"attempt {attempt.outcome}", scale.x(attempt.started_at), scale.x(ended), title))
    return bars


def _marks(run: RunDetail, scale: _Scale) -> list[str]:
    marks = []
    for entry in run.timeline:
        if entry.type in MARKS:
            x = scale.x(entry.time)
            marks.append(
                f'<line class="mark {MARKS[entry.type]}" x1="{x:.1f}" x2="{x:.1f}" y1="{BAR_TOP - 5:g}" '
                f'y2="{BAR_TOP + BAR_HEIGHT + 5:g}"><title>{escape(entry.words)}</title></line>'
            )
    return marks


def _axis(run: RunDetail, scale: _Scale, end: datetime) -> list[str]:
    """The times that matter: requested, started, ended."""
    below = BAR_TOP + BAR_HEIGHT + 22
    labels = [
        f'<text x="{LEFT:g}" y="14">requested</text>',
        f'<text x="{LEFT:g}" y="{below:g}">{run.requested_at:%H:%M:%S} UTC</text>',
        f'<text x="{RIGHT:g}" y="14" text-anchor="end">{escape(str(run.state).replace("_", " "))}</text>',
        f'<text x="{RIGHT:g}" y="{below:g}" text-anchor="end">'
        f"+{duration((end - run.requested_at).total_seconds())}</text>",
    ]
    if run.started_at is not None:
        x = scale.x(run.started_at)
        if LEFT + 90 < x < RIGHT - 120:
            waited = duration((run.started_at - run.requested_at).total_seconds())
            labels.append(f'<text class="between" x="{x:.1f}" y="14" text-anchor="middle">started</text>')
            labels.append(
                f'<text class="between" x="{x:.1f}" y="{below:g}" text-anchor="middle">+{waited}</text>'
            )
    return labels


def _bar(kind: str, left: float, right: float, title: str) -> str:
    return (
        f'<rect class="{escape(kind)}" x="{left:.1f}" y="{BAR_TOP:g}" width="{max(right - left, 1.5):.1f}" '
        f'height="{BAR_HEIGHT:g}" rx="3"><title>{escape(title)}</title></rect>'
    )
