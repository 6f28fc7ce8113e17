"""What the answers about a run are made from."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.commands import Attempt, RecordRow, RunSummary
from shared.events import DoubtfulEffect
from shared.jobs import CatalogueEntry
from shared.words import CallOutcome, Outcome


@dataclass(frozen=True, slots=True)
class CallCount:
    """How often a run called a system with an outcome."""

    system: str
    outcome: CallOutcome
    count: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the answers are made from."""

    run: RunSummary
    attempts: Sequence[Attempt] = ()
    #: Number of records that the run ever changed.
    changed: int = 0
    note: str | None = None
    in_doubt: Sequence[DoubtfulEffect] = ()
    #: The first failed and doubtful records.
    failed: Sequence[RecordRow] = ()
    calls: Sequence[CallCount] = ()
    cancelled_by: str | None = None
    #: The job's declaration, if the catalogue knows it.
    job: CatalogueEntry | None = None

    @property
    def records(self) -> int:
        return sum(self.run.counts.values())

    def count(self, outcome: Outcome) -> int:
        return self.run.counts.get(outcome, 0)
