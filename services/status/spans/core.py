"""Which spans of a trace tell of a run. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from shared.commands import Span


def of_run(spans: Sequence[Span], run_id: UUID) -> list[Span]:
    """The run's own spans with everything below them, and what led to them; not its siblings."""
    known = {span.span_id: span for span in spans}
    below: dict[str | None, list[Span]] = defaultdict(list)
    for span in spans:
        below[span.parent_id].append(span)
    wanted: set[str] = set()
    waiting = [span for span in spans if span.run_id == run_id]
    for span in waiting:
        above = span.parent_id
        while above is not None and above not in wanted and above in known:
            wanted.add(above)
            above = known[above].parent_id
    while waiting:
        span = waiting.pop()
        # What another run of the same trace does under this one is that run's.
        if span.run_id in (None, run_id):
            wanted.add(span.span_id)
            waiting += [one for one in below[span.span_id] if one.span_id not in wanted]
    return [span for span in spans if span.span_id in wanted]
