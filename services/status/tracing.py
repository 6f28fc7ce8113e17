"""The span of a batch that was projected, linked to what its runs belong to.

Only ends count: of a run that tells its progress for hours, each batch would be a span.
"""

import time
from collections import OrderedDict
from typing import Final
from uuid import UUID

from opentelemetry.trace import SpanKind

from services.status.rows import Changes
from shared.subjects import RUNS
from shared.telemetry.messages import RUN_EVENTS, message
from shared.telemetry.spans import batch, recorded

#: Runs of which it is known what they belong to; only requests say so.
REMEMBERED: Final = 20_000


class Folding:
    """Batches on their way into the rows, one after the other."""

    def __init__(self) -> None:
        self._causes: OrderedDict[UUID, str] = OrderedDict()
        self._began = 0
        self._folded: list[str | None] = []
        self._messages = 0

    def begin(self) -> None:
        """A batch has arrived."""
        self._began = time.time_ns()

    def fold(self, changes: Changes) -> None:
        """Its rows are about to be written; afterwards nobody knows any more what a request said."""
        if not recorded():
            return
        self._messages, self._folded = len(changes.archive), []
        for run in changes.runs.values():
            if run.request is not None and run.request.traceparent is not None:
                self._causes[run.run_id] = run.request.traceparent
        for run_id, run in changes.runs.items():
            if run.state.final:
                self._folded.append(self._causes.pop(run_id, None))
        while len(self._causes) > REMEMBERED:
            self._causes.popitem(last=False)

    def end(self) -> None:
        """They are committed."""
        if not self._folded:
            return
        attributes = message("process", "process", RUNS, RUN_EVENTS) | {
            "messaging.batch.message_count": self._messages
        }
        batch("process run events", SpanKind.CONSUMER, attributes, began=self._began, causes=self._folded)
        self._folded = []
