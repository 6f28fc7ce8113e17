"""A trace as a waterfall of text: each span below what led to it."""

from datetime import timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.render.words import duration
from shared.commands import Trace

#: Characters of the longest bar.
WIDTH = 24
_STEP = "  "


def trace_view(trace: Trace) -> RenderableType:
    if not trace.items:
        why = (
            f"No spans of this run are kept: they are for {trace.days} days, and come in a second late."
            if trace.days
            else "No spans are kept here: tracing is off, or they go to a collector of your own."
        )
        return Text(why, style="dim")
    begins = min(span.started_at for span in trace.items)
    ends = max(span.started_at + timedelta(microseconds=span.microseconds) for span in trace.items)
    whole = max((ends - begins).total_seconds(), 0.000_001)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("Work", "After", "Takes", ""):
        table.add_column(name, justify="right" if name in ("After", "Takes") else "left", no_wrap=name == "")
    for span, depth in trace.ordered():
        after, seconds = (span.started_at - begins).total_seconds(), span.microseconds / 1_000_000
        work = Text.assemble(_STEP * depth, (span.service, "cyan"), f" {span.name}")
        if span.attempt is not None and span.attempt > 1:
            work.append(f" attempt {span.attempt}", style="dim")
        if span.failed or span.error:
            work.append(f" {span.error or 'failed'}", style="red" if span.failed else "dim")
        start = min(int(after / whole * WIDTH), WIDTH - 1)
        bar = " " * start + "━" * max(1, min(round(seconds / whole * WIDTH), WIDTH - start))
        table.add_row(
            work, duration(after), duration(seconds), Text(bar, style="red" if span.failed else "green")
        )
    parts: list[RenderableType] = [Text(f"Trace {trace.trace_id}", style="dim"), table]
    if trace.left_out:
        parts.append(Text(f"{trace.left_out} more are not shown.", style="dim"))
    return Group(*parts)
